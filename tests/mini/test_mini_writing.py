"""Writing: a dataset is there whole or not at all, and what cannot be done is said in one line."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rev2net.cli import main
from rev2net.mini import MINI_VERSION, MiniOptions, write, write_mini

SMALL = MiniOptions(groups=4, clips=1, frames=(4, 4), height=32)
SMALL_SIZE = ["--groups", "4", "--clips", "1", "--frames", "4", "4", "--height", "32"]
SMALL_ARGUMENTS = ["--dataset", "ucf101", *SMALL_SIZE]


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_killed_job_leaves_nothing_that_counts_and_the_next_one_makes_the_same_files(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "rev2net.cli", "mini", str(tmp_path), *SMALL_ARGUMENTS]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".ucf101.partial/UCF-101/*/*.avi")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "ucf101").exists()

    again = write_mini(tmp_path, "ucf101", SMALL)
    untouched = write_mini(tmp_path / "other", "ucf101", SMALL)
    assert contents(again) == contents(untouched)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_failure_while_replacing_keeps_the_older_dataset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(write_mini(tmp_path, "ucf101", SMALL))

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(write, "encode", fail)
    with pytest.raises(OSError, match="disk full"):
        write_mini(tmp_path, "ucf101", MiniOptions(groups=5))
    assert contents(tmp_path / "ucf101") == before


def test_an_older_mini_dataset_is_replaced(tmp_path: Path) -> None:
    write_mini(tmp_path, "ucf101", SMALL)
    newer = MiniOptions(groups=5, clips=1, frames=(4, 4), height=32)
    folder = write_mini(tmp_path, "ucf101", newer)
    assert len(list(folder.glob("UCF-101/*/*.avi"))) == 25


def test_the_folder_says_what_it_is(tmp_path: Path) -> None:
    about = json.loads((write_mini(tmp_path, "kinetics400", SMALL) / "mini.json").read_text())
    assert about["mini_version"] == MINI_VERSION
    assert about["options"]["groups"] == 4
    assert about["videos"] == len(list((tmp_path / "kinetics400").rglob("*.mp4"))) == 8 * 4


def test_progress_is_told_video_by_video(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_mini(tmp_path, "hmdb51", SMALL, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 20) for done in range(1, 21)]


def test_a_log_gets_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mini", str(tmp_path), *SMALL_ARGUMENTS]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"ucf101: 20 videos in {tmp_path / 'ucf101'}\n"
    lines = printed.err.splitlines()
    assert lines == [f"ucf101: {done} of 20 videos" for done in range(2, 21, 2)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--groups", "2"], ("groups", "2", "4 to 99")),
        (["--clips", "0"], ("clips", "0", "1 to 99")),
        (["--frames", "9", "5"], ("frames", "9 5", "MIN <= MAX")),
        (["--height", "71"], ("height", "71", "even")),
        (["--seed", "-1"], ("seed", "-1", "0 or more")),
    ],
)
def test_an_impossible_option_is_named_with_what_is_allowed(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: tuple[str, ...],
) -> None:
    assert main(["mini", str(tmp_path / "new"), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert all(word in line for word in words)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_not_a_mini_dataset_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = tmp_path / "ucf101" / "UCF-101" / "downloaded.avi"
    precious.parent.mkdir(parents=True)
    precious.write_text("precious")
    assert main(["mini", str(tmp_path), *SMALL_ARGUMENTS]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "ucf101") in line
    assert "mini.json" in line
    assert precious.read_text() == "precious"


def test_a_root_that_is_a_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "root").write_text("a file")
    assert main(["mini", str(tmp_path / "root"), *SMALL_ARGUMENTS]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is a file" in line
