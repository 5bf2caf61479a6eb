"""The jobs behind targets, counted by hand; test_dag_size.py compares them with the workflow's."""

from pathlib import Path

import pytest

from rev2net import config as configuration
from rev2net.errors import UserError
from rev2net.plan.jobs import needed_jobs
from rev2net.runs.identity import Run

ROOT = Path(__file__).resolve().parents[2]


def test_a_table_needs_its_streams_and_two_parts_of_each_fusion() -> None:
    """Table 5: I3D, TSN, TSM on RGB and on flow, Rev2Net on RGB; two directions, one seed."""
    mini = configuration.load(ROOT / "config.yaml")
    jobs = needed_jobs(["table5"], mini)
    assert len(jobs.trainings) == len(jobs.evaluations) == 7 * 2
    assert len(jobs.fusions) == 3 * 2 * 2
    assert jobs.datasets(mini) == ["ucf101", "hmdb51"]
    assert jobs.benchmarks == [("hmdb-ucf", 1), ("ucf-hmdb", 1)]
    assert jobs.small == 3


def test_a_second_table_of_the_same_runs_adds_no_training() -> None:
    mini = configuration.load(ROOT / "config.yaml")
    assert (
        needed_jobs(["table1", "table5"], mini).trainings == needed_jobs(["table5"], mini).trainings
    )


def test_a_parent_is_trained_and_not_evaluated() -> None:
    """Table 3 starts from Kinetics runs, which no table of its own shows."""
    paper = configuration.load(ROOT / "configs/paper.yaml")
    jobs = needed_jobs(["table3"], paper)
    start = Run("kinetics400", "stm", "rgb", "imagenet", "none", 1, 0)
    assert start in jobs.trainings
    assert start not in jobs.evaluations
    assert jobs.datasets(paper) == ["ucf101", "hmdb51", "kinetics400"]


def test_the_search_has_its_points() -> None:
    mini = configuration.load(ROOT / "config.yaml")
    jobs = needed_jobs(["search"], mini)
    assert len(jobs.points) == 2 * 3 * (2 * 2 + 2**2 + 6 + 2)  # of two datasets, three seeds
    assert not jobs.trainings
    assert jobs.datasets(mini) == ["ucf101", "hmdb51"]


def test_the_schedules_have_a_training_a_stream_and_benchmark_and_no_evaluation() -> None:
    paper = configuration.load(ROOT / "configs/paper.yaml")
    jobs = needed_jobs(["schedules"], paper)
    assert len(jobs.measured) == 7 * 2
    assert not jobs.trainings
    assert not jobs.evaluations
    assert jobs.held_out == [("hmdb-ucf", 1), ("ucf-hmdb", 1)]
    assert jobs.datasets(paper) == ["ucf101", "hmdb51"]
    assert jobs.small == 2 + 1


def test_schedules_that_are_not_configured_are_refused() -> None:
    with pytest.raises(UserError, match="configuration 'mini' has no `schedules`"):
        needed_jobs(["schedules"], configuration.load(ROOT / "config.yaml"))


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(UserError, match="unknown table 'table6'; the tables are"):
        needed_jobs(["table6"], configuration.load(ROOT / "config.yaml"))
