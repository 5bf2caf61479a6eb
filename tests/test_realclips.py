"""The real clips through the DAG: exact counts in ledger, split and scores; no accuracies."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from rev2net.runs.scores import read_scores
from tests.made_data import shard_folder
from tests.real_data import REAL_DATA, WITHOUT

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(
    not (REAL_DATA / "ucf101" / "UCF-101").is_dir(),
    reason=WITHOUT,
)

RUN = "hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """configs/realclips.yaml at 48 pixels, as far as the scores of one run."""
    folder = tmp_path_factory.mktemp("realclips")
    settings = yaml.safe_load((ROOT / "configs/realclips.yaml").read_text())
    for name, dataset in settings["datasets"].items():
        dataset["root"] = str(REAL_DATA / name)
    settings["frames"]["short_side"] = 48
    settings["flow"] |= {"nscales": 2, "warps": 2, "outer_iterations": 2}
    recipe = settings["recipes"]["i3d.rgb"]
    recipe["clip"]["size"] = recipe["test"]["size"] = 48
    (folder / "small.yaml").write_text(yaml.safe_dump(settings))
    target = f"work/realclips/runs/{RUN}/scores-test.h5"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", "2", target]
    command += ["--directory", str(folder), "--configfile", str(folder / "small.yaml")]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        timeout=500,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return folder / "work/realclips"


def test_the_ledger_has_a_row_for_every_video_of_the_official_lists(work: Path) -> None:
    folder = work.parents[1]
    for dataset, listed, here in (("ucf101", 13320, 17), ("hmdb51", 6766, 7)):
        for kind in ("rgb", "flow"):
            shards = shard_folder(folder / "small.yaml", dataset, kind, folder)
            with open(shards.ledger, newline="") as file:
                rows = list(csv.DictReader(file))
            counts = Counter((row["kind"], row["status"]) for row in rows)
            assert counts == {(kind, "ok"): here, (kind, "missing"): listed - here}


def test_the_split_counts_what_is_usable_of_what_the_protocol_expects(work: Path) -> None:
    summary = json.loads((work / "splits/hmdb-ucf/split1.json").read_text())
    parts = {name: (p["usable"], p["expected"]) for name, p in summary["parts"].items()}
    # By hand from the lists and the table of clips: climb, golf, shoot_bow train and punch tests
    # in HMDB51; 8 training and 6 test clips of UCF101 lie in mapped classes.
    assert parts == {
        "train": (3, 840),
        "val": (1, 360),
        "target_unlabelled": (8, 1438),
        "test": (6, 571),
    }


def test_scores_say_how_many_videos_were_expected(work: Path) -> None:
    scores = read_scores(work / f"runs/{RUN}/scores-test.h5")
    assert (len(scores), scores.videos_expected) == (6, 571)
    assert set(scores.video_id) == {
        "v_Archery_g01_c01",
        "v_Archery_g02_c02",
        "v_Biking_g01_c04",
        "v_BoxingPunchingBag_g01_c01",
        "v_BoxingSpeedBag_g04_c04",
        "v_RopeClimbing_g01_c02",
    }
