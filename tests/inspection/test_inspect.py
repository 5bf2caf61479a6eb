"""`rev2net inspect`: what is printed of each kind of file, and the contact sheet of a shard."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import torch

from rev2net.cli import main
from rev2net.commands import inspect
from rev2net.errors import UserError
from rev2net.inspection.contents import inspect_file
from tests.shard_files import Dataset


def printed(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[list[str]]:
    """The words of each line that `rev2net inspect` prints."""
    parser = argparse.ArgumentParser()
    inspect.add_arguments(parser)
    capsys.readouterr()
    inspect.run(parser.parse_args([str(path), *options]))
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_shard_shows_its_attributes_and_videos(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("rgb", "flow"):
        assert main(bad_dataset.arguments(kind)) == 0
    lines = printed(bad_dataset.folder / "flow" / "0.h5", capsys)
    assert ["bound", "8"] in lines
    assert ["id", "first_image", "fps", "height", "num_frames", "num_images", "width"] in lines
    assert ["first", "0", "25", "32", "12", "11", "43"] in lines
    lines = printed(bad_dataset.folder / "flow" / "0.h5", capsys, "--rows", "1")
    assert ["…", "and", "2", "more"] in lines

    assert bad_dataset.merge(allowed=1) == 0
    lines = printed(bad_dataset.folder / "rgb.index", capsys)
    assert next(line for line in lines if line[:1] == ["last"])[-2:] == ["0", "42"]


def test_a_ledger_is_counted_and_its_bad_rows_are_listed(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(bad_dataset.arguments("rgb")) == 0
    lines = printed(bad_dataset.folder / "rgb" / "0.csv", capsys)
    assert ["rgb", "ok", "3"] in lines
    assert ["rgb", "broken", "2"] in lines
    named = {line[0] for line in lines if line}
    assert {"missing", "zero-byte", "text", "truncated"} <= named
    assert not {"first", "last"} & named


def test_a_video_shows_what_it_announces_and_what_it_holds(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(bad_dataset.root / "truncated.avi", capsys)
    for line in (["width", "x", "height", "64", "x", "48"], ["frames", "announced", "40"]):
        assert line in lines
    assert next(line for line in lines if line[:1] == ["status"])[1] == "short:"
    with pytest.raises(UserError, match=r"text\.avi: ffmpeg: Invalid data"):
        printed(bad_dataset.root / "text.avi", capsys)


def test_scores_and_other_tables_show_their_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(tmp_path / "scores-test.h5", "w") as file:
        file["scores"] = np.zeros((3, 5), np.float32)
        file.attrs["benchmark"] = "ucf-hmdb"
    lines = printed(tmp_path / "scores-test.h5", capsys)
    assert ["/scores", "(3,", "5)", "float32"] in lines
    assert ["benchmark", "ucf-hmdb"] in lines
    (tmp_path / "any.csv").write_text("name,value\na,1\nb\n")
    lines = printed(tmp_path / "any.csv", capsys, "--rows", "1")
    assert lines[-3:-1] == [["a", "1"], ["…", "and", "1", "more"]]


def in_json(path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `rev2net inspect --json` prints."""
    assert main(["inspect", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_scores_show_their_accuracy_and_lists_are_decoded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = np.array([[3, 1, 2], [0, 1, 2], [1, 0, 0], [0, 1, 0]], np.float32)
    with h5py.File(tmp_path / "scores-test.h5", "w") as file:
        file["scores"] = scores
        file["label"] = [0, 1, 0, 1]  # right: all but the second
        file.attrs["class_names"] = json.dumps(["climb", "golf", "punch"])
    found = in_json(tmp_path / "scores-test.h5", capsys)
    assert found["attributes"] == {"class_names": ["climb", "golf", "punch"]}
    assert found["accuracy in percent"]["top1"] == 75
    assert found["accuracy in percent"]["mean_class"] == 75
    assert found["datasets"][1] == {"name": "/scores", "shape": [4, 3], "type": "float32"}


def test_a_checkpoint_shows_what_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4))
    state = {
        "network": network.state_dict(),
        "settings": json.dumps({"configuration": "mini"}),
        "identity": {"method": "tsn", "input": "rgb"},
        "class_names": ["climb", "golf"],
        "split_digest": "abc",
    }
    torch.save(state, tmp_path / "checkpoint.pt")
    found = in_json(tmp_path / "checkpoint.pt", capsys)
    facts = found["checkpoint"]
    assert (facts["method"], facts["input"], facts["class_names"]) == (
        "tsn",
        "rgb",
        ["climb", "golf"],
    )
    assert facts["parameters"] == sum(p.numel() for p in network.parameters())
    digest = hashlib.sha256((tmp_path / "checkpoint.pt").read_bytes()).hexdigest()
    assert facts["sha256"] == digest
    assert found["settings"] == {"configuration": "mini"}
    assert found["tensors"][0] == {"name": "0.weight", "shape": [4, 3, 3, 3], "type": "float32"}

    torch.save(network.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    found = in_json(tmp_path / "old.pth", capsys)
    assert found["checkpoint"]["parameters"] == facts["parameters"]
    (tmp_path / "damaged.pt").write_bytes((tmp_path / "checkpoint.pt").read_bytes()[:500])
    with pytest.raises(UserError, match=r"damaged\.pt: not a readable checkpoint"):
        printed(tmp_path / "damaged.pt", capsys)


def test_a_checkpoint_that_would_run_code_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"network": Harmful()}, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match="not a readable checkpoint"):
        printed(tmp_path / "checkpoint.pt", capsys)
    assert not (tmp_path / "ran").exists()


