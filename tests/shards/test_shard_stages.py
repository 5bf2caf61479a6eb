"""`rev2net stage frames`, `flow` and `merge` on a folder in which each kind of bad file lies."""

import functools
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from rev2net.cli import main
from rev2net.flow.quantize import quantize
from rev2net.flow.tvl1 import tvl1
from rev2net.shards.reader import ShardIndex
from rev2net.video import decode, decoding, ffmpeg
from rev2net.video.images import decode_image, split_components
from rev2net.video.ledger import read_ledger
from tests.shard_files import FLOW, FRAMES, Dataset


def ledger(dataset: Dataset, kind: str, shard: int = 0) -> dict[str, tuple[object, ...]]:
    rows = read_ledger(dataset.folder / kind / f"{shard}.csv")
    assert {row.kind for row in rows} <= {kind}
    return {row.video_id: (row.announced, row.decoded, row.status, row.message) for row in rows}


def stored(dataset: Dataset, kind: str) -> dict[str, np.ndarray]:
    """The images of every video of a dataset, through its index."""
    index = ShardIndex(dataset.folder / f"{kind}.index")
    return {
        name: np.stack(
            [
                decode_image(data, grey=kind == "flow")
                for data in index.read_images(name, 0, index.video(name).num_images)
            ]
        )
        for name in index.ids
    }


def test_every_bad_file_is_a_ledger_row_and_nothing_else_is_lost(bad_dataset: Dataset) -> None:
    for kind in ("rgb", "flow"):
        assert main(bad_dataset.arguments(kind)) == 0
    invalid = "ffmpeg: Invalid data found when processing input"
    found = ledger(bad_dataset, "rgb")
    assert list(found) == bad_dataset.names
    decoded = found["truncated"][1]
    assert isinstance(decoded, int)
    assert 5 < decoded < 35
    assert found == {
        "first": (12, 12, "ok", ""),
        "missing": (None, 0, "missing", "no file missing.avi"),
        "zero-byte": (None, 0, "broken", invalid),
        "text": (None, 0, "broken", invalid),
        "truncated": (40, decoded, "short", f"decoded {decoded} of 40 announced frames"),
        "one-frame": (1, 1, "ok", ""),
        "last": (9, 9, "ok", ""),
    }
    one_frame = (1, 1, "short", "1 frame, too few for flow")
    assert ledger(bad_dataset, "flow") == found | {"one-frame": one_frame}

    assert bad_dataset.merge(allowed=1) == 0
    rgb, flow = stored(bad_dataset, "rgb"), stored(bad_dataset, "flow")
    assert list(rgb) == ["first", "truncated", "one-frame", "last"]
    assert list(flow) == ["first", "truncated", "last"]
    for name, images in rgb.items():  # PNG: the very frames
        np.testing.assert_array_equal(
            images, decode(bad_dataset.root / f"{name}.avi", short_side=32)
        )


def test_flow_is_that_of_the_decoded_frames(dataset: Dataset) -> None:
    dataset.write("a", 4)
    dataset.write_index(["a"])
    assert main(dataset.arguments("rgb")) == main(dataset.arguments("flow")) == 0
    assert dataset.merge() == 0
    red, green, blue = np.moveaxis(stored(dataset, "rgb")["a"].astype(float), -1, 0)
    grey = np.rint(0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)
    images = stored(dataset, "flow")["a"]
    assert images.shape == (3, 64, 43)
    parameters = {"nscales": 1, "warps": 1, "epsilon": 0.1, "innerIterations": 2}
    parameters |= {"outerIterations": 1, "medianFiltering": 1}
    for i, image in enumerate(images):
        expected = quantize(tvl1(grey[i], grey[i + 1], backend="opencv", **parameters), 8)
        # OpenCV rounds grey values its own way: a step of the quantiser may differ.
        assert np.abs(split_components(image).astype(int) - expected).max() <= 2
    row = ShardIndex(dataset.folder / "flow.index").video("a")
    assert (row.num_images, row.num_frames, row.height, row.width) == (3, 4, 32, 43)


