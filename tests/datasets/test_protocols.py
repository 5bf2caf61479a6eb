"""Protocols: known counts, and divisions by whole source groups."""

from collections.abc import Hashable
from random import Random

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rev2net.config import CrossDataset, WithinDataset
from rev2net.datasets.protocols import assign_parts, hold_out_groups
from rev2net.errors import UserError

DIRECTIONS = {"hmdb-ucf": ("hmdb51", "ucf101"), "ucf-hmdb": ("ucf101", "hmdb51")}


def cross(benchmark: str, protocol: str, class_set: str = "full") -> CrossDataset:
    source, target = DIRECTIONS[benchmark]
    return CrossDataset.model_validate(
        {
            "source": source,
            "target": target,
            "class_map": "ucf101_hmdb51",
            "class_set": class_set,
            "protocol": protocol,
        }
    )


def within(dataset: str, validation_fraction: float) -> WithinDataset:
    return WithinDataset.model_validate(
        {"dataset": dataset, "validation_fraction": validation_fraction}
    )


def counts(table: pd.DataFrame) -> dict[Hashable, int]:
    return {part: len(rows) for part, rows in table.groupby("part")}


@pytest.mark.parametrize(
    ("benchmark", "expected"),
    [
        ("ucf-hmdb", {"train": 1438, "val": 571, "target_unlabelled": 840, "test": 360}),
        ("hmdb-ucf", {"train": 840, "val": 360, "target_unlabelled": 1438, "test": 571}),
    ],
)
def test_official_split_of_twelve_classes_has_the_known_counts(
    official: dict[str, pd.DataFrame], benchmark: str, expected: dict[str, int]
) -> None:
    table = assign_parts(cross(benchmark, "official-split1"), 1, official)
    assert counts(table) == expected
    source, target = DIRECTIONS[benchmark]
    assert set(table["dataset"][table["part"].isin(["train", "val"])]) == {source}
    assert set(table["dataset"][table["part"].isin(["target_unlabelled", "test"])]) == {target}


@pytest.mark.parametrize("benchmark", DIRECTIONS)
@pytest.mark.parametrize("split", [1, 2, 3])
def test_all_videos_divides_every_clip_by_whole_groups(
    official: dict[str, pd.DataFrame], benchmark: str, split: int
) -> None:
    table = assign_parts(cross(benchmark, "all-videos"), split, official)
    assert table["dataset"].value_counts().to_dict() == {"ucf101": 2009, "hmdb51": 1800}
    assert table.groupby(["dataset", "group"])["part"].nunique().max() == 1
    held_out = table["part"].isin(["val", "test"])
    share = held_out.groupby([table["dataset"], table["label"]]).mean()
    assert share.between(0.17, 0.23).all(), share.to_dict()


def test_all_videos_draws_other_groups_for_every_split(official: dict[str, pd.DataFrame]) -> None:
    tests = []
    for split in (1, 2, 3):
        table = assign_parts(cross("hmdb-ucf", "all-videos"), split, official)
        tests.append(set(table["video_id"][table["part"] == "test"]))
    assert len(set.intersection(*tests)) < len(tests[0]) / 2


def test_a_dataset_is_divided_alike_as_source_and_as_target(
    official: dict[str, pd.DataFrame],
) -> None:
    as_source = assign_parts(cross("ucf-hmdb", "all-videos"), 1, official)
    as_target = assign_parts(cross("hmdb-ucf", "all-videos"), 1, official)
    val = as_source[as_source["part"] == "val"]
    test = as_target[as_target["part"] == "test"]
    assert set(val["video_id"]) == set(test["video_id"])


@pytest.mark.parametrize("dataset", ["ucf101", "hmdb51"])
@pytest.mark.parametrize("split", [1, 2, 3])
def test_within_a_dataset_parts_are_the_official_lists(
    official: dict[str, pd.DataFrame], dataset: str, split: int
) -> None:
    index = official[dataset]
    settings = within(dataset, 0)
    table = assign_parts(settings, split, official)
    for part in ("train", "test"):
        listed = index["video_id"][index[f"split{split}"] == part]
        assert set(table["video_id"][table["part"] == part]) == set(listed)
    assert set(table["part"]) == {"train", "test"}


