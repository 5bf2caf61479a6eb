"""Leaks by content, and what is said of a split: notes, and classes of one side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.protocols import assign_parts
from rev2net.datasets.splits import Split, build_split
from rev2net.errors import UserError


def videos(*class_names: str, own_groups: bool = False, sides: bool = True) -> pd.DataFrame:
    """Five groups of two clips a class; split 1 tests the last group and has val in the fourth."""
    side_of = ["train", "train", "train", "val", "test"]
    rows = [
        {
            "video_id": f"{name}/{group}{clip}",
            "class": name,
            "label": label,
            "group": f"{name}/{group}{clip}" if own_groups else f"{name}{group}",
            "split1": side_of[group],
        }
        for label, name in enumerate(class_names)
        for group in range(5)
        for clip in "ab"
    ]
    table = pd.DataFrame(rows)
    return table if sides else table.drop(columns="split1")


def within(protocol: str = "official", **settings: object) -> WithinDataset:
    return WithinDataset.model_validate({"dataset": "home", "protocol": protocol, **settings})


def cross(protocol: str, **settings: object) -> CrossDataset:
    datasets = {"source": "home", "target": "away"}
    return CrossDataset.model_validate(datasets | {"protocol": protocol, **settings})


def split(
    settings: WithinDataset | CrossDataset,
    contents: Mapping[str, Mapping[str, str]] | None = None,
    indexes: dict[str, pd.DataFrame] | None = None,
) -> Split:
    indexes = indexes or {"home": videos("jump", "walk"), "away": videos("Jump", "Walk", "sit")}
    usable = {dataset: set(index["video_id"]) for dataset, index in indexes.items()}
    return build_split("mine", 1, settings, indexes, usable, contents)


def but_few_groups(lines: list[str]) -> list[str]:
    """Without what is said of every test as small as these."""
    return [line for line in lines if not line.startswith("the test videos are of")]


def expected(found: Split) -> dict[str, int]:
    return {part: counts["expected"] for part, counts in found.summary["parts"].items()}


def test_given_sides_are_parts() -> None:
    assert expected(split(within())) == {"train": 12, "val": 4, "test": 4}
    # Of the training list, in place of a val side of its own.
    held_out = split(within(validation_fraction=0.4))
    assert expected(held_out) == {"train": 8, "val": 4, "test": 4}
    assert {row.split(",")[3] for row in held_out.csv.splitlines() if row.endswith("val")} <= {
        f"{name}{group}" for name in ("jump", "walk") for group in range(3)
    }


def test_by_group_divides_all_videos_anew_for_each_split() -> None:
    index = {"home": videos("jump", "walk", sides=False)}
    tested = []
    for k in range(1, 6):
        parts = assign_parts(within("by-group"), k, index)
        by_group = parts.groupby("group")["part"].nunique()
        assert by_group.max() == 1
        assert parts["part"].value_counts().to_dict() == {"train": 16, "test": 4}
        tested.append(frozenset(parts["group"][parts["part"] == "test"]))
    assert len(set(tested)) > 1
    assert split(within("by-group"), indexes=index).summary["protocol"] == "by-group"


def test_between_datasets_official_takes_split_k_of_both_and_leaves_val_out() -> None:
    found = split(cross("official"))
    assert expected(found) == {"train": 12, "val": 4, "target_unlabelled": 12, "test": 4}
    assert {row.split(",")[1] for row in found.csv.splitlines() if row.endswith("test")} == {"away"}


def test_lists_or_groups_takes_the_lists_of_the_side_that_has_them_and_divides_the_other() -> None:
    indexes = {"home": videos("jump", "walk", sides=False), "away": videos("Jump", "Walk")}
    settings = cross("lists-or-groups", held_out=0.4)
    found = split(settings, indexes=indexes)
    assert expected(found) == {"train": 12, "val": 8, "target_unlabelled": 12, "test": 4}
    parts = assign_parts(settings, 1, indexes)
    assert set(parts["group"][parts["part"] == "test"]) == {"Jump4", "Walk4"}
    # Groups that the lists divide are told; those that are divided here may not be shared.
    indexes["away"]["group"] = "film"
    assert "the official lists divide them so" in split(settings, indexes=indexes).warnings[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (within(), "home has no sides .* set protocol: by-group, or give them in its folders or"),
        (cross("official"), "home has no sides .* set protocol: all-videos or lists-or-groups"),
        (cross("official-split1"), "home has no sides .* set protocol: all-videos"),
    ],
)
def test_a_dataset_without_sides_has_no_official_protocol(
    settings: WithinDataset | CrossDataset, words: str
) -> None:
    indexes = {"home": videos("jump", sides=False), "away": videos("Jump", sides=False)}
    with pytest.raises(UserError, match=words):
        split(settings, indexes=indexes)


def test_classes_of_one_side_are_told_with_their_videos() -> None:
    found = split(cross("official"))
    assert found.summary["class_names"] == ["jump", "walk"]
    assert but_few_groups(found.warnings) == [
        "classes of away that are not shared: 1, whose 10 videos are not used (sit 10)"
    ]
    assert found.summary["class_map"] is None
    assert but_few_groups(found.summary["notes"]) == [
        "the 2 classes are those that both datasets name alike"
    ]


def test_videos_without_known_source_are_noted() -> None:
    whole = split(within("by-group"), indexes={"home": videos("jump", "walk", own_groups=True)})
    assert but_few_groups(whole.summary["notes"]) == [
        "every video of 'home' is its own group: its lists name no source videos"
    ]
    mixed = videos("jump", "walk")
    mixed.loc[:3, "group"] = mixed.loc[:3, "video_id"]
    few = split(within("by-group"), indexes={"home": mixed})
    assert but_few_groups(few.summary["notes"]) == [
        "4 of 20 videos of 'home' are groups of their own: its lists name no source videos"
    ]
    assert but_few_groups(split(within("by-group")).summary["notes"]) == []


SAME = {"home": {"jump/0a": "1" * 16, "jump/4a": "1" * 16, "walk/0a": "", "walk/4a": ""}}


def test_one_content_in_train_and_test_is_refused_unless_told() -> None:
    with pytest.raises(UserError) as error:
        split(within(), SAME)
    assert str(error.value) == (
        "mine split 1: jump/0a of home (train) and jump/4a of home (test) decode to the same first "
        "frames; leave one of them out of its dataset, or set "
        "benchmarks.mine.allow_duplicates: true"
    )
    found = split(within(allow_duplicates=True), SAME)
    assert found.summary["same_content"] == [
        [("home", "jump/0a", "train"), ("home", "jump/4a", "test")]
    ]
    assert found.warnings[0].startswith("sets of videos that decode to the same first frames: 1 (f")
    assert but_few_groups(found.summary["notes"]) == [
        "pairs of videos with the same first frames on both sides of the split: 1, which its "
        "settings allow"
    ]


@pytest.mark.parametrize(
    ("protocol", "contents", "named"),
    [
        ("official", {"home": "jump/0a", "away": "Jump/4a"}, "jump/0a of home (train) and Jump/4a"),
        ("official", {"home": ("jump/0a", "jump/4a")}, "(train) and jump/4a of home (val)"),
        ("official", {"away": ("Walk/4a", "Jump/0a")}, "Jump/0a of away (target_unlabelled) and W"),
        ("all-videos-tested", {"home": "walk/0a", "away": "Walk/0a"}, "(train) and Walk/0a of a"),
    ],
)  # fmt: skip
def test_one_content_is_found_within_and_across_datasets(
    protocol: str, contents: dict[str, Any], named: str
) -> None:
    same = {
        dataset: dict.fromkeys([ids] if isinstance(ids, str) else ids, "2" * 16)
        for dataset, ids in contents.items()
    }
    with pytest.raises(UserError) as error:
        split(cross(protocol), same)
    assert named in str(error.value)


def test_one_content_on_one_side_is_told() -> None:
    same = {"home": {"jump/0a": "3" * 16, "walk/0b": "3" * 16}, "away": {"Walk/0a": "3" * 16}}
    found = split(cross("official"), same)
    assert [len(places) for places in found.summary["same_content"]] == [3]
    assert but_few_groups(found.summary["notes"]) == [
        "the 2 classes are those that both datasets name alike"
    ]


def test_what_is_left_out_or_unusable_leaks_nothing() -> None:
    same = {"home": {"jump/0a": "4" * 16}, "away": {"sit/4a": "4" * 16}}
    assert split(cross("official"), same).summary["same_content"] == []
    index = videos("jump", "walk")
    usable = {"home": set(index["video_id"]) - {"jump/4a"}}
    found = build_split("mine", 1, within(), {"home": index}, usable, SAME)
    assert found.summary["same_content"] == []


def test_a_test_of_few_source_groups_is_said_to_say_little() -> None:
    index = videos("jump", "walk")
    index["group"] = index["class"] + index["split1"]  # one film a class and side
    found = split(within(), indexes={"home": index})
    words = "the test videos are of 2 source groups only: an interval over so few says nothing"
    assert words in found.summary["notes"]
    assert words in found.warnings
    many = videos(*"abcde")
    assert not split(within(), indexes={"home": many}).summary["notes"]
