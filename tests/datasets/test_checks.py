"""Checks of a split: duplicates, shared source groups, coverage."""

import pandas as pd
import pytest

from rev2net.datasets.splits import check_coverage, check_parts
from rev2net.errors import UserError


def table(*rows: tuple[str, str, int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["video_id", "dataset", "label", "group", "part"])


CLEAN = [
    ("a1", "ucf101", 0, "A", "train"),
    ("a2", "ucf101", 0, "A", "train"),
    ("b1", "ucf101", 1, "B", "train"),
    ("c1", "ucf101", 0, "C", "test"),
    ("d1", "ucf101", 1, "D", "test"),
]


def test_clean_split_has_no_findings() -> None:
    checks, warnings = check_parts(table(*CLEAN), {("train", "test")})
    assert checks == {"duplicates": 0, "groups_in_train_and_test": 0}
    assert warnings == []


def test_video_that_stands_twice_is_an_error() -> None:
    with pytest.raises(UserError, match="ucf101 video a1 stands twice"):
        check_parts(table(*CLEAN, ("a1", "ucf101", 0, "A", "test")), set())


def test_shared_group_of_the_official_lists_is_counted_and_told() -> None:
    checks, warnings = check_parts(table(*CLEAN, ("a3", "ucf101", 0, "A", "test")), set())
    assert checks["groups_in_train_and_test"] == 1
    assert "first: A of ucf101" in warnings[0]


@pytest.mark.parametrize(
    "parts", [("train", "val"), ("train", "test"), ("target_unlabelled", "test")]
)
def test_shared_group_of_our_own_division_is_an_error(parts: tuple[str, str]) -> None:
    leak = table(("a1", "ucf101", 0, "A", parts[0]), ("a2", "ucf101", 0, "A", parts[1]))
    with pytest.raises(UserError, match=f"stand in {parts[0]} and in {parts[1]}"):
        check_parts(leak, {parts})


def test_same_group_name_in_two_datasets_is_not_shared() -> None:
    checks, _ = check_parts(table(*CLEAN, ("x1", "hmdb51", 0, "A", "test")), {("train", "test")})
    assert checks["groups_in_train_and_test"] == 0


def test_class_without_usable_videos_is_a_warning() -> None:
    expected = table(*CLEAN)
    usable = expected[~expected["video_id"].isin(["b1", "c1"])]
    checks, warnings = check_coverage(usable, expected, ["run", "walk"], "ucf101 split 1")
    assert checks == {"classes_without_train": ["walk"], "classes_without_test": ["run"]}
    assert ["train video (walk)" in warnings[0], "test video (run)" in warnings[1]] == [True, True]


@pytest.mark.parametrize(("part", "first"), [("train", "a1"), ("test", "c1")])
def test_part_without_any_usable_video_is_an_error_that_says_where(part: str, first: str) -> None:
    expected = table(*CLEAN)
    usable = expected[expected["part"] != part]
    with pytest.raises(UserError, match=rf"ucf101 split 1: no {part} .*of ucf101 \(first: {first}"):
        check_coverage(usable, expected, ["run", "walk"], "ucf101 split 1")


def test_part_without_any_listed_video_is_an_error() -> None:
    with pytest.raises(UserError, match="no train video is usable: the lists hold 0"):
        check_coverage(table(*CLEAN[3:]), table(*CLEAN[3:]), ["run", "walk"], "ucf101 split 1")


def test_empty_target_pool_is_a_warning() -> None:
    expected = table(*CLEAN, ("t1", "hmdb51", 0, "T", "target_unlabelled"))
    usable = table(*CLEAN)
    _, warnings = check_coverage(usable, expected, ["run", "walk"], "ucf-hmdb split 1")
    assert "no usable target_unlabelled video" in warnings[0]
