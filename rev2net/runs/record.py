"""Finished trainings on disk: which there are of those that the tables need, and their records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rev2net.config import Config
from rev2net.digests import read_json
from rev2net.errors import UserError
from rev2net.experiments import INPUT_LABELS, method_label
from rev2net.paper.tables import BENCHMARK_LABELS, configured_tables, table_runs
from rev2net.runs.folder import RunFolder, WorkFolder
from rev2net.runs.identity import Run


@dataclass(frozen=True)
class StoredRun:
    """A training whose `run.json` is there."""

    run: Run
    folder: RunFolder
    record: dict[str, Any]

    def log(self) -> dict[str, NDArray[np.float64]]:
        """The columns of `metrics.jsonl`; empty where there is none."""
        path = self.folder.metrics
        if not path.exists():
            return {}
        try:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        except json.JSONDecodeError as error:
            raise UserError(f"{path}: not JSON ({error})") from None
        names = list(dict.fromkeys(name for line in lines for name in line))
        return {name: np.array([line.get(name, np.nan) for line in lines]) for name in names}


def needed_trainings(config: Config) -> list[Run]:
    """Every training behind a cell of the configured tables."""
    runs = (run for table in configured_tables(config) for run in table_runs(table, config))
    trainings = {stream for run in runs for stream, _ in run.streams}
    return sorted(trainings, key=partial(_table_order, config=config))


def stored_trainings(config: Config, root: Path) -> list[StoredRun]:
    """Those of them that are finished below `root`."""
    found = []
    for run in needed_trainings(config):
        folder = WorkFolder(root).run(run)
        if folder.record.exists():
            found.append(StoredRun(run, folder, read_json(folder.record)))
    return found


def first_of_each(stored: Sequence[StoredRun]) -> list[StoredRun]:
    """One run a row and benchmark: the first split and seed."""
    first: dict[tuple[str, ...], StoredRun] = {}
    for one in stored:
        first.setdefault(_row(one.run), one)
    return list(first.values())


def by_benchmark(stored: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    """The runs of each benchmark, in the order of the paper's columns."""
    return {
        name: runs
        for name in dict.fromkeys([*BENCHMARK_LABELS, *(one.run.benchmark for one in stored)])
        if (runs := [one for one in stored if one.run.benchmark == name])
    }


def same_row(stored: Sequence[StoredRun], run: Run) -> list[StoredRun]:
    """All splits and seeds of a run's row and benchmark."""
    return [one for one in stored if _row(one.run) == _row(run)]


def label(run: Run, beside: Sequence[StoredRun]) -> str:
    """The row's name; with initialisation or adaptation where runs `beside` it differ in them."""
    words = [method_label(run.method), INPUT_LABELS[run.input]]
    if len({one.run.init for one in beside}) > 1:
        words.append(f"({run.init})")
    if len({one.run.adapt for one in beside}) > 1:
        words.append("(source only)" if run.adapt == "none" else f"({run.adapt})")
    return " ".join(words)


def _row(run: Run) -> tuple[str, ...]:
    return (run.benchmark, run.method, run.input, run.init, run.adapt)


def _table_order(run: Run, config: Config) -> tuple[object, ...]:
    methods, inputs = list(config.all_methods), list(INPUT_LABELS)
    place = (methods.index(run.method), inputs.index(run.input))
    return (run.benchmark, *place, run.init, run.adapt == "none", run.split, run.seed)
