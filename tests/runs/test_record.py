"""Finished trainings: which the tables need, how they are named, and what their logs hold."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rev2net.config import METHODS, Config
from rev2net.errors import UserError
from rev2net.paper.tables import configured_tables, table_runs
from rev2net.runs.folder import RunFolder, WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.record import (
    StoredRun,
    first_by_benchmark,
    label,
    needed_trainings,
    same_row,
    stored_trainings,
)

RUN = Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0)


def stored(**changes: Any) -> StoredRun:
    run = replace(RUN, **changes)
    return StoredRun(run, RunFolder(Path()), {}, METHODS[run.method], run.benchmark)


def test_a_fused_row_needs_its_streams_and_is_no_training(config: Config) -> None:
    runs = needed_trainings(config)
    assert len(set(runs)) == len(runs)
    assert {run.input for run in runs} <= {"rgb", "flow", "rgbdiff"}
    for table in configured_tables(config):
        for run in table_runs(table, config):
            assert {stream for stream, _ in run.streams} <= set(runs)


def test_only_finished_trainings_are_found(config: Config, tmp_path: Path) -> None:
    run = needed_trainings(config)[0]
    folder = WorkFolder(tmp_path).run(run)
    folder.path.mkdir(parents=True)
    assert stored_trainings(config, tmp_path) == []
    folder.record.write_text('{"device": "cpu"}')
    assert stored_trainings(config, tmp_path) == [
        StoredRun(run, folder, {"device": "cpu"}, METHODS[run.method], "UCF101")
    ]


def test_seeds_and_splits_are_one_row(config: Config) -> None:
    runs = [stored(), stored(seed=1), stored(split=2), stored(method="tsn")]
    assert same_row(runs, runs[1].run) == runs[:3]
    assert first_by_benchmark([stored(benchmark="ucf-hmdb"), *runs]) == {
        "ucf-hmdb": [stored(benchmark="ucf-hmdb")],
        "hmdb-ucf": [runs[0], runs[3]],
    }


def test_a_name_says_no_more_than_tells_rows_apart() -> None:
    one, other = stored(), stored(init="kinetics", adapt="none")
    assert label(one, [one]) == "I3D RGB"
    assert label(one, [one, other]) == "I3D RGB (scratch) (mkmmd)"
    assert label(other, [one, other]) == "I3D RGB (kinetics) (source only)"


def test_a_log_is_read_by_column_and_gaps_are_no_numbers(tmp_path: Path) -> None:
    lines = [{"step": 1, "flow": 0.5}, {"step": 2, "domain": 0.25}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    log = replace(stored(), folder=RunFolder(tmp_path)).log()
    np.testing.assert_array_equal(log["step"], [1, 2])
    np.testing.assert_array_equal(log["flow"], [0.5, np.nan])
    np.testing.assert_array_equal(log["domain"], [np.nan, 0.25])
    assert replace(stored(), folder=RunFolder(tmp_path / "elsewhere")).log() == {}


def test_a_broken_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st')
    with pytest.raises(UserError, match=r"metrics\.jsonl: not JSON"):
        replace(stored(), folder=RunFolder(tmp_path)).log()
