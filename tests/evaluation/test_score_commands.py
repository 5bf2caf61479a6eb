"""`rev2net fuse` and `rev2net metrics` from the command line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rev2net.cli import main
from rev2net.runs.scores import read_scores, write_scores


def test_fuse_takes_paths_with_colons(tmp_path: Path, make_scores: Any) -> None:
    rgb, flow, out = tmp_path / "a:1" / "rgb.h5", tmp_path / "flow:2.h5", tmp_path / "out.h5"
    write_scores(rgb, make_scores())
    write_scores(flow, make_scores(input="flow"))
    assert main(["fuse", str(out), f"{rgb}:1", f"{flow}:1.5"]) == 0
    np.testing.assert_array_equal(read_scores(out).scores, 2.5 * make_scores().scores)


@pytest.mark.parametrize("word", ["rgb.h5", "rgb.h5:", "rgb.h5:half"])
def test_fuse_wants_a_weight(tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert main(["fuse", str(tmp_path / "out.h5"), word, word]) == 2
    assert f"{word}: FILE:WEIGHT expected" in capsys.readouterr().err
    assert not (tmp_path / "out.h5").exists()


def test_fuse_names_both_files_and_writes_nothing(
    tmp_path: Path, make_scores: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rgb, flow, out = (str(tmp_path / name) for name in ("rgb.h5", "flow.h5", "out.h5"))
    write_scores(rgb, make_scores())
    write_scores(flow, make_scores(input="flow", split=2))
    assert main(["fuse", out, f"{rgb}:1", f"{flow}:1"]) == 2
    message = capsys.readouterr().err
    assert rgb in message
    assert flow in message
    assert "split is 1 in the first and 2" in message
    assert message.count("\n") == 1
    assert not Path(out).exists()


def test_metrics_as_json(
    tmp_path: Path, make_scores: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scores(tmp_path / "s.h5", make_scores())  # v_b1 is wrong: class 1 half right
    assert main(["metrics", str(tmp_path / "s.h5"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "top1": 75.0,
        "top5": 100.0,
        "mean_class": pytest.approx(250 / 3),
        "num_videos": 4,
    }


def test_metrics_for_people(
    tmp_path: Path, make_scores: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    write_scores(tmp_path / "s.h5", make_scores())
    assert main(["metrics", str(tmp_path / "s.h5")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["top1", "75.00", "%"],
        ["top5", "100.00", "%"],
        ["mean_class", "83.33", "%"],
        ["num_videos", "4", "of", "5", "expected"],
    ]


def test_metrics_of_nothing_are_null_and_stay_valid_json(
    tmp_path: Path, make_scores: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing: dict[str, Any] = {"scores": np.zeros((0, 3)), "label": np.zeros(0, int)}
    write_scores(tmp_path / "s.h5", make_scores(**nothing, video_id=[], group=[]))
    assert main(["metrics", str(tmp_path / "s.h5"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"top1": None, "top5": None, "mean_class": None, "num_videos": 0}


def test_scores_need_no_torch(tmp_path: Path, make_scores: Any) -> None:
    write_scores(tmp_path / "s.h5", make_scores())
    script = (
        "import sys; from rev2net.cli import main; "
        f"sys.exit(main(['metrics', {str(tmp_path / 's.h5')!r}]) or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