@pytest.mark.parametrize("dataset", ["ucf101", "hmdb51"])
def test_validation_takes_whole_groups_of_every_class_out_of_train(
    official: dict[str, pd.DataFrame], dataset: str
) -> None:
    settings = within(dataset, 0.1)
    table = assign_parts(settings, 1, official)
    index = official[dataset]
    listed = set(index["video_id"][index["split1"] == "train"])
    learning = table[table["part"].isin(["train", "val"])]
    assert set(learning["video_id"]) == listed
    assert learning.groupby("group")["part"].nunique().max() == 1
    per_class = learning["part"].eq("val").groupby(learning["label"]).mean()
    assert len(per_class) == index["label"].nunique()
    assert per_class.between(0.05, 0.2).all()


def test_split_that_a_dataset_lacks_is_named() -> None:
    index = pd.DataFrame(
        {"video_id": ["a"], "class": ["x"], "label": [0], "group": ["a"], "split1": ["train"]}
    )
    settings = within("kinetics400", 0)
    with pytest.raises(UserError, match=r"kinetics400 has no split2; .* split1"):
        assign_parts(settings, 2, {"kinetics400": index})


videos = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([f"g{i}" for i in range(12)])), min_size=1
)


@given(videos, st.randoms(use_true_random=False), st.floats(0.05, 0.5))
def test_held_out_groups_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[int, str]], random: Random, fraction: float
) -> None:
    table = pd.DataFrame(rows, columns=["label", "group"])
    random.shuffle(rows)
    shuffled = pd.DataFrame(rows, columns=["label", "group"])
    assert hold_out_groups(table, fraction, "s") == hold_out_groups(shuffled, fraction, "s")


@given(videos, st.floats(0.05, 0.5))
def test_every_class_stands_on_both_sides_where_its_groups_allow(
    rows: list[tuple[int, str]], fraction: float
) -> None:
    table = pd.DataFrame(rows, columns=["label", "group"])
    held = hold_out_groups(table, fraction, "s")
    groups_of = {label: set(groups) for label, groups in table.groupby("label")["group"]}
    for groups in groups_of.values():
        assert groups - held, "a class is held out whole"
        if not groups & held:
            for group in groups:
                assert any(other - held == {group} for other in groups_of.values())


def test_held_out_groups_follow_the_seed_and_the_fraction() -> None:
    table = pd.DataFrame({"label": 0, "group": [f"g{i:03d}" for i in range(200)]})
    first = hold_out_groups(table, 0.2, "first")
    assert len(first) == 40
    assert first != hold_out_groups(table, 0.2, "second")
    assert hold_out_groups(table, 0, "first") == set()


def test_a_group_of_nearly_all_clips_is_not_held_out() -> None:
    table = pd.DataFrame({"label": 0, "group": ["film"] * 90 + [f"g{i}" for i in range(30)]})
    held = hold_out_groups(table, 0.2, "s")
    assert "film" not in held
    assert len(held) == 24


@pytest.mark.parametrize("protocol", ["official-split1", "all-videos", "all-videos-tested"])
@pytest.mark.parametrize("benchmark", DIRECTIONS)
def test_source_groups_held_out_of_the_training_list_take_the_place_of_the_sources_own_list(
    official: dict[str, pd.DataFrame], benchmark: str, protocol: str
) -> None:
    own = cross(benchmark, protocol)
    whole = assign_parts(own, 1, official)
    held = assign_parts(own.model_copy(update={"validation_fraction": 0.2}), 1, official)
    before = whole[whole["part"] == "train"]
    train, val = (held[held["part"] == part] for part in ("train", "val"))
    assert set(train["video_id"]) | set(val["video_id"]) == set(before["video_id"])
    assert not set(train["group"]) & set(val["group"])
    assert len(val) / len(before) == pytest.approx(0.2, abs=0.02)
    assert set(val["label"]) == set(before["label"])
    # Nothing of the source's own held-out list is left, and nothing of the target changes.
    foreign = ("target_unlabelled", "test")
    pd.testing.assert_frame_equal(
        held[held["part"].isin(foreign)].reset_index(drop=True),
        whole[whole["part"].isin(foreign)].reset_index(drop=True),
    )
