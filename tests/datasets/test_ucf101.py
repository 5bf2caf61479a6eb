"""UCF101: what the published folder and lists say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.ucf101 import list_ucf101
from rev2net.errors import UserError

Settings = Callable[..., DatasetSettings]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def test_every_listed_video_has_class_group_and_side(ucf_root: Path, settings: Settings) -> None:
    listing = list_ucf101(settings("ucf101", ucf_root))
    videos = {video.video_id: video for video in listing.videos}
    assert listing.class_names == ["Archery", "HandstandPushups"]
    assert listing.warnings == []
    assert len(videos) == 12
    archery = videos["v_Archery_g02_c01"]
    assert archery.path == "UCF-101/Archery/v_Archery_g02_c01.avi"
    assert (archery.class_name, archery.group) == ("Archery", "Archery_g02")
    assert archery.sides == ("train", "test", "train")
    assert archery.present


def test_group_of_a_misspelt_file_is_that_of_its_class(ucf_root: Path, settings: Settings) -> None:
    videos = {video.video_id: video for video in list_ucf101(settings("ucf101", ucf_root)).videos}
    video = videos["v_HandStandPushups_g01_c01"]
    assert (video.class_name, video.group) == ("HandstandPushups", "HandstandPushups_g01")


def test_other_spelling_of_handstand_files_is_found(ucf_root: Path, settings: Settings) -> None:
    for path in (ucf_root / "UCF-101" / "HandstandPushups").iterdir():
        path.rename(path.with_name(path.name.replace("HandStand", "Handstand")))
    listing = list_ucf101(settings("ucf101", ucf_root))
    assert all(video.present for video in listing.videos)
    assert {
        video.path for video in listing.videos if video.video_id == "v_HandStandPushups_g01_c01"
    } == {"UCF-101/HandstandPushups/v_HandstandPushups_g01_c01.avi"}


def test_absent_video_keeps_the_path_where_it_would_be(ucf_root: Path, settings: Settings) -> None:
    (ucf_root / "UCF-101/Archery/v_Archery_g01_c01.avi").unlink()
    absent = [v for v in list_ucf101(settings("ucf101", ucf_root)).videos if not v.present]
    assert [video.path for video in absent] == ["UCF-101/Archery/v_Archery_g01_c01.avi"]


def test_flat_folder_without_classes_is_found(ucf_root: Path, settings: Settings) -> None:
    for path in (ucf_root / "UCF-101").glob("*/*.avi"):
        path.rename(ucf_root / "UCF-101" / path.name)
    listing = list_ucf101(settings("ucf101", ucf_root))
    assert all(video.present for video in listing.videos)


def test_videos_setting_may_be_the_root_itself(ucf_root: Path, settings: Settings) -> None:
    changes = {"videos": ".", "lists": "../ucfTrainTestlist"}
    listing = list_ucf101(settings("ucf101", ucf_root / "UCF-101", **changes))
    assert all(video.present for video in listing.videos)
    assert listing.warnings == []
    assert "Archery/v_Archery_g01_c01.avi" in {video.path for video in listing.videos}


def test_files_that_no_list_names_are_one_warning(ucf_root: Path, settings: Settings) -> None:
    (ucf_root / "UCF-101/Archery/v_Archery_g09_c01.avi").touch()
    (ucf_root / "UCF-101/Archery/holiday.avi").touch()
    (ucf_root / "UCF-101/Archery/notes.txt").touch()
    (warning,) = list_ucf101(settings("ucf101", ucf_root)).warnings
    assert "2 left out" in warning
    assert "UCF-101/Archery/holiday.avi" in warning


def test_folder_of_an_unknown_class_is_one_warning(ucf_root: Path, settings: Settings) -> None:
    (ucf_root / "UCF-101/Juggling").mkdir()
    (ucf_root / "UCF-101/Juggling/v_Juggling_g01_c01.avi").touch()
    (warning,) = list_ucf101(settings("ucf101", ucf_root)).warnings
    assert "UCF-101/Juggling" in warning
    assert "none of the 2 classes" in warning


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("classInd.txt", "2 Hand", "3 Hand", "classInd.txt:2"),
        ("trainlist01.txt", "Archery/v_Archery_g02_c01.avi 1", "Rowing/v_x.avi 1", "'Rowing'"),
        ("trainlist01.txt", "Archery_g02_c01.avi 1", "Archery_g02_c01.avi 2", "number 2"),
        ("trainlist01.txt", "g02_c02.avi 1", "g02_c01.avi 1", "listed twice"),
        (
            "testlist02.txt",
            "Archery/v_Archery_g02_c01.avi",
            "v_Archery_g02_c01.avi",
            "testlist02.txt:1",
        ),
        ("testlist02.txt", "Archery_g02_c01", "Archery_g01_c01", "also in trainlist02.txt"),
    ],
)
def test_a_list_that_breaks_the_format_is_an_error_that_says_where(
    ucf_root: Path, settings: Settings, file: str, old: str, new: str, named: str
) -> None:
    replace_in(ucf_root / "ucfTrainTestlist" / file, old, new)
    with pytest.raises(UserError, match=named):
        list_ucf101(settings("ucf101", ucf_root))


def test_missing_list_is_named(ucf_root: Path, settings: Settings) -> None:
    (ucf_root / "ucfTrainTestlist/testlist03.txt").unlink()
    with pytest.raises(UserError, match=r"testlist03\.txt"):
        list_ucf101(settings("ucf101", ucf_root))


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"root": "/nowhere"}, "root"), ({"videos": "videos"}, "videos"), ({"lists": "x"}, "lists")],
)
def test_missing_folder_names_its_key(
    ucf_root: Path, settings: Settings, changes: dict[str, str], key: str
) -> None:
    with pytest.raises(UserError, match=rf"`{key}`: no folder"):
        list_ucf101(settings("ucf101", ucf_root, **changes))


def test_lists_that_are_not_the_published_ones_are_refused_as_official(
    ucf_root: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match=r"2 classes, published are 101.*official: false"):
        list_ucf101(settings("ucf101", ucf_root, official=True))


def test_official_lists_hold_the_published_counts(real_data: Path, settings: Settings) -> None:
    root = real_data / "ucf101"
    listing = list_ucf101(settings("ucf101", root, official=True, partial=True))
    counts = [
        tuple(sum(video.sides[k] == side for video in listing.videos) for side in ("train", "test"))
        for k in range(3)
    ]
    assert counts == [(9537, 3783), (9586, 3734), (9624, 3696)]
    assert len(listing.videos) == 13320
    assert len({video.group for video in listing.videos}) == 101 * 25
    present = {video.path for video in listing.videos if video.present}
    assert present == {str(path.relative_to(root)) for path in root.glob("UCF-101/*/*.avi")}


def test_official_lists_short_of_one_line_are_refused(
    real_data: Path, settings: Settings, tmp_path: Path
) -> None:
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    for path in (real_data / "ucf101/ucfTrainTestlist").iterdir():
        lines = path.read_text().splitlines()
        kept = lines[:-1] if path.name == "trainlist02.txt" else lines
        (lists / path.name).write_text("\n".join(kept))
    (tmp_path / "UCF-101").mkdir()
    with pytest.raises(UserError, match=r"trainlist02\.txt: 9585 videos, published are 9586"):
        list_ucf101(settings("ucf101", tmp_path, official=True))


def test_no_official_split_has_a_source_group_on_both_sides(
    real_data: Path, settings: Settings
) -> None:
    videos = list_ucf101(settings("ucf101", real_data / "ucf101", partial=True)).videos
    for k in range(3):
        train = {video.group for video in videos if video.sides[k] == "train"}
        assert train.isdisjoint(video.group for video in videos if video.sides[k] == "test")
