"""Killed anywhere, the same command goes on to the same numbers; damage is said, never hidden.

The full set (`make test-all`) injects more than fifty faults into runs of the smoke benchmark up to
Table 5. After each the same command is given again; where it fails, one line must say what a person
has to do, which is then done. The end is always the tables of an undisturbed run, byte for byte.
"""

import csv
import random
import shutil
from pathlib import Path

import pytest

from tests.faults.fault_kinds import (
    Faults,
    damage,
    filled,
    flip,
    flip_image,
    kill_on_the_way,
    mend,
    rewind,
    small_disk,
    truncate,
)
from tests.faults.fault_pipeline import Pipeline

TABLES = [f"results/table5.{suffix}" for suffix in ("csv", "md", "tex")]
ONE_RUN = "hmdb-ucf/tsn/rgb.scratch.mkmmd"
FEW_RUNS = "hmdb-ucf/[ir]*/*"  # I3D on RGB and flow, and Rev2Net


def test_a_sample_of_faults_changes_no_score(tmp_path: Path) -> None:
    """Jobs and Snakemake killed, then a damaged file of every stage, on one run."""
    folder = f"work/smoke/runs/{ONE_RUN}/split1.seed0"
    targets = [f"{folder}/scores-test.h5", f"{folder}/scores-val.h5"]
    undisturbed = Pipeline.new(tmp_path / "undisturbed", targets, shards=1)
    outcome = undisturbed.run()
    assert outcome.succeeded, outcome.end
    expected, faults = undisturbed.results(), Faults()

    pipeline = Pipeline.new(tmp_path / "killed", targets, shards=1)
    plan = ["job", "job", "snakemake", "interrupt", "state"]
    kill_on_the_way(faults, pipeline, random.Random(0), plan, per_stage=1)
    assert pipeline.results() == expected

    # A remade index has its dataset's shards remade, and what was done to them goes unseen: hence
    # one dataset's index and the other's shards. How many faults fell above depends on the clock,
    # so the draws here are from a generator of their own.
    rewind(pipeline, "frames", ONE_RUN)
    rng = random.Random(0)
    damage(faults, pipeline, rng, "data/ucf101-*/index.csv", truncate)
    damage(faults, pipeline, rng, "data/hmdb51-*/flow-*/*.csv", truncate)
    damage(faults, pipeline, rng, "data/hmdb51-*/flow-*/*.h5", truncate)
    damage(faults, pipeline, rng, "data/hmdb51-*/rgb-*/*.h5", flip_image)
    mend(faults, pipeline)
    assert pipeline.results() == expected
    assert len(faults.said) == 4, faults.said
    print(faults)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """An undisturbed run to Table 5."""
    pipeline = Pipeline.new(tmp_path_factory.mktemp("undisturbed") / "folder", TABLES, shards=2)
    outcome = pipeline.run()
    assert outcome.succeeded, outcome.end
    return pipeline


@pytest.fixture(scope="module")
def faults() -> Faults:
    """The count over the full set."""
    return Faults()