def test_copies_of_a_video_show_the_same(dataset: Dataset) -> None:
    dataset.write("a", 40)
    dataset.write("bb", 40)  # of other noise
    content = (dataset.root / "a.avi").read_bytes()
    (dataset.root / "copy.avi").write_bytes(content)
    (dataset.root / "part.avi").write_bytes(content[: len(content) * 9 // 10])
    dataset.write_index(["a", "bb", "copy", "part"])
    for kind in ("rgb", "flow"):
        assert main(dataset.arguments(kind)) == 0
        rows = {row.video_id: row for row in read_ledger(dataset.folder / kind / "0.csv")}
        assert rows["a"].content == rows["copy"].content == rows["part"].content != ""
        assert rows["bb"].content not in ("", rows["a"].content)
    assert rows["part"].status == "short"


def test_a_shard_says_how_it_was_made(dataset: Dataset) -> None:
    dataset.write("a", 3)
    dataset.write_index(["a"])
    assert main(dataset.arguments("rgb")) == main(dataset.arguments("flow")) == 0
    with h5py.File(dataset.folder / "flow" / "0.h5", "r") as file:
        attributes = dict(file.attrs)
    settings = {name: FLOW[name] for name in ("backend", "bound", "codec", "quality")}
    settings |= {"short_side": FRAMES["short_side"], "size": "", "fps": 0.0}
    described = {"kind": "flow", "dataset": "ucf101", "shard": 0, "num_shards": 1}
    assert attributes.items() >= (settings | described | {"algorithm": "tvl1"}).items()
    assert '"ffmpeg": "' in attributes["versions"]
    assert '"lambda_": 0.15' in attributes["parameters"]
    with h5py.File(dataset.folder / "rgb" / "0.h5", "r") as file:
        rgb = set(file.attrs)
    flow_only = {"bound", "algorithm", "backend", "parameters", "flow_version"}
    assert set(attributes) - rgb == flow_only


def test_shards_are_the_same_bytes_when_made_again(dataset: Dataset) -> None:
    dataset.write("a", 5)
    dataset.write_index(["a"])
    for kind in ("rgb", "flow"):
        path = dataset.folder / kind / "0.h5"
        assert main(dataset.arguments(kind)) == 0
        first = path.read_bytes()
        path.unlink()
        assert main(dataset.arguments(kind)) == 0
        assert path.read_bytes() == first


def test_more_shards_than_videos_leave_empty_shards(dataset: Dataset) -> None:
    dataset.write("a", 3)
    dataset.write_index(["a"])
    for kind in ("rgb", "flow"):
        for shard in range(3):
            assert main(dataset.arguments(kind, shard, 3)) == 0
    assert dataset.merge(3) == 0
    assert list(stored(dataset, "rgb")) == list(stored(dataset, "flow")) == ["a"]


def test_too_many_unusable_videos_stop_the_merge_with_a_list(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("rgb", "flow"):
        main(bad_dataset.arguments(kind))
    capsys.readouterr()
    assert bad_dataset.merge(allowed=0.57) == 2  # 4 of 7 in RGB, 5 in flow
    printed = capsys.readouterr()
    for line in ("missing in rgb: missing: no file missing.avi", "short in flow: one-frame: 1 "):
        assert line in printed.out
    for kind, unusable in (("rgb", 4), ("flow", 5)):
        files = bad_dataset.folder / f"{kind}.csv", bad_dataset.folder / kind / "0.csv"
        assert f"{files[0]}: {unusable} of 7 videos are unusable; allowed is a" in printed.err
        assert f"do so, delete {files[0]}, {files[1]} and give the same command" in printed.err
    assert bad_dataset.merge(allowed=0.72) == 0
    printed = capsys.readouterr()
    assert "ucf101 rgb: 3 of 7 videos usable, 4 stored" in printed.out
    assert "ucf101 flow: 2 of 7 videos usable, 3 stored" in printed.out
    for kind in ("rgb", "flow"):
        rows = read_ledger(bad_dataset.folder / f"{kind}.csv")
        assert [(row.video_id, row.kind) for row in rows] == [
            (name, kind) for name in bad_dataset.names
        ]


def test_ledgers_of_another_index_are_refused(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.write("a", 3)
    dataset.write_index(["a"])
    assert main(dataset.arguments("rgb")) == main(dataset.arguments("flow")) == 0
    dataset.write_index(["a", "b"])
    assert dataset.merge() == 2
    assert "ledger parts of 1 videos that are not the 2 of" in capsys.readouterr().err


def test_a_missing_root_is_one_clear_line(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.write_index(["a"])
    dataset.root.rmdir()
    assert main(dataset.arguments("rgb")) == 2
    error = capsys.readouterr().err
    assert error == (
        f"rev2net frames: --root: {dataset.root} is not a folder; "
        f"allowed is a dataset as published\n"
    )
    assert not dataset.folder.exists()


def test_a_job_killed_half_way_leaves_no_output_and_its_repetition_is_whole(
    dataset: Dataset,
) -> None:
    names = [f"v{number}" for number in range(16)]
    content = dataset.write("v0", 60, 240, 320).read_bytes()
    for name in names:
        (dataset.root / f"{name}.avi").write_bytes(content)
    dataset.write_index(names)
    command = [sys.executable, "-m", "rev2net.cli", *dataset.arguments("rgb")]
    folder = dataset.folder / "rgb"
    with subprocess.Popen(command) as process:
        while not list(folder.glob(".0.h5.*")):  # until it writes
            assert process.poll() is None
            time.sleep(0.005)
        process.kill()
    assert not (folder / "0.h5").exists()
    assert not (folder / "0.csv").exists()
    assert main(dataset.arguments("rgb")) == 0
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["0.csv", "0.h5"]
    assert not list(folder.glob("*.part"))
    assert {row[2] for row in ledger(dataset, "rgb").values()} == {"ok"}


def put_in_ffmpegs_place(monkeypatch: pytest.MonkeyPatch, path: Path, body: str) -> None:
    """A shell script that may go on to the real ffmpeg, which it calls $real."""
    real = ffmpeg.ffmpeg_binary()
    path.write_text(
        f"#!/bin/sh\nreal={real}\ncase $* in *-version*) exec $real $*;; esac\n{body}\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("REV2NET_FFMPEG", str(path))
    for function in (ffmpeg.ffmpeg_binary, ffmpeg.ffmpeg_version, ffmpeg._checked_binary):
        monkeypatch.setattr(ffmpeg, function.__name__, functools.cache(function.__wrapped__))
    monkeypatch.setattr(decoding, "ffmpeg_binary", ffmpeg.ffmpeg_binary)


def test_a_decoder_that_is_killed_is_started_once_more(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset.write("a", 12)
    dataset.write("b", 9)
    dataset.write_index(["a", "b"])
    assert main(dataset.arguments("rgb")) == 0
    undisturbed = (dataset.folder / "rgb/0.h5").read_bytes()
    mark = tmp_path / "killed"
    once = f'case "$*" in *b.avi*) [ -e {mark} ] || {{ touch {mark}; kill -KILL $$; }};; esac'
    put_in_ffmpegs_place(monkeypatch, tmp_path / "ffmpeg", f'{once}\nexec $real "$@"')
    capsys.readouterr()
    assert main(dataset.arguments("rgb")) == 0
    assert mark.exists()
    assert "once more: " in capsys.readouterr().err
    assert ledger(dataset, "rgb") == {"a": (12, 12, "ok", ""), "b": (9, 9, "ok", "")}
    assert (dataset.folder / "rgb/0.h5").read_bytes() == undisturbed


@pytest.mark.parametrize("body", ["kill -KILL $$", "kill -TERM $$"])
def test_a_machine_that_kills_every_decoder_books_nothing(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: str,
) -> None:
    dataset.write("a", 12)
    dataset.write_index(["a"])
    put_in_ffmpegs_place(monkeypatch, tmp_path / "ffmpeg", body)
    assert main(dataset.arguments("rgb")) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"rev2net frames: {dataset.root / 'a.avi'}: ffmpeg was ended by SIG")
    assert not list((dataset.folder / "rgb").glob("*"))


@pytest.mark.skipif(os.getuid() != 0, reason="must be able to become nobody")
def test_a_folder_that_may_not_be_read_is_not_a_missing_video(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.write("a", 12)
    dataset.write_index(["a"])
    (dataset.folder / "rgb").mkdir(parents=True)
    (dataset.folder / "rgb").chmod(0o777)
    dataset.root.chmod(0o700)
    opened = [path for path in dataset.root.parents if path.stat().st_mode & 0o005 != 0o005]
    modes = {path: path.stat().st_mode for path in opened}
    for path in opened:
        path.chmod(0o755)
    os.seteuid(65534)
    try:
        assert main(dataset.arguments("rgb")) == 1
    finally:
        os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)
    assert "a.avi: Permission denied" in capsys.readouterr().err.splitlines()[-1]
    assert not list((dataset.folder / "rgb").glob("*"))


def damage(rng: np.random.Generator, path: Path) -> str:
    """Cut a file at a random byte, or change random bytes of it."""
    content = bytearray(path.read_bytes())
    if rng.random() < 0.4:
        cut = int(rng.integers(len(content)))
        path.write_bytes(content[:cut])
        return f"cut at {cut}"
    # Headers are a small part of a file and the more delicate one.
    end = len(content) if rng.random() < 0.5 else min(len(content), 1000)
    positions = rng.integers(end, size=int(rng.integers(1, 30)))
    for position in positions:
        content[position] = rng.integers(256)
    path.write_bytes(content)
    return f"changed bytes {sorted(positions.tolist())}"


def check_that_damage_stays_where_it_is(
    dataset: Dataset, cases: int, seed: int, clips: Sequence[Path] = ()
) -> None:
    """Damage copies of the clips, or of made-up videos where there are none."""
    rng = np.random.default_rng(seed)
    names, damages = ["first"], {}
    dataset.write("first", 5)
    for case in range(cases):
        if clips:
            path = dataset.root / f"case{case}.avi"
            path.write_bytes(clips[int(rng.integers(len(clips)))].read_bytes())
        else:
            path = dataset.write(f"case{case}", int(rng.integers(2, 30)))
        damages[path.stem] = damage(rng, path)
        names.append(path.stem)
    dataset.write("last", 6)
    dataset.write_index([*names, "last"])
    assert main(dataset.arguments("rgb")) == 0
    rows = ledger(dataset, "rgb")
    assert rows["first"] == (5, 5, "ok", "")
    assert rows["last"] == (6, 6, "ok", "")
    for name, (_, _, status, message) in rows.items():
        assert status in ("ok", "short", "broken"), (name, damages[name])
        assert status == "ok" or message, (name, damages[name])
        assert "\n" not in str(message), (name, damages[name])
    assert main(dataset.arguments("flow")) == 0
    assert dataset.merge(allowed=1) == 0
    images = stored(dataset, "rgb")
    for name in ("first", "last"):
        np.testing.assert_array_equal(
            images[name], decode(dataset.root / f"{name}.avi", short_side=32)
        )
    # What was stored can be read, and nothing broken was stored.
    assert set(images) == {name for name, row in rows.items() if row[2] in ("ok", "short")}


@pytest.fixture
def real_clips(real_data: Path) -> list[Path]:
    return sorted([*real_data.rglob("*.avi"), *real_data.rglob("*.mp4")])


def test_damage_at_random_stays_where_it_is(dataset: Dataset) -> None:
    check_that_damage_stays_where_it_is(dataset, cases=20, seed=0)


def test_damage_of_real_clips_stays_where_it_is(dataset: Dataset, real_clips: list[Path]) -> None:
    check_that_damage_stays_where_it_is(dataset, cases=6, seed=0, clips=real_clips)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_damage_stays_where_it_is_in_hundreds_of_cases(dataset: Dataset, seed: int) -> None:
    check_that_damage_stays_where_it_is(dataset, cases=60, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_damage_of_real_clips_stays_where_it_is_in_hundreds_of_cases(
    dataset: Dataset, real_clips: list[Path], seed: int
) -> None:
    check_that_damage_stays_where_it_is(dataset, cases=60, seed=seed, clips=real_clips)
