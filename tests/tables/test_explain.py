"""`rev2net table --explain`: the way back from a cell to its runs, splits and weights."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rev2net.cli import main
from rev2net.config import Config, dump
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run


@pytest.fixture
def explained(work: Any, config: Config, i3d_rgb: Run) -> list[str]:
    for seed in (0, 1):
        run = replace(i3d_rgb, seed=seed)
        work.add(run, [0, 1, 1, 2], [1, 1, 1, 2])
        record = {
            "commit": "abc1234",
            "versions": {"torch": "2.13.0"},
            "device": "cpu",
            "seconds": 12.0,
            "schedule": {"steps": 200},
            "settings": {"initial_weights": None},
        }
        WorkFolder(work.root).run(run).record.write_text(json.dumps(record))
    split = work.root / "splits" / "hmdb-ucf" / "split1.json"
    split.parent.mkdir(parents=True)
    summary = {
        "digest": "1d" * 32,
        "class_set": "small",
        "class_map": "ucf101_hmdb51",
        "class_map_digest": "0123456789ab",
        "parts": {"test": {"usable": 4, "expected": 5}},
    }
    split.write_text(json.dumps(summary))
    return ["table", "--settings", dump(config), "--root", str(work.root), "--explain", "table5"]


def test_a_cell_names_all_that_it_depends_on(
    explained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*explained, "i3d", "rgb", "hmdb-ucf"]) == 0
    text = capsys.readouterr().out
    for fact in (
        "table5: I3D, RGB, hmdb-ucf",
        "configuration: mini, digest ",
        "top1: 75.00 %",
        "the paper's value: 56.4 %",
        "videos: 4 of 4 expected",
        "protocol: official-split1; 1 clip x 1 crop",
        "sha256 " + "1d" * 32,
        "classes: small of ucf101_hmdb51 (0123456789ab)",
        "test: 4 of 5 videos usable",
        "run hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed1",
        "trained by commit abc1234 with torch 2.13.0",
        "seed 1, 200 steps on cpu, 12 s",
        "started from fresh weights",
        "checkpoint sha256 " + "1c" * 32,
    ):
        assert fact in text


def test_the_configuration_is_the_one_that_the_folder_was_made_with(
    explained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    root = Path(explained[explained.index("--root") + 1])
    place = explained.index("--settings")
    (root / "config.json").write_text(explained[place + 1])
    without = [*explained[:place], *explained[place + 2 :]]
    assert main([*without, "i3d", "rgb", "hmdb-ucf"]) == 0
    assert "top1: 75.00 %" in capsys.readouterr().out


def test_an_empty_cell_says_what_is_missing(
    explained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*explained, "tsn", "rgb+flow", "hmdb-ucf"]) == 0
    text = capsys.readouterr().out
    assert "top1: empty (missing 2 of 2 scores files" in text
    assert "= 1 x hmdb-ucf/tsn/rgb.scratch.mkmmd/split1.seed0 + 1.5 x hmdb-ucf/tsn/flow" in text
    assert text.count("not trained yet") == 4  # two streams of two seeds


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (["i3d", "rgb", "ucf101"], "table5 has no benchmark 'ucf101'; it has hmdb-ucf, ucf-hmdb"),
        (["i4d", "rgb", "hmdb-ucf"], "table5 has no method 'i4d'"),
        (["rev2net", "rgb+flow", "hmdb-ucf"], "table5 has no row rev2net rgb+flow; its rows are"),
        (["i3d"], "--explain takes TABLE METHOD INPUT BENCHMARK; i3d given"),
    ],
)
def test_a_cell_that_is_not_there_is_one_line_with_what_is(
    explained: list[str], capsys: pytest.CaptureFixture[str], cell: list[str], words: str
) -> None:
    assert main([*explained, *cell]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_split_that_was_made_again_is_not_passed_off_as_the_scores_own(
    explained: list[str], work: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = work.root / "splits" / "hmdb-ucf" / "split1.json"
    path.write_text(path.read_text().replace("1d" * 32, "ff" * 32))
    assert main([*explained, "i3d", "rgb", "hmdb-ucf"]) == 2
    assert "the scores are of a split with sha256 1d1d1d1d1d1d" in capsys.readouterr().err