@pytest.mark.slow
def test_killed_processes_change_no_table(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    pipeline = Pipeline.new(tmp_path / "killed", TABLES, shards=2)
    plan = ["job"] * 12 + ["training"] * 4 + ["state"] * 4 + ["snakemake"] * 4
    plan += ["interrupt"] * 2
    kill_on_the_way(faults, pipeline, random.Random(1), plan, per_stage=2)
    assert len(plan) <= 4  # the run may end before all of them find their process
    assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_damage_before_training_changes_no_table(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    pipeline, rng = finished.copy(tmp_path / "damaged"), random.Random(2)
    rewind(pipeline, "frames", FEW_RUNS)
    damage(faults, pipeline, rng, "data/*/index.csv", truncate)
    damage(faults, pipeline, rng, "data/*/*-*/?.csv", truncate, 2)
    damage(faults, pipeline, rng, "data/*/*-*/?.h5", truncate, 3)
    damage(faults, pipeline, rng, "data/*/*-*/?.h5", flip, 3)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()

    rewind(pipeline, "merge", FEW_RUNS)
    damage(faults, pipeline, rng, "data/*/rgb-*.index", truncate)
    damage(faults, pipeline, rng, "data/*/flow-*.index", flip, 2)
    damage(faults, pipeline, rng, "data/*/rgb-*.csv", truncate)
    damage(faults, pipeline, rng, "data/hmdb51-*/*-*/?.h5", flip_image, 2)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_damage_after_training_changes_no_table(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    pipeline, rng = finished.copy(tmp_path / "damaged"), random.Random(4)
    rewind(pipeline, "splits", ONE_RUN)
    damage(faults, pipeline, rng, "smoke/splits/hmdb-ucf/*.csv", truncate)
    damage(faults, pipeline, rng, "smoke/splits/hmdb-ucf/*.json", flip)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()

    rewind(pipeline, "train", "ucf-hmdb/*/*")
    damage(faults, pipeline, rng, "smoke/runs/ucf-hmdb/**/checkpoint.pt", flip, 2)
    damage(faults, pipeline, rng, "smoke/runs/ucf-hmdb/**/checkpoint.pt", truncate)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()

    rewind(pipeline, "evaluate", "*/tsm/*")
    damage(faults, pipeline, rng, "smoke/runs/**/scores-test.h5", truncate, 2)
    damage(faults, pipeline, rng, "smoke/runs/**/scores-test.h5", flip, 2)
    damage(faults, pipeline, rng, "smoke/fused/**/scores-*.h5", flip, 2)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_videos_that_are_lost_between_stages_are_named(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    """One deleted, one truncated, after the RGB shards and before the flow shards were made."""
    pipeline, rng = finished.copy(tmp_path / "lost"), random.Random(5)
    lost: dict[Path, Path] = {}
    names = []
    for dataset in ("ucf101", "hmdb51"):
        (index,) = pipeline.work.glob(f"data/{dataset}-*/index.csv")
        with open(index, newline="") as file:
            row = rng.choice(list(csv.DictReader(file)))
        names.append(row["video_id"])
        video = index.parent / "videos" / dataset / row["path"]
        lost[video] = tmp_path / dataset
        shutil.copy2(video, lost[video])
        if dataset == "ucf101":
            video.unlink()
            faults.add("delete: data, a video")
        else:
            truncate(rng, video)
            faults.add("truncate: data, a video")
    rewind(pipeline, "frames", ONE_RUN)
    for path in pipeline.work.glob("data/*/flow-*/*"):
        path.unlink()
    outcome = pipeline.run("--keep-going")
    assert outcome.text.count("1 of 20 videos are unusable") >= 2
    assert all(name in outcome.text for name in names)
    for video, saved in lost.items():
        shutil.copy2(saved, video)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_lost_lists_of_a_dataset_are_named(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    pipeline = finished.copy(tmp_path / "lost")
    lists = [
        sorted(pipeline.work.glob(f"data/{pattern}"))[0]
        for pattern in ("ucf101-*/videos/*/*/trainlist01.txt", "hmdb51-*/videos/*/*/*_split1.txt")
    ]
    for path in lists:
        path.rename(tmp_path / path.name)
        faults.add("delete: data, an official list")
    rewind(pipeline, "frames", ONE_RUN)
    for path in pipeline.work.glob("data/*/index.csv"):
        path.unlink()
    outcome = pipeline.run("--keep-going")
    said = [line for line in outcome.text.splitlines() if "rev2net index: " in line]
    for path in lists:
        folder = str(path.parent.relative_to(pipeline.folder))
        assert any(folder in line and path.name in line for line in said), said
        (tmp_path / path.name).rename(path)
    mend(faults, pipeline)
    assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_a_full_disk_is_said_in_one_line(
    finished: Pipeline, faults: Faults, tmp_path: Path
) -> None:
    """The disk is full when a stage begins, with a few bytes left, and then it is not."""
    folder = tmp_path / "full"
    with small_disk(folder / "work", 100):
        pipeline = Pipeline.new(folder, TABLES, shards=2)
        for rule, left in (
            ("generate_mini", 1 << 16),
            ("index_dataset", 0),
            ("decode_frames", 1 << 16),
            ("compute_flow", 1 << 16),
            ("merge_shards", 1 << 12),
            ("split_benchmark", 0),
            ("train_run", 1 << 16),
            ("evaluate_run", 1 << 12),
            ("fuse_streams", 0),
        ):
            with filled(folder / "work", left):
                outcome = pipeline.run()
            faults.add(f"full disk: {rule}")
            assert not outcome.succeeded
            assert any("no space left on the disk" in line for line in outcome.advice), outcome.end
            assert pipeline.run("--until", rule).succeeded
        assert pipeline.run().succeeded
        assert pipeline.results() == finished.results()


@pytest.mark.slow
def test_the_set_was_large(
    faults: Faults, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """The last test: what all others injected."""
    if not faults.total or request.config.option.keyword:
        pytest.skip("counts what the other tests injected, when all of them run")
    with capsys.disabled():
        print(f"\n{faults}")
    assert faults.total >= 50
    assert len(faults.kinds) >= 5