def test_a_datasets_folder_is_recognised_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "any name"
    lists, videos = root / "testTrainMulti_7030_splits", root / "hmdb51_org" / "golf"
    lists.mkdir(parents=True)
    videos.mkdir(parents=True)
    names = [f"Film_golf_f_nm_np1_fr_med_{k}.avi" for k in range(3)]
    for k in (1, 2, 3):
        uses = "".join(f"{name} {use}\n" for name, use in zip(names, (1, 1, 2), strict=True))
        (lists / f"golf_test_split{k}.txt").write_text(uses)
    for name in names[1:]:
        (videos / name).touch()
    found = in_json(root, capsys)
    facts = found["dataset"]
    assert (facts["dataset"], facts["listed"], facts["present"]) == ("hmdb51", 3, 2)
    assert found["videos by split"][0]["train present"] == 1
    assert found["videos by class"] == [{"class": "golf", "listed": 3, "present": 2}]
    assert [row["video_id"] for row in found["missing"]] == [names[0].removesuffix(".avi")]
    assert "1 classes with lists, published are 51" in found["remarks"][0]["remark"]
    with pytest.raises(UserError, match=r"none in a class's folder; .*; nor .* classInd\.txt"):
        printed(videos, capsys)


def test_videos_of_ones_own_are_recognised_in_folders_and_by_their_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train/golf/a.mp4", "train/walk/b.mov", "val/golf/c.avi", "test/golf/d.avi"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = in_json(tmp_path, capsys)
    assert (found["dataset"]["dataset"], found["dataset"]["present"]) == ("folders", 4)
    row = found["videos by split"][0]
    assert (row["train"], row["val"], row["test"]) == (2, 1, 1)
    lines = "\ufeffpath,class,group\ntrain/golf/a.mp4,golf,film\ntrain/lost.mp4,golf,film\n"
    (tmp_path / "clips.csv").write_text(lines)
    (tmp_path / "other.csv").write_text("name,size\na,1\n")
    found = in_json(tmp_path, capsys)
    facts = found["dataset"]
    assert (facts["dataset"], facts["lists"], facts["source groups"]) == ("list", "clips.csv", 1)
    assert found["missing"] == [{"video_id": "train/lost", "expected at": "train/lost.mp4"}]


