"""HMDB51: what the published folder and lists say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.hmdb51 import list_hmdb51
from rev2net.errors import UserError

Settings = Callable[..., DatasetSettings]


def test_every_listed_video_has_class_title_and_side(hmdb_root: Path, settings: Settings) -> None:
    listing = list_hmdb51(settings("hmdb51", hmdb_root))
    assert listing.class_names == ["climb_stairs", "golf"]
    assert listing.warnings == []
    found = {v.video_id: (v.class_name, v.group, v.sides, v.present) for v in listing.videos}
    assert found == {
        "#1_Swing!_golf_f_nm_np1_ri_goo_0": (
            "golf",
            "#1_Swing!",
            ("train", "test", "unused"),
            True,
        ),
        "Film_golf_u_cm_np10_fr_med_1": ("golf", "Film", ("test", "train", "train"), True),
        "(HQ) a;b_climb_stairs_f_cm_np1_ba_bad_12": (
            "climb_stairs",
            "(HQ) a;b",
            ("train", "unused", "test"),
            True,
        ),
        "Film_climb_stairs_l_nm_np2_le_med_0": (
            "climb_stairs",
            "Film",
            ("unused", "test", "train"),
            True,
        ),
    }


def test_lists_with_crlf_read_the_same(hmdb_root: Path, settings: Settings) -> None:
    before = list_hmdb51(settings("hmdb51", hmdb_root))
    for path in (hmdb_root / "testTrainMulti_7030_splits").iterdir():
        path.write_bytes(path.read_bytes().replace(b" \n", b"\r\n") + b"\r\n")
    assert list_hmdb51(settings("hmdb51", hmdb_root)) == before


def test_class_without_all_three_lists_is_named(hmdb_root: Path, settings: Settings) -> None:
    (hmdb_root / "testTrainMulti_7030_splits/golf_test_split2.txt").unlink()
    with pytest.raises(UserError, match=r"no golf_test_split2\.txt"):
        list_hmdb51(settings("hmdb51", hmdb_root))


def test_lists_of_some_classes_only_are_refused_as_official(
    hmdb_root: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match="2 classes with lists, published are 51"):
        list_hmdb51(settings("hmdb51", hmdb_root, official=True))


def test_folder_without_lists_says_what_they_are_called(
    hmdb_root: Path, settings: Settings
) -> None:
    with pytest.raises(UserError, match=r"<class>_test_split<1, 2 or 3>\.txt"):
        list_hmdb51(settings("hmdb51", hmdb_root, lists="hmdb51_org"))


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Film_golf_u_cm_np10_fr_med_1.avi 3", r"golf_test_split1\.txt:1.*'Film_golf.* 3'"),
        ("Film_golf_u_cm_np10_fr_med_1.avi", r"golf_test_split1\.txt:1"),
        ("holiday.avi 1", "'holiday.avi' is not named <title>_golf_"),
        ("Film_run_u_cm_np10_fr_med_1.avi 1", "is not named <title>_golf_"),
    ],
)
def test_a_list_that_breaks_the_format_is_an_error_that_says_where(
    hmdb_root: Path, settings: Settings, line: str, named: str
) -> None:
    (hmdb_root / "testTrainMulti_7030_splits/golf_test_split1.txt").write_text(line + " \n")
    with pytest.raises(UserError, match=named):
        list_hmdb51(settings("hmdb51", hmdb_root))


def test_folder_of_an_unknown_class_is_one_warning(hmdb_root: Path, settings: Settings) -> None:
    (hmdb_root / "hmdb51_org/golfing").mkdir()
    (hmdb_root / "hmdb51_org/golfing/holiday.avi").touch()
    (warning,) = list_hmdb51(settings("hmdb51", hmdb_root)).warnings
    assert "hmdb51_org/golfing" in warning


def test_official_lists_hold_the_published_counts(real_data: Path, settings: Settings) -> None:
    root = real_data / "hmdb51"
    listing = list_hmdb51(settings("hmdb51", root, official=True, partial=True))
    assert len(listing.class_names) == 51
    assert len({video.video_id for video in listing.videos}) == 6766
    for k in range(3):
        sides = [video.sides[k] for video in listing.videos]
        assert [sides.count(side) for side in ("train", "test", "unused")] == [3570, 1530, 1666]
    present = {video.path for video in listing.videos if video.present}
    assert present == {str(path.relative_to(root)) for path in root.glob("hmdb51_org/*/*.avi")}
    assert len(present) == 7


def test_official_lists_keep_source_titles_apart_within_a_class_only(
    real_data: Path, settings: Settings
) -> None:
    videos = list_hmdb51(settings("hmdb51", real_data / "hmdb51", partial=True)).videos
    for k in range(3):
        train = [video for video in videos if video.sides[k] == "train"]
        test = [video for video in videos if video.sides[k] == "test"]
        within = {(video.class_name, video.group) for video in train}
        assert within.isdisjoint((video.class_name, video.group) for video in test)
        across = {video.group for video in train}
        assert not across.isdisjoint(video.group for video in test)
