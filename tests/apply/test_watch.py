"""`rev2net watch`: what is shown of trainings that run, have ended, or were cut off."""

import json
import sys
from pathlib import Path

import pytest

from rev2net.apply.watching import find_runs
from tests.apply.moving_videos import main


def line(step: int, **more: float) -> str:
    values = {"loss": 2.5, "classification": 1.5, "flow": 0.5, "flow_share_deep": 3.0, "top1": 40.0}
    known = {"step": step, "steps": 100, "lr": 0.1, **values, "seconds": 2.0, "data_seconds": 0.1}
    return json.dumps(known | more) + "\n"


def test_a_running_training_has_step_terms_and_time_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    (folder / "last.jsonl").write_text(line(10) + line(20, loss=1.25) + '{"step": 3')
    assert main(["watch", str(tmp_path), "--once"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["run", "step", "loss", "top-1", "a", "step", "left", "terms"]
    assert row.split("  ")[0] == "runs/a"
    for words in ("20/100", "1.25", "40.0 %", "2 s", "3 min", "classification 1.5, flow 0.5"):
        assert words in row
    assert "share" not in row


def test_lines_are_read_once_and_again_after_a_training_went_back(tmp_path: Path) -> None:
    (tmp_path / "last.jsonl").write_text(line(10) + line(20))
    (run,) = find_runs([tmp_path])
    assert [one["step"] for one in run.read()] == [10, 20]
    assert run.read() == []
    (tmp_path / "last.jsonl").write_text(line(10))
    assert [one["step"] for one in run.read()] == [10]
    (tmp_path / "metrics.jsonl").write_text(line(10) + line(100))
    (tmp_path / "run.json").write_text("{}")
    assert [one["step"] for one in run.read()] == [100]
    assert run.finished


def test_event_files_hold_the_lines(tmp_path: Path) -> None:
    reading = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="an option: pip install tensorboard",
    )
    (tmp_path / "last.jsonl").write_text(line(10) + line(20, loss=1.25))
    assert main(["watch", str(tmp_path), "--once", "--tensorboard", str(tmp_path / "tb")]) == 0
    (folder,) = {path.parent for path in (tmp_path / "tb").rglob("events*")}
    events = reading.EventAccumulator(str(folder)).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(10, 2.5), (20, 1.25)]


def test_without_the_package_event_files_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    (tmp_path / "last.jsonl").write_text(line(10))
    assert main(["watch", str(tmp_path), "--tensorboard", str(tmp_path / "tb")]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err


def test_a_folder_without_trainings_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(tmp_path)]) == 2
    assert "no training has written here yet" in capsys.readouterr().err