@pytest.mark.parametrize(
    ("dataset", "listed", "present"),
    [("ucf101", 13320, 17), ("hmdb51", 6766, 7), ("kinetics400", 19906, 2)],
)
def test_the_published_layouts_are_recognised(
    real_data: Path, dataset: str, listed: int, present: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = in_json(real_data / dataset, capsys)
    facts = found["dataset"]
    assert (facts["dataset"], facts["listed"], facts["present"]) == (dataset, listed, present)
    assert found["remarks"] == []


def test_a_sheet_has_a_row_for_every_video_of_the_ledger(
    bad_dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("rgb", "flow"):
        assert main(bad_dataset.arguments(kind)) == 0
    shard = bad_dataset.folder / "rgb" / "0.h5"
    sheets: dict[str, Any] = {}
    for name, path in (("rgb", shard), ("flow", bad_dataset.folder / "flow" / "0.h5")):
        sheet = tmp_path / f"{name}.png"
        assert main(["inspect", str(path), "--sheet", str(sheet), "--moments", "3"]) == 0
        assert "7 of 7 videos" in capsys.readouterr().out
        sheets[name] = cv2.imread(str(sheet))
    np.testing.assert_array_equal(sheets["rgb"], sheets["flow"])

    (bad_dataset.folder / "flow" / "0.h5").unlink()
    alone = tmp_path / "alone.png"
    assert main(["inspect", str(shard), "--sheet", str(alone), "--rows", "2"]) == 0
    assert "2 of 7 videos" in capsys.readouterr().out
    narrow = cv2.imread(str(alone))
    assert narrow is not None
    assert narrow.shape[1] < sheets["rgb"].shape[1]  # no flow, no legend


def test_a_sheet_of_an_empty_shard_says_so_and_of_another_file_is_refused(
    dataset: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.write_index([])
    assert main(dataset.arguments("rgb")) == 0
    shard, sheet = dataset.folder / "rgb" / "0.h5", tmp_path / "sheet.png"
    capsys.readouterr()
    assert main(["inspect", str(shard), "--sheet", str(sheet)]) == 0
    assert "0 of 0 videos" in capsys.readouterr().out
    assert cv2.imread(str(sheet)) is not None
    with h5py.File(tmp_path / "scores-test.h5", "w") as file:
        file["scores"] = np.zeros((3, 5), np.float32)
    assert main(["inspect", str(tmp_path / "scores-test.h5"), "--sheet", str(sheet)]) == 2
    assert "scores-test.h5: not a shard" in capsys.readouterr().err
    assert main(["inspect", str(shard), "--sheet", str(tmp_path / "sheet.jpg")]) == 2
    assert "ends in .png" in capsys.readouterr().err
    assert main(["inspect", str(shard), "--rows", "0"]) == 2
    assert "--rows: 0; allowed is" in capsys.readouterr().err


def test_an_absent_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"x\.h5: No such file"):
        printed(tmp_path / "x.h5", capsys)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("x.csv", b'a\n"' + b"x" * 200_000 + b'"\n', r"x\.csv: not CSV \(field larger"),
        ("x.h5", b"", r"x\.h5: an empty file"),
        ("x.pth.tar", b"text", r"x\.pth\.tar: not a readable checkpoint"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_one_line(
    tmp_path: Path, name: str, content: bytes, line: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=line) as error:
        inspect_file(tmp_path / name)
    assert "\n" not in str(error.value)


def test_verifying_ends_where_links_lead_in_a_circle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/up").symlink_to(tmp_path)
    (tmp_path / "folder/nowhere").symlink_to(tmp_path / "absent")
    (tmp_path / "file.txt").touch()
    assert main(["inspect", "--verify", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 ok, 0 damaged, 1 unknown\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["inspect", "x" * 300], "File name too long"),
        (["visualize", "a.avi", "x.png", "--short-side", "-5"], "--short-side: -5; allowed is"),
        (["visualize", "a.avi", "x.png", "--max-motion", "inf"], "--max-motion: inf; allowed is"),
        (["visualize", "a.avi", "/proc"], "/proc: ending ''"),
        (["bench", "load", "--short-side", "-1"], "--short-side: -1; allowed is"),
        (["bench", "train", "--width", "-1"], "--width: -1.0; allowed is"),
        (["fuse", "x.h5", "./x.h5:1"], "x.h5: is what it would be made from, x.h5"),
    ],
)
def test_values_that_cannot_be_meant_are_one_line(
    words: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) in (1, 2)
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
