"""The files on disk are named, listed and encoded as the real datasets publish theirs."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from rev2net.config import DatasetSettings
from rev2net.datasets.class_maps import class_map
from rev2net.datasets.hmdb51 import list_hmdb51
from rev2net.datasets.kinetics import list_kinetics400
from rev2net.datasets.listing import Listing
from rev2net.datasets.ucf101 import list_ucf101
from rev2net.mini.actions import ACTIONS
from rev2net.mini.conventions import hmdb51_title, mini_classes, ucf101_test_groups
from rev2net.mini.worlds import WORLDS
from rev2net.video import decode, probe
from rev2net.video.counting import announced_frames
from tests.real_data import REAL_DATA, WITHOUT

needs_real_data = pytest.mark.skipif(not REAL_DATA.is_dir(), reason=WITHOUT)


def settings(root: Path, videos: str, lists: str) -> DatasetSettings:
    return DatasetSettings(
        format="ucf101",
        root=str(root),
        videos=videos,
        lists=lists,
        official=False,
        partial=False,
        max_unusable_fraction=0.0,
        shards=1,
    )


@pytest.fixture(scope="module")
def ucf101(tiny: Path) -> Listing:
    return list_ucf101(settings(tiny / "ucf101", "UCF-101", "ucfTrainTestlist"))


@pytest.fixture(scope="module")
def hmdb51(tiny: Path) -> Listing:
    return list_hmdb51(settings(tiny / "hmdb51", "hmdb51_org", "testTrainMulti_7030_splits"))


@pytest.fixture(scope="module")
def kinetics400(tiny: Path) -> Listing:
    return list_kinetics400(settings(tiny / "kinetics400", ".", "."))


@pytest.mark.parametrize(
    ("dataset", "videos"), [("ucf101", 5 * 6 * 2), ("hmdb51", 5 * (6 * 2 + 1)), ("kinetics400", 48)]
)
def test_the_ordinary_importers_find_every_video_and_nothing_odd(
    dataset: str, videos: int, request: pytest.FixtureRequest
) -> None:
    listing = request.getfixturevalue(dataset)
    assert len(listing.videos) == videos
    assert all(video.present for video in listing.videos)
    assert listing.warnings == []


@pytest.mark.parametrize("dataset", ["ucf101", "hmdb51"])
def test_no_source_group_is_on_both_sides_of_a_split(
    dataset: str, request: pytest.FixtureRequest
) -> None:
    videos = request.getfixturevalue(dataset).videos
    for k in range(3):
        sides: dict[str, set[str]] = {}
        for video in videos:
            if video.sides[k] != "unused":
                sides.setdefault(f"{video.class_name}/{video.group}", set()).add(video.sides[k])
        assert {len(of_group) for of_group in sides.values()} == {1}
        assert Counter(next(iter(s)) for s in sides.values()) == {"train": 20, "test": 10}


def test_ucf101_tests_the_groups_that_the_real_lists_test() -> None:
    assert [list(ucf101_test_groups(25, split)) for split in (1, 2, 3)] == [
        list(range(1, 8)),
        list(range(8, 15)),
        list(range(15, 22)),
    ]


def test_ucf101_lists_have_the_published_line_ends_and_labels(tiny: Path) -> None:
    lists = tiny / "ucf101" / "ucfTrainTestlist"
    assert (lists / "classInd.txt").read_bytes().startswith(b"1 Basketball\r\n2 Biking\r\n")
    train = (lists / "trainlist01.txt").read_bytes().split(b"\r\n")
    test = (lists / "testlist01.txt").read_bytes().split(b"\r\n")
    assert train[0] == b"Basketball/v_Basketball_g03_c01.avi 1"
    assert test[0] == b"Basketball/v_Basketball_g01_c01.avi"
    assert train[-1] == test[-1] == b""


def test_hmdb51_lists_use_0_1_and_2_and_end_lines_in_a_blank(tiny: Path) -> None:
    lists = tiny / "hmdb51" / "testTrainMulti_7030_splits"
    assert len(list(lists.iterdir())) == 5 * 3
    lines = (lists / "golf_test_split1.txt").read_text().splitlines()
    assert Counter(line[-3:] for line in lines) == {" 1 ": 8, " 2 ": 4, " 0 ": 1}


def test_hmdb51_titles_hold_the_awkward_characters_of_the_real_ones() -> None:
    titles = {
        hmdb51_title(label, group)
        for label in mini_classes("hmdb51", "full")
        for group in range(1, 29)
    }
    assert len(titles) == 12 * 28
    assert set("!#&()+;@[]~") <= set("".join(titles))


def test_hmdb51_tags_are_those_that_real_names_use(hmdb51: Listing) -> None:
    tags = r"_f_(cm|nm)_np1_(fr|ba|le|ri)_(goo|med|bad)_\d+\.avi"
    assert all(re.search(tags, video.path) for video in hmdb51.videos)


@needs_real_data
def test_kinetics_csv_has_the_columns_of_the_real_one(tiny: Path) -> None:
    with (REAL_DATA / "kinetics400" / "kinetics-400_val.csv").open() as real:
        header = next(csv.reader(real))
    with (tiny / "kinetics400" / "kinetics-400_val.csv").open() as ours:
        rows = list(csv.DictReader(ours))
    assert list(rows[0]) == header
    assert {int(row["time_end"]) - int(row["time_start"]) for row in rows} == {10}


@needs_real_data
@pytest.mark.parametrize("class_set", ["small", "full"])
def test_class_names_exist_in_the_real_datasets(class_set: str) -> None:
    class_list = (REAL_DATA / "ucf101" / "ucfTrainTestlist" / "classInd.txt").read_text().split()
    real = {
        "ucf101": set(class_list),
        "hmdb51": {
            path.name.removesuffix("_test_split1.txt")
            for path in (REAL_DATA / "hmdb51").glob("*/*_test_split1.txt")
        },
        "kinetics400": set((REAL_DATA / "kinetics400" / "label_map.txt").read_text().splitlines()),
    }
    for dataset, names in real.items():
        assert {label.name for label in mini_classes(dataset, class_set)} <= names


@pytest.mark.parametrize("class_set", ["small", "full"])
def test_classes_are_exactly_those_of_the_checked_in_map(class_set: str) -> None:
    mapped = class_map("ucf101_hmdb51", class_set)
    ours = {label.name: label.hmdb for label in mini_classes("ucf101", class_set)}
    labels = mapped.labels["ucf101"]
    assert ours == {name: mapped.class_names[label] for name, label in labels.items()}
    hmdb = [label.name for label in mini_classes("hmdb51", class_set)]
    assert hmdb == mapped.class_names


@pytest.mark.parametrize("dataset", ["ucf101", "hmdb51", "kinetics400"])
def test_every_class_has_an_action_and_a_usual_place(dataset: str) -> None:
    for label in mini_classes(dataset, "full"):
        assert set(label.actions) <= set(ACTIONS)
        assert label.hmdb in WORLDS[dataset].places


@pytest.mark.parametrize(
    ("dataset", "pattern", "container", "codec", "fps", "announced_beyond"),
    [
        ("ucf101", "UCF-101/*/*.avi", "avi", "mpeg4", {25.0, 29.97}, 0),
        ("hmdb51", "hmdb51_org/*/*.avi", "avi", "mpeg4", {30.0}, 1),
        ("kinetics400", "val/*/*.mp4", "mov", "h264", {30.0}, 0),
    ],
)
def test_videos_are_encoded_as_published_and_announce_as_many_frames_as_the_real_ones(
    tiny: Path,
    dataset: str,
    pattern: str,
    container: str,
    codec: str,
    fps: set[float],
    announced_beyond: int,
) -> None:
    paths = sorted((tiny / dataset).glob(pattern))[:4]
    assert len(paths) == 4
    for path in paths:
        facts, frames = probe(path), decode(path)
        assert facts.container.startswith(container)
        assert facts.codec == codec
        assert facts.height == 32
        assert round(facts.fps, 2) in fps
        assert 5 <= len(frames) <= 7
        assert announced_frames(path, facts) == len(frames) + announced_beyond
