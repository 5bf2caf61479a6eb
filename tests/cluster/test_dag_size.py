"""The dry run of the reproduction: the jobs that the plan counts, in seconds and little memory."""

from pathlib import Path

import pytest
import yaml

from rev2net import config as configuration
from rev2net.config import Config
from rev2net.paper.tables import TABLES
from rev2net.plan.jobs import OTHER_TARGETS, needed_jobs
from tests.cluster.dag_size import dry_run

ROOT = Path(__file__).resolve().parents[2]
PAPER = (ROOT / "configs/paper.yaml").read_text()


def check_jobs(found: dict[str, int], config: Config) -> None:
    """Every rule has the jobs that `rev2net plan` counts from the configuration."""
    needed = needed_jobs([*TABLES, *OTHER_TARGETS], config)
    shards = sum(dataset.shards for dataset in config.datasets.values())
    expected = {
        "index_dataset": 3,
        "decode_frames": shards,
        "compute_flow": shards,
        "merge_shards": 6,  # RGB and flow
        "split_benchmark": len(needed.benchmarks),
        "hold_out_validation": len({(p.run.benchmark, p.run.split) for p in needed.points}),
        "hold_out_source": len({(run.benchmark, run.split) for run in needed.measured}),
        "train_run": len(needed.trainings),
        "evaluate_run": len(needed.evaluations),
        "train_search_point": len(needed.points),
        "evaluate_search_point": len(needed.points),
        "train_schedule": len(needed.measured),
        "fuse_streams": len(needed.fusions),
        "download_weights": len({s.file for s in config.initial_weights.values() if s.url}),
    }
    assert {rule: found[rule] for rule in expected} == expected
    assert found["total"] == sum(expected.values()) + needed.small + 1  # and the rule `all`


def test_a_dry_run_has_the_planned_jobs_and_costs_little() -> None:
    """A smaller reproduction, so that this is quick: one seed, a split, a sixth of the shards."""
    values = yaml.safe_load(PAPER) | {"seeds": [0], "splits": [1]}
    for name, shards in {"ucf101": 16, "hmdb51": 8, "kinetics400": 300}.items():
        values["datasets"][name]["shards"] = shards
    config = configuration.validate(Config, values, "sized")
    found = dry_run(yaml.safe_dump(values))
    check_jobs(found.jobs, config)
    # Twice what it took on a busy core; the start of Snakemake is 2 of them.
    assert found.seconds < 2 * (2 + 0.0025 * found.jobs["total"])
    assert found.bytes < 400e6


@pytest.mark.slow
def test_the_full_dag_dry_runs_in_seconds_and_little_memory() -> None:
    config = configuration.load(ROOT / "configs/paper.yaml")
    found = dry_run(PAPER)
    check_jobs(found.jobs, config)
    assert found.jobs["total"] > 5000
    assert found.seconds < 30  # processor time; the bar is 15 s on a machine that does nothing else
    assert found.bytes < 2**30
