"""`rev2net flow`: what is written of which video, whole or not at all, and taken up again."""

import csv
import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from rev2net.config import FlowShardSettings, FramesSettings
from rev2net.flow import tvl1
from rev2net.flow.parameters import default_settings
from rev2net.flow.quantize import dequantize, quantize
from rev2net.shards.make import make_shard
from rev2net.video import decode
from tests.apply.moving_videos import main, write_video


def rows(out: Path) -> dict[str, dict[str, str]]:
    with open(out / "ledger.csv", newline="", encoding="utf-8") as file:
        return {row["video"]: row for row in csv.DictReader(file)}


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def grey(path: Path) -> list[np.ndarray]:
    return [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in decode(path)]


def test_a_folder_gives_a_folder_a_video_and_a_ledger(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "flows"
    assert main(["flow", str(videos), "--out", str(out), "--jobs", "1"]) == 2  # two are bad
    found = rows(out)
    assert {name: row["status"] for name, row in found.items()} == {
        "walk": "ok",
        "with space é/rün [1]": "ok",
        "one": "broken",
        "broken": "broken",
    }
    assert found["one"]["message"] == "1 frame, too few for flow"
    names = sorted(path.name for path in (out / "walk").iterdir())
    assert names == sorted(f"flow_{axis}_{n:05}.jpg" for axis in "xy" for n in range(1, 7))
    assert len(list((out / "with space é" / "rün [1]").iterdir())) == 2 * 8
    assert not (out / "one").exists()
    assert not (out / "broken").exists()


def test_images_hold_the_bytes_of_the_flow(videos: Path, tmp_path: Path) -> None:
    video = videos / "walk.mp4"
    words = ["--format", "png", "--bound", "5", "--frames"]
    assert main(["flow", str(video), "--out", str(tmp_path / "f"), *words]) == 0
    frames = grey(video)
    expected = quantize(tvl1(frames[2], frames[3]), 5.0)
    for axis in (0, 1):
        path = tmp_path / "f" / "walk" / f"flow_{'xy'[axis]}_00003.png"
        found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert found is not None
        np.testing.assert_array_equal(found, expected[..., axis])
    shown = cv2.imread(str(tmp_path / "f" / "walk" / "img_00004.png"))
    assert shown is not None
    np.testing.assert_array_equal(cv2.cvtColor(shown, cv2.COLOR_BGR2RGB), decode(video)[3])
    # It moves to the right by a pixel a frame.
    inside = dequantize(expected, 5.0)[8:-8, 12:-12]
    assert np.median(inside[..., 0]) == pytest.approx(1, abs=0.3)


def test_arrays_and_flo_files_hold_every_float(videos: Path, tmp_path: Path) -> None:
    video = videos / "walk.mp4"
    frames = grey(video)
    expected = np.stack([tvl1(a, b) for a, b in itertools.pairwise(frames)])
    assert main(["flow", str(video), "--out", str(tmp_path / "n"), "--format", "npy"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "n" / "walk.npy"), expected)
    assert main(["flow", str(video), "--out", str(tmp_path / "m"), "--format", "flo"]) == 0
    for number, flow in enumerate(expected, 1):
        path = tmp_path / "m" / "walk" / f"flow_{number:05}.flo"
        np.testing.assert_array_equal(cv2.readOpticalFlow(str(path)), flow)


def test_a_shard_of_one_video_holds_the_bytes_of_the_workflows(
    videos: Path, tmp_path: Path
) -> None:
    """The same videos through the stage, with the same settings."""
    index = tmp_path / "index.csv"
    row = {"video_id": "walk", "path": "walk.mp4", "class": "-", "label": "0", "group": "walk"}
    with open(index, "w", newline="") as file:
        writer = csv.DictWriter(file, [*row, "split1"])
        writer.writeheader()
        writer.writerow(row | {"split1": "train"})
    frames = FramesSettings(
        short_side=24, size=None, fps=None, codec="jpeg", quality=95, time_limit=60.0
    )
    settings = FlowShardSettings(frames=frames, **default_settings(20.0).model_dump())
    shard = tmp_path / "0.h5"
    make_shard(settings, "clips", index, videos, 0, 1, shard, tmp_path / "0.csv")
    words = ["--format", "h5", "--short-side", "24"]
    assert main(["flow", str(videos / "walk.mp4"), "--out", str(tmp_path / "f"), *words]) == 0
    with h5py.File(shard) as first, h5py.File(tmp_path / "f" / "walk.h5") as second:
        for name in ("frames", "offset", "crc32", "video/num_images", "video/height"):
            np.testing.assert_array_equal(first[name], second[name])
        for name in ("bound", "codec", "quality", "parameters", "short_side"):
            assert first.attrs[name] == second.attrs[name]


def test_a_step_is_the_distance_of_the_two_frames(videos: Path, tmp_path: Path) -> None:
    video = videos / "walk.mp4"
    frames = grey(video)
    words = ["--format", "npy", "--step", "3"]
    assert main(["flow", str(video), "--out", str(tmp_path / "n"), *words]) == 0
    found = np.load(tmp_path / "n" / "walk.npy")
    np.testing.assert_array_equal(
        found, np.stack([tvl1(frames[k], frames[k + 3]) for k in range(4)])
    )


def test_done_videos_are_left_and_broken_ones_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "v", tmp_path / "f"
    write_video(folder / "a.mp4", 4)
    (folder / "b.mp4").write_text("not yet copied")
    words = ["flow", str(folder), "--out", str(out), "--jobs", "1"]
    assert main(words) == 2
    before = (out / "a" / "flow_x_00001.jpg").stat().st_mtime_ns
    write_video(folder / "b.mp4", 5)
    assert main(words) == 0
    assert "1 of 2 videos are done already" in capsys.readouterr().err
    assert (out / "a" / "flow_x_00001.jpg").stat().st_mtime_ns == before
    assert {name: row["results"] for name, row in rows(out).items()} == {"a": "3", "b": "4"}


def test_killed_in_the_middle_the_same_command_gives_the_same_files(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "v"
    for number in range(4):
        write_video(folder / f"{number}.mp4", 25, number, height=96, width=128)
    script = "import sys; from rev2net.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", script, "flow", str(folder), "--jobs", "2", "--out"]
    with subprocess.Popen([*words, str(tmp_path / "killed")], start_new_session=True) as process:
        while not list((tmp_path / "killed").glob("?")):  # the first video is whole
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    subprocess.run([*words, str(tmp_path / "killed")], check=True)
    subprocess.run([*words, str(tmp_path / "whole")], check=True)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_other_options_for_the_same_folder_are_refused(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["flow", str(videos / "walk.mp4"), "--out", str(tmp_path / "f")]
    assert main(words) == 0
    assert main([*words, "--bound", "15"]) == 2
    assert "made with bound 20.0; asked for is 15.0" in capsys.readouterr().err


def test_a_list_names_videos_beside_itself(videos: Path, tmp_path: Path) -> None:
    file = videos / "list.txt"
    file.write_text("walk.mp4\r\n\n# the next is in a folder\nwith space é/rün [1].mp4\n")
    try:
        assert main(["flow", str(file), "--out", str(tmp_path / "f"), "--jobs", "2"]) == 0
    finally:
        file.unlink()
    assert set(rows(tmp_path / "f")) == {"walk", "with space é/rün [1]"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nothing"], "1 video: 0 ok, 0 short, 1 broken"),
        (["."], "no video in this folder"),
        (["walk.mp4", "--step", "0"], "--step: 0; allowed is a whole number from 1"),
        (["walk.mp4", "--size", "12"], "--size: '12'; allowed is WIDTHxHEIGHT"),
        (["walk.mp4", "--bound", "0"], "bound"),
        (["walk.mp4", "--quality", "101"], "quality"),
        (["other/walk.mp4", "walk.mp4"], "its results would have the name of those of"),
    ],
)
def test_bad_input_gets_one_line(
    words: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if words != ["."]:
        write_video(tmp_path / "walk.mp4", 2)
        write_video(tmp_path / "other" / "walk.mp4", 2)
    assert main(["flow", *words, "--out", str(tmp_path / "f")]) == 2
    captured = capsys.readouterr()
    assert expected in captured.out + captured.err
    assert len(captured.err.splitlines()) <= 1


def test_a_folder_that_cannot_be_written_is_one_line(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "flow"
    assert main(["flow", str(videos / "walk.mp4"), "--out", str(out)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_full_disk_is_one_line_and_leaves_nothing(
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rev2net.apply.flow.encode_image", full)
    assert main(["flow", str(videos / "walk.mp4"), "--out", str(tmp_path / "f")]) == 1
    assert "no space left on the disk" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"settings.json", "ledger.csv"}


def test_a_folder_that_holds_other_files_is_not_written_to(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["flow", str(videos / "walk.mp4"), "--out", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
