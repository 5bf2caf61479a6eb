"""Kinetics-400: official CSV lists, and clips however they are named and filed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.kinetics import list_kinetics400
from rev2net.errors import UserError

Settings = Callable[..., DatasetSettings]


def test_clips_are_found_by_id_under_any_name_and_folder(
    kinetics_root: Path, settings: Settings
) -> None:
    listing = list_kinetics400(settings("kinetics400", kinetics_root))
    assert listing.class_names == ["air drumming", "using segway"]
    assert listing.warnings == []
    assert {video.video_id: video.path for video in listing.videos} == {
        "R6llTwEh07w_000000_000010": "videos/R6llTwEh07w.mp4",
        "-_a_b_c_d_e_000007_000017": "videos/air_drumming/-_a_b_c_d_e_000007_000017.mp4",
        "12345678901_000101_000111": "videos/air_drumming/12345678901_101_111.webm",
    }
    assert all(video.present for video in listing.videos)


def test_val_is_the_test_side_of_the_only_split(kinetics_root: Path, settings: Settings) -> None:
    videos = list_kinetics400(settings("kinetics400", kinetics_root)).videos
    assert {video.group: video.sides for video in videos} == {
        "R6llTwEh07w": ("test",),
        "-_a_b_c_d_e": ("train",),
        "12345678901": ("train",),
    }


def test_lists_may_say_validate_for_val(kinetics_root: Path, settings: Settings) -> None:
    before = list_kinetics400(settings("kinetics400", kinetics_root))
    path = kinetics_root / "kinetics-400_val.csv"
    path.write_text(path.read_text().replace(",val,", ",validate,"))
    assert list_kinetics400(settings("kinetics400", kinetics_root)) == before


def test_clips_that_are_being_unpacked_do_not_count(
    kinetics_root: Path, settings: Settings
) -> None:
    hidden = kinetics_root / "videos" / ".unpacked" / "part"
    hidden.mkdir(parents=True)
    (kinetics_root / "videos" / "R6llTwEh07w.mp4").rename(hidden / "R6llTwEh07w.mp4")
    videos = list_kinetics400(settings("kinetics400", kinetics_root)).videos
    assert [video.group for video in videos if not video.present] == ["R6llTwEh07w"]


def test_clip_of_another_moment_is_not_the_listed_one(
    kinetics_root: Path, settings: Settings
) -> None:
    clip = kinetics_root / "videos/air_drumming/-_a_b_c_d_e_000007_000017.mp4"
    clip.rename(clip.with_name("-_a_b_c_d_e_000050_000060.mp4"))
    listing = list_kinetics400(settings("kinetics400", kinetics_root))
    (absent,) = [video for video in listing.videos if not video.present]
    assert absent.path == "videos/air_drumming/-_a_b_c_d_e_000007_000017.mp4"
    assert "1 left out" in listing.warnings[0]


def test_lists_may_be_a_folder_and_rows_of_the_test_list_are_left_out(
    kinetics_root: Path, settings: Settings
) -> None:
    (kinetics_root / "test.csv").write_text(
        "label,youtube_id,time_start,time_end,split\n,ZZZZZZZZZZZ,0,10,test\n"
    )
    listing = list_kinetics400(settings("kinetics400", kinetics_root, lists="."))
    assert len(listing.videos) == 3
    assert listing.warnings == ["rows of the test list: 1 left out; val is the test side"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("youtube_id,", "id,", "no column 'youtube_id'"),
        (",0,10,val", ",0,10,valid", r":2: split 'valid'; allowed: train, val, validate, test"),
        (",0,10,val", ",0,ten,val", r":2: time_end 'ten'"),
        ("using segway,R", ",R", r":2: label ''"),
        ("-_a_b_c_d_e,7,17", "12345678901,101,111", r":4: 12345678901 is listed twice"),
    ],
)
def test_a_list_that_breaks_the_format_is_an_error_that_says_where(
    kinetics_root: Path, settings: Settings, old: str, new: str, named: str
) -> None:
    path = kinetics_root / "kinetics-400_val.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=named):
        list_kinetics400(settings("kinetics400", kinetics_root))


def test_missing_list_is_named(kinetics_root: Path, settings: Settings) -> None:
    with pytest.raises(UserError, match=r"`lists`: no CSV at .*train\.csv"):
        list_kinetics400(settings("kinetics400", kinetics_root, lists="train.csv"))


def test_official_list_of_val_has_400_classes_in_the_order_of_the_label_map(
    real_data: Path, settings: Settings
) -> None:
    root = real_data / "kinetics400"
    listing = list_kinetics400(settings("kinetics400", root, official=True, partial=True))
    assert listing.class_names == (root / "label_map.txt").read_text().splitlines()
    assert len(listing.videos) == 19906
    present = {video.path: video.class_name for video in listing.videos if video.present}
    assert present == {
        "videos/R6llTwEh07w.mp4": "using segway",
        "videos/WUzgd7C1pWA.mp4": "using segway",
    }


def test_list_of_fewer_classes_is_refused_as_official(
    kinetics_root: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match="2 classes, published are 400"):
        list_kinetics400(settings("kinetics400", kinetics_root, official=True))
