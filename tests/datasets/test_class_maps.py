"""Class maps: curated pairs against the official class lists and the protocols' counts."""

from pathlib import Path

import pandas as pd
import pytest

from rev2net.datasets.class_maps import CLASS_MAPS, class_map, read_pairs
from rev2net.errors import UserError

# Set -> classes of HMDB51 and UCF101; clips (all, split-1 train, split-1 test) of each.
# The figures of small and full are those that the field reports; the rest was counted by hand.
COUNTS = {
    "small": ((5, 5), (671, 482, 189), (559, 350, 150)),
    "full": ((12, 15), (2009, 1438, 571), (1800, 840, 360)),
    "wide-14": ((14, 19), (2536, 1819, 717), (2040, 980, 420)),
    "wide-16": ((16, 29), (3867, 2764, 1103), (2293, 1120, 480)),
    "wide-20": ((20, 40), (5329, 3819, 1510), (2805, 1400, 600)),
}


@pytest.mark.parametrize("class_set", COUNTS)
def test_sets_of_ucf_hmdb_hold_the_known_counts(
    class_set: str, official: dict[str, pd.DataFrame]
) -> None:
    shared = class_map("ucf101_hmdb51", class_set)
    (num_hmdb, num_ucf), *clips = COUNTS[class_set]
    assert (len(shared.class_names), len(shared.labels["ucf101"])) == (num_hmdb, num_ucf)
    for dataset, expected in zip(("ucf101", "hmdb51"), clips, strict=True):
        index = official[dataset]
        videos = index[index["class"].isin(shared.labels[dataset].keys())]
        sides = videos["split1"].value_counts()
        assert (len(videos), sides["train"], sides["test"]) == expected


def test_small_set_in_full() -> None:
    shared = class_map("ucf101_hmdb51", "small")
    assert shared.class_names == ["golf", "pullup", "ride_bike", "ride_horse", "shoot_ball"]
    assert shared.labels == {
        "ucf101": {"GolfSwing": 0, "PullUps": 1, "Biking": 2, "HorseRiding": 3, "Basketball": 4},
        "hmdb51": {"golf": 0, "pullup": 1, "ride_bike": 2, "ride_horse": 3, "shoot_ball": 4},
    }


def test_several_ucf_classes_share_a_label() -> None:
    shared = class_map("ucf101_hmdb51", "full")
    ucf101 = shared.labels["ucf101"]
    boxing = {ucf101[name] for name in ("Punch", "BoxingPunchingBag", "BoxingSpeedBag")}
    assert boxing == {shared.labels["hmdb51"]["punch"]}
    assert shared.class_names[boxing.pop()] == "punch"


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_sets_are_nested_and_labels_agree(name: str) -> None:
    broader, sets = CLASS_MAPS[name]
    assert {pair.set for pair in read_pairs(name).rows} == set(sets)
    smaller: dict[str, str] = {}
    for class_set in sets:
        shared = class_map(name, class_set)
        assert shared.class_names == sorted(set(shared.class_names))
        assert {shared.class_names[i]: i for i in shared.labels[broader].values()} == (
            shared.labels[broader]
        )
        (finer,) = set(shared.labels) - {broader}
        meaning = {fine: shared.class_names[i] for fine, i in shared.labels[finer].items()}
        assert smaller.items() < meaning.items()
        smaller = meaning


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_no_finer_class_stands_in_two_classes(name: str) -> None:
    broader, _ = CLASS_MAPS[name]
    (finer,) = set(name.split("_")) - {broader}
    names = [pair.names[finer] for pair in read_pairs(name).rows]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_a_pair_that_is_not_certain_says_why(name: str) -> None:
    for pair in read_pairs(name).rows:
        assert pair.confidence in ("high", "medium", "low")
        assert pair.note or pair.confidence != "low"


@pytest.mark.parametrize("name", ["ucf101_kinetics400", "hmdb51_kinetics400"])
def test_strict_sets_hold_certain_pairs_only(name: str) -> None:
    strict = [pair for pair in read_pairs(name).rows if pair.set == "strict"]
    assert {pair.confidence for pair in strict} == {"high"}


def test_every_name_is_an_official_class(
    official: dict[str, pd.DataFrame], real_data: Path
) -> None:
    classes = {dataset: set(index["class"]) for dataset, index in official.items()}
    classes["kinetics400"] = set((real_data / "kinetics400/label_map.txt").read_text().splitlines())
    for name in CLASS_MAPS:
        for pair in read_pairs(name).rows:
            for dataset, class_name in pair.names.items():
                assert class_name in classes[dataset], f"{name}: {class_name}"


def test_unknown_map_and_set_name_the_allowed_ones() -> None:
    with pytest.raises(UserError, match="'ucf101_sports1m': allowed are ucf101_hmdb51"):
        class_map("ucf101_sports1m", "full")
    with pytest.raises(UserError, match="'medium' of ucf101_hmdb51: allowed are small, full"):
        class_map("ucf101_hmdb51", "medium")
