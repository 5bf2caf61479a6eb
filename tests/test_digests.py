"""Damage to a finished file is noticed before its content is used; intact files pass."""

import random
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from rev2net import digests
from rev2net.cli import main
from rev2net.errors import UserError
from rev2net.inspection.verifying import verify
from rev2net.runs import checkpoint
from rev2net.runs.folder import ShardFolder
from rev2net.shards.index import write_index
from rev2net.shards.reader import ShardIndex
from rev2net.shards.writer import write_shard

IMAGES = [np.random.default_rng(seed).integers(0, 256, 500, np.uint8) for seed in range(8)]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    """A shard of two videos, and its index."""
    attributes: dict[str, Any] = {"format_version": 1, "kind": "rgb", "shard": 0, "num_shards": 1}
    path = ShardFolder(tmp_path / "rgb-0").shard(0)
    with write_shard(path, attributes) as writer:
        for name, images in (("a", IMAGES[:5]), ("b", IMAGES[5:])):
            for image in images:
                writer.append(image)
            writer.keep_video(name, num_frames=len(images), height=1, width=1, fps=25.0)
    write_index(tmp_path / "rgb-0", "rgb", 1)
    return path


def flip(path: Path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def test_a_text_file_has_a_digest_that_sha256sum_reads(tmp_path: Path) -> None:
    path = tmp_path / "split 1.csv"
    digests.write_text(path, "video_id,part\nü,train\n")
    assert digests.check_text(path)
    command = ["sha256sum", "--check", digests.digest_path(path).name]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


def test_a_text_file_cut_at_a_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split1.csv"
    digests.write_text(path, "video_id\na\nb\n")
    path.write_text("video_id\na\n")
    with pytest.raises(UserError, match=r"split1\.csv: damaged.*delete it and give") as error:
        digests.check_text(path)
    assert "delete .split1.csv.sha256 if you changed it on purpose" in str(error.value)
    digests.digest_path(path).unlink()
    assert not digests.check_text(path)


def test_a_write_killed_before_its_digest_leaves_a_file_that_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one that is refused because the digest of its predecessor stands beside it."""
    path = tmp_path / "ledger.csv"
    digests.write_text(path, "old\n")
    plain = digests.files.write_text
    written: list[Path] = []

    def killed(target: Path, text: str) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(target)
        plain(target, text)

    monkeypatch.setattr(digests.files, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        digests.write_text(path, "new\n")
    assert path.read_text() == "new\n"
    assert not digests.check_text(path)


@pytest.mark.parametrize("change", ["attribute", "number", "text", "shape", "extra"])
def test_any_change_of_content_breaks_the_seal(tmp_path: Path, change: str) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["class_names"] = '["a", "b"]'
        file["scores"] = np.arange(6, dtype=np.float32).reshape(3, 2)
        file.create_dataset("video/id", data=["a", "bü", ""], dtype=h5py.string_dtype())
        digests.seal(file)
    with h5py.File(tmp_path / "x.h5", "a") as file:
        assert digests.check_seal(tmp_path / "x.h5", file)
        if change == "attribute":
            file.attrs["class_names"] = '["a", "c"]'
        elif change == "number":
            file["scores"][2, 1] = 5.5
        elif change == "text":
            file["video/id"][:2] = ["ab", "ü"]  # the same characters in a row
        elif change == "shape":
            scores = file["scores"][()].reshape(2, 3)
            del file["scores"]
            file["scores"] = scores
        else:
            file["more"] = [1]
        with pytest.raises(UserError, match=r"x\.h5: damaged: .*; if the workflow made this file"):
            digests.check_seal(tmp_path / "x.h5", file)


def test_a_checkpoint_with_any_bit_flipped_gives_the_same_state_or_one_line(
    tmp_path: Path,
) -> None:
    """torch.load alone compares no checksums: it returns other weights."""
    rng, path = random.Random(0), tmp_path / "x.pt"
    state: dict[str, Any] = {"weights": torch.arange(500.0), "settings": "{}"}
    checkpoint.save(state, path)
    good, refused = path.read_bytes(), 0
    for _ in range(150):
        path.write_bytes(good)
        flip(path, rng.randrange(len(good)), rng.randrange(8))
        try:
            found = checkpoint.load(path)
        except UserError:
            refused += 1
        else:
            assert torch.equal(found["weights"], state["weights"])
            assert found["settings"] == "{}"
    assert refused > 100


def test_a_changed_image_is_refused_when_it_is_read(shard: Path) -> None:
    index_path = shard.parent.parent / "rgb-0.index"
    where = shard.read_bytes().index(IMAGES[6].tobytes())
    flip(shard, where + 250)
    index = ShardIndex(index_path)
    assert len(index.read_images("a", 0, 5)) == 5
    assert len(index.read_images("b", 0, 1)) == 1
    with pytest.raises(UserError, match=r"0\.h5: damaged: image 6 .*delete it and \S+rgb-0\.index"):
        index.read_images("b", 0, 3)


def test_changed_tables_are_refused_by_the_merge(shard: Path) -> None:
    with h5py.File(shard, "a") as file:
        file["video/num_images"][0] = 4
    with pytest.raises(UserError, match=r"rgb-0/0\.h5: damaged: .*delete it and give"):
        write_index(shard.parent, "rgb", 1)


def test_verify_finds_what_is_damaged_in_a_folder(
    shard: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shard.parent.parent
    checkpoint.save({"step": 1}, folder / "checkpoint.pt")
    digests.write_text(folder / "ledger.csv", "video_id\na\n")
    (folder / "notes.txt").write_text("mine")
    verify([folder])
    assert capsys.readouterr().out.splitlines() == [
        f"ok       {folder}/checkpoint.pt",
        f"ok       {folder}/ledger.csv",
        f"ok       {folder}/rgb-0/0.h5",
        f"ok       {folder}/rgb-0.index",
        "4 ok, 0 damaged, 1 unknown",
    ]
    flip(folder / "checkpoint.pt", (folder / "checkpoint.pt").read_bytes().index(b"step"))
    (folder / "ledger.csv").write_text("video_id\n")
    flip(shard, shard.read_bytes().index(IMAGES[7].tobytes()))
    with open(folder / "rgb-0.index", "r+b") as file:
        file.truncate(1000)
    assert main(["inspect", "--verify", str(folder)]) == 2
    shown = capsys.readouterr()
    assert "4 of 5 files are damaged" in shown.err
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines] == ["damaged"] * 4 + ["0"]
    assert f"{shard}: damaged: image 7 is not what was written" in lines[2]
