"""Format folders: `<class>/*` or `{train,val,test}/<class>/*`, whatever the files are called."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import pandas as pd
import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.index import Index, build_index, read_index
from rev2net.errors import UserError

Touch = Callable[..., None]


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    """touch(*names): empty files below the root."""

    def make(*names: str) -> None:
        for name in names:
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    return make


def index(tmp_path: Path, **changes: object) -> Index:
    settings = {"format": "folders", "root": str(tmp_path / "root"), "shards": 1} | changes
    return build_index("home", DatasetSettings.model_validate(settings))


def test_a_folder_is_a_class_whatever_lies_how_deep_in_it(tmp_path: Path, touch: Touch) -> None:
    touch("walk/b.MOV", "walk/films/1/a.webm", "golf/a.avi", "golf/notes.txt", "golf/.b.avi")
    found = index(tmp_path)
    assert found.table.values.tolist() == [
        ["golf/a", "golf/a.avi", "golf", 0, "golf/a"],
        ["walk/b", "walk/b.MOV", "walk", 1, "walk/b"],
        ["walk/films/1/a", "walk/films/1/a.webm", "walk", 1, "walk/films/1/a"],
    ]
    assert found.warnings == []
    assert found.summary == "home: 3 videos, 3 present, 2 classes, 3 groups"


def test_without_sides_the_index_has_no_split(tmp_path: Path, touch: Touch) -> None:
    touch("golf/a.avi", "walk/a.avi")
    index(tmp_path).table.to_csv(tmp_path / "home.csv", index=False)
    table = read_index(tmp_path / "home.csv")
    assert list(table.columns) == ["video_id", "path", "class", "label", "group"]


def test_train_val_and_test_are_the_sides_of_one_split(tmp_path: Path, touch: Touch) -> None:
    for side in ("train", "val", "test"):
        touch(f"{side}/a/{side}.mp4", f"{side}/b/{side}.mp4")
    found = index(tmp_path)
    for path, side in zip(found.table["path"], found.table["split1"], strict=True):
        assert path.endswith(f"{side}.mp4")
    assert found.table["class"].unique().tolist() == ["a", "b"]
    assert found.summary.endswith("split 1: 2 train, 2 val, 2 test")


def test_sides_are_sides_in_any_capitals(tmp_path: Path, touch: Touch) -> None:
    touch("Train/run/1.mp4", "Validation/run/2.mp4", "TEST/run/3.mp4")
    found = index(tmp_path).table.sort_values("path")
    assert found["class"].unique().tolist() == ["run"]
    assert found["split1"].tolist() == ["test", "train", "val"]  # TEST, Train, Validation


def test_with_train_and_val_alone_val_is_tested(tmp_path: Path, touch: Touch) -> None:
    touch("train/a/1.mp4", "val/a/2.mp4")
    found = index(tmp_path)
    assert found.table["split1"].tolist() == ["train", "test"]
    assert found.warnings == ["split 1 has no test side; val is tested"]


def test_one_class_may_be_called_train(tmp_path: Path, touch: Touch) -> None:
    touch("train/1.mp4", "ship/2.mp4")
    assert index(tmp_path).table["class"].tolist() == ["ship", "train"]


def test_classes_may_be_called_training_and_testing(tmp_path: Path, touch: Touch) -> None:
    touch("training/1.mp4", "testing/2.mp4", "running/3.mp4")
    assert sorted(index(tmp_path).table["class"]) == ["running", "testing", "training"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "0 videos, none in a class's folder; expected are <class>/<videos>, or"),
        (["a.avi", "b.avi"], "2 videos, none in a class's folder"),
        (["train/a/1.avi", "test/a/1.avi", "b/1.avi"], "folder b stands beside train and test"),
        (["train/a/1.avi"], "only train; with train a val or test folder is needed"),
        (["val/a/1.avi", "test/a/1.avi"], "only val and test; with train"),
    ],
)
def test_other_layouts_are_one_line(
    tmp_path: Path, touch: Touch, names: list[str], words: str
) -> None:
    (tmp_path / "root").mkdir()
    touch(*names)
    with pytest.raises(UserError) as error:
        index(tmp_path)
    assert words in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'root'}: ")
    assert "\n" not in str(error.value)


def test_blanks_around_a_folders_name_are_not_of_the_class(tmp_path: Path, touch: Touch) -> None:
    touch("Walk /a.avi", " golf/b.avi")
    assert index(tmp_path).table[["path", "class"]].values.tolist() == [
        ["Walk /a.avi", "Walk"],
        [" golf/b.avi", "golf"],
    ]


def test_classes_that_differ_only_by_case_are_refused(tmp_path: Path, touch: Touch) -> None:
    touch("Run/a.avi", "run/b.avi", "walk/c.avi")
    found = r"classes 'Run' and 'run' differ only by case \(Run/a.avi, run/b.avi\); write them"
    with pytest.raises(UserError, match=found):
        index(tmp_path)


def test_an_absent_root_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"root: no such folder; expected are <class>/<videos>"):
        index(tmp_path)


def test_empty_folders_and_loose_files_are_told(tmp_path: Path, touch: Touch) -> None:
    touch("golf/a.avi", "jump/readme.txt", "loose.avi")
    assert index(tmp_path).warnings == [
        "folders without a video: 1, which are no classes (first: jump)",
        "video files in no class's folder: 1 left out (first: loose.avi)",
    ]


def test_groups_are_what_the_expression_finds_in_the_path(tmp_path: Path, touch: Touch) -> None:
    touch("golf/film7_1.avi", "golf/film7_2.avi", "walk/film9_1.avi")
    assert index(tmp_path, groups=r"/(film\d+)_").table["group"].tolist() == [
        "film7",
        "film7",
        "film9",
    ]
    touch("walk/other.avi", "walk/third.avi")
    found = (
        r"finds no source video in 2 of 5 paths \(first: 'walk/other.avi'\); it must match every"
    )
    with pytest.raises(UserError, match=found):
        index(tmp_path, groups=r"/(film\d+)_")


def test_two_files_of_one_stem_are_two_videos(tmp_path: Path, touch: Touch) -> None:
    touch("golf/a.avi", "golf/a.mp4", "golf/b.mp4")
    assert index(tmp_path).table["video_id"].tolist() == ["golf/a.avi", "golf/a.mp4", "golf/b"]


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        (b"gehen/ein Gang, zwei.avi", "gehen/ein Gang, zwei"),
        ("走る/動画.mp4".encode(), "走る/動画"),
        (b"caf\xe9/a\xff.avi", "caf%E9/a%FF"),
        (b"a/line\nend.avi", "a/line%0Aend"),
        (b'a/"quoted".avi', 'a/"quoted"'),
    ],
)
def test_any_name_comes_through_csv_hdf5_and_json(
    tmp_path: Path, touch: Touch, name: bytes, video_id: str
) -> None:
    touch(os.fsdecode(name))
    found = index(tmp_path)
    text = found.table.to_csv(index=False, lineterminator="\n")
    path = tmp_path / "home.csv"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    row = read_index(path).iloc[0]
    assert row["video_id"] == row["group"] == video_id
    assert os.fsencode(row["path"]) == name
    assert (tmp_path / "root" / row["path"]).is_file()
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("id", data=[row["video_id"]], dtype=h5py.string_dtype())
        assert file["id"].asstr()[0] == video_id
    assert json.loads(json.dumps(row["class"], ensure_ascii=False).encode()) == row["class"]


def test_a_part_of_the_root_can_be_meant(tmp_path: Path, touch: Touch) -> None:
    touch("clips/golf/a.avi", "other/b.avi")
    table: pd.DataFrame = index(tmp_path, videos="clips").table
    assert table["path"].tolist() == ["clips/golf/a.avi"]
    assert table["class"].tolist() == ["golf"]


def test_the_real_clips_are_classes_of_their_folders(real_data: Path) -> None:
    settings = {"format": "folders", "root": str(real_data / "arid"), "shards": 1}
    table = build_index("arid", DatasetSettings.model_validate(settings)).table
    counts = {"Jump": 42, "Run": 40, "Sit": 40, "Stand": 41, "Walk": 41}
    assert table["class"].value_counts().to_dict() == counts
