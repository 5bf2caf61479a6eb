"""Finished trainings on disk: which there are of those that the tables need, and their records."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rev2net.config import Config, Method
from rev2net.digests import read_json
from rev2net.experiments import INPUT_LABELS, method_of
from rev2net.files import json_lines
from rev2net.paper.tables import benchmark_label, configured_tables, table_runs, words_apart
from rev2net.runs.folder import RunFolder, WorkFolder
from rev2net.runs.identity import Run


@dataclass(frozen=True)
class StoredRun:
    """A training whose `run.json` is there."""

    run: Run
    folder: RunFolder
    record: dict[str, Any]
    method: Method
    place: str  # its benchmark, as tables head their columns

    def log(self) -> dict[str, NDArray[np.float64]]:
        """The columns of `metrics.jsonl`; empty where there is none."""
        path = self.folder.metrics
        lines = json_lines(path) if path.exists() else []
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
            place = benchmark_label(run.benchmark, config)
            record = read_json(folder.record)
            found.append(StoredRun(run, folder, record, method_of(run, config), place))
    return found


def first_by_benchmark(stored: Sequence[StoredRun]) -> dict[str, list[StoredRun]]:
    """One run a row of each benchmark, the first split and seed, in the order they come in."""
    first: dict[tuple[str, ...], StoredRun] = {}
    for one in stored:
        first.setdefault(_row(one.run), one)
    found: dict[str, list[StoredRun]] = {}
    for one in first.values():
        found.setdefault(one.run.benchmark, []).append(one)
    return found


def same_row(stored: Sequence[StoredRun], run: Run) -> list[StoredRun]:
    """All splits and seeds of a run's row and benchmark."""
    return [one for one in stored if _row(one.run) == _row(run)]


def label(one: StoredRun, beside: Sequence[StoredRun]) -> str:
    """The row's name; with initialisation or adaptation where runs `beside` it differ in them."""
    pairs = [(other.run.init, other.run.adapt) for other in beside]
    words = words_apart(one.run.init, one.run.adapt, pairs)
    return " ".join([one.method.label, INPUT_LABELS[one.run.input], *words])


def _row(run: Run) -> tuple[str, ...]:
    return (run.benchmark, run.method, run.input, run.init, run.adapt)


def _table_order(run: Run, config: Config) -> tuple[object, ...]:
    words = (list(config.benchmarks), list(config.all_methods), list(INPUT_LABELS))
    names = (run.benchmark, run.method, run.input)
    place = [known.index(name) for known, name in zip(words, names, strict=True)]
    return (*place, run.init, run.adapt == "none", run.split, run.seed)
