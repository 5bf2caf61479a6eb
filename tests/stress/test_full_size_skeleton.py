"""All names of UCF101's and HMDB51's official lists, as tiny clips, through the DAG to the splits.

What depends on the number of videos shows here: exact counts, and memory that does not grow.
"""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from rev2net.shards.reader import ShardIndex
from tests.made_data import shard_folder
from tests.real_data import REAL_DATA, WITHOUT
from tests.stress.video_clips import write_clip

ROOT = Path(__file__).resolve().parents[2]
UCF101_LISTS = REAL_DATA / "ucf101" / "ucfTrainTestlist"
HMDB51_LISTS = REAL_DATA / "hmdb51" / "testTrainMulti_7030_splits"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (UCF101_LISTS.is_dir() and HMDB51_LISTS.is_dir()),
        reason=WITHOUT,
    ),
]

LENGTHS = (2, 3, 4, 5, 6)  # frames of the clips that the names stand for in turns
VIDEOS = {"ucf101": 13320, "hmdb51": 6766}
SHARDS = {"ucf101": 26, "hmdb51": 13}


def listed() -> dict[str, list[str]]:
    """Paths below the dataset's folder of videos, as the official lists of split 1 name them."""
    ucf101 = [
        line.split()[0]
        for part in ("trainlist01.txt", "testlist01.txt")
        for line in (UCF101_LISTS / part).read_text().splitlines()
        if line.strip()
    ]
    hmdb51 = [
        f"{path.name.removesuffix('_test_split1.txt')}/{line.split()[0]}"
        for path in sorted(HMDB51_LISTS.glob("*_test_split1.txt"))
        for line in path.read_text().splitlines()
        if line.strip()
    ]
    return {"ucf101": ucf101, "hmdb51": hmdb51}


def write_datasets(folder: Path) -> dict[str, dict[str, int]]:
    """Both dataset roots; for each dataset, the number of frames by video."""
    clips = {
        length: write_clip(folder / f"{length}.avi", length, 24 + 2 * length, 40)
        for length in LENGTHS
    }
    roots = {"ucf101": ("UCF-101", UCF101_LISTS), "hmdb51": ("hmdb51_org", HMDB51_LISTS)}
    lengths: dict[str, dict[str, int]] = {}
    for dataset, paths in listed().items():
        videos, lists = roots[dataset]
        lengths[dataset] = {}
        for number, path in enumerate(paths):
            file = folder / dataset / videos / path
            file.parent.mkdir(parents=True, exist_ok=True)
            length = LENGTHS[number % len(LENGTHS)]
            os.link(clips[length], file)
            lengths[dataset][file.stem] = length
        (folder / dataset / lists.name).symlink_to(lists)
    return lengths


@pytest.fixture(scope="module")
def skeleton(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, int]]]:
    """The folder in which Snakemake ran as far as the cross-dataset splits, and what went in."""
    folder = tmp_path_factory.mktemp("skeleton")
    lengths = write_datasets(folder)
    settings = yaml.safe_load((ROOT / "configs/realclips.yaml").read_text())
    settings["name"] = "skeleton"
    for name, dataset in settings["datasets"].items():
        dataset |= {"root": str(folder / name), "partial": False, "shards": SHARDS[name]}
    settings["frames"]["short_side"] = None
    (folder / "skeleton.yaml").write_text(yaml.safe_dump(settings))
    targets = [f"work/skeleton/splits/{name}/split1.csv" for name in ("hmdb-ucf", "ucf-hmdb")]
    command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", *targets]
    command += ["--directory", str(folder), "--configfile", str(folder / "skeleton.yaml")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return folder, lengths


Skeleton = tuple[Path, dict[str, dict[str, int]]]


@pytest.mark.parametrize("dataset", VIDEOS)
def test_every_video_is_accounted_for_in_both_kinds(skeleton: Skeleton, dataset: str) -> None:
    folder, lengths = skeleton
    assert len(lengths[dataset]) == VIDEOS[dataset]
    for kind, fewer in (("rgb", 0), ("flow", 1)):
        shards = shard_folder(folder / "skeleton.yaml", dataset, kind, folder)
        with open(shards.ledger, newline="") as file:
            rows = list(csv.DictReader(file))
        assert Counter(row["status"] for row in rows) == {"ok": VIDEOS[dataset]}
        assert {row["video_id"]: int(row["decoded"]) for row in rows} == lengths[dataset]
        index = ShardIndex(shards.index)
        stored = {name: index.video(name).num_images for name in index.ids}
        assert {name: number + fewer for name, number in stored.items()} == lengths[dataset]


def test_the_splits_have_the_published_counts(skeleton: Skeleton) -> None:
    counts = {}
    for benchmark in ("hmdb-ucf", "ucf-hmdb"):
        summary = skeleton[0] / "work/skeleton/splits" / benchmark / "split1.json"
        parts = json.loads(summary.read_text())["parts"]
        assert all(part["usable"] == part["expected"] for part in parts.values())
        counts[benchmark] = {name: part["usable"] for name, part in parts.items()}
    assert counts == {
        "hmdb-ucf": {"train": 840, "val": 360, "target_unlabelled": 1438, "test": 571},
        "ucf-hmdb": {"train": 1438, "val": 571, "target_unlabelled": 840, "test": 360},
    }


def test_what_the_jobs_took_is_told(skeleton: Skeleton) -> None:
    """Time and peak memory of each stage, for the reader of the log; memory fits the rules'."""
    folder = skeleton[0] / "logs/timings"
    allowed = {"index_dataset": 1000, "decode_frames": 600, "compute_flow": 800}
    allowed |= {"merge_shards": 1000, "split_benchmark": 1000}
    print()
    for stage, megabytes in allowed.items():
        jobs = [json.loads(path.read_text()) for path in (folder / stage).rglob("*.jsonl")]
        peak = max(float(job["max_rss"]) for job in jobs)
        seconds = np.array([float(job["s"]) for job in jobs])
        print(
            f"{stage}: {len(jobs)} jobs, {seconds.sum():.0f} s together, the longest "
            f"{seconds.max():.0f} s, peak memory {peak:.0f} MiB"
        )
        assert peak < megabytes, stage
