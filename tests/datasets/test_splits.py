"""A split's two files: usable videos only, no label of the target pool, counts that add up."""

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from rev2net.cli import main
from rev2net.config import CrossDataset, DatasetSettings, WithinDataset, dump
from rev2net.datasets.index import build_index
from rev2net.datasets.splits import Split, build_split

Settings = Callable[..., DatasetSettings]


def cross(protocol: str) -> CrossDataset:
    return CrossDataset.model_validate(
        {
            "source": "ucf101",
            "target": "hmdb51",
            "class_map": "ucf101_hmdb51",
            "class_set": "full",
            "protocol": protocol,
        }
    )


def everything(indexes: dict[str, pd.DataFrame]) -> dict[str, set[str]]:
    return {dataset: set(index["video_id"]) for dataset, index in indexes.items()}


def rows_of(split: Split) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(split.csv)))


def small_index(class_names: list[str]) -> pd.DataFrame:
    """Ten source groups of three clips a class; split 1 tests the last three."""
    rows = [
        {
            "video_id": f"{name}_{group}_{clip}",
            "class": name,
            "label": label,
            "group": f"{name}_{group}",
            "split1": "test" if group >= 7 else "train",
        }
        for label, name in enumerate(class_names)
        for group in range(10)
        for clip in range(3)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def small() -> dict[str, pd.DataFrame]:
    """Indexes of two classes that both datasets have, and one of UCF101 alone."""
    return {
        "ucf101": small_index(["Archery", "Billiards", "Fencing"]),
        "hmdb51": small_index(["fencing", "shoot_bow"]),
    }


@pytest.mark.parametrize("protocol", ["official-split1", "all-videos"])
def test_target_labels_never_reach_training(small: dict[str, pd.DataFrame], protocol: str) -> None:
    split = build_split("ucf-hmdb", 1, cross(protocol), small, everything(small))
    rows = rows_of(split)
    pool = [row for row in rows if row["part"] == "target_unlabelled"]
    assert {row["label"] for row in pool} == {""}
    assert {row["dataset"] for row in pool} == {"hmdb51"}
    assert all(row["label"] for row in rows if row["part"] != "target_unlabelled")
    assert {row["dataset"] for row in rows if row["part"] == "train"} == {"ucf101"}
    assert "per_class" not in split.summary["parts"]["target_unlabelled"]
    test = {row["video_id"] for row in rows if row["part"] == "test"}
    assert test.isdisjoint(row["video_id"] for row in rows if row["part"] != "test")


def test_labels_of_both_datasets_mean_the_same_class(small: dict[str, pd.DataFrame]) -> None:
    split = build_split("ucf-hmdb", 1, cross("official-split1"), small, everything(small))
    names = split.summary["class_names"]
    found = {row["video_id"]: row["label"] for row in rows_of(split)}
    assert names[int(found["Archery_0_0"])] == names[int(found["shoot_bow_9_0"])] == "shoot_bow"
    assert names[int(found["Fencing_0_0"])] == names[int(found["fencing_9_0"])] == "fencing"


def test_classes_outside_the_map_are_left_out(small: dict[str, pd.DataFrame]) -> None:
    split = build_split("ucf-hmdb", 1, cross("official-split1"), small, everything(small))
    assert {part: counts["expected"] for part, counts in split.summary["parts"].items()} == {
        "train": 2 * 7 * 3,
        "val": 2 * 3 * 3,
        "target_unlabelled": 2 * 7 * 3,
        "test": 2 * 3 * 3,
    }
    assert "Billiards" not in split.csv


def test_all_videos_holds_out_two_groups_of_ten(small: dict[str, pd.DataFrame]) -> None:
    split = build_split("ucf-hmdb", 1, cross("all-videos"), small, everything(small))
    counts = split.summary["parts"]
    assert counts["val"]["groups"] == counts["test"]["groups"] == 2 * 2
    assert counts["train"]["expected"] == counts["target_unlabelled"]["expected"] == 2 * 8 * 3
    assert {counts["test"]["per_class"][name] for name in ("fencing", "shoot_bow")} == {2 * 3}


def test_counts_name_what_is_expected_and_what_is_usable(
    official: dict[str, pd.DataFrame],
) -> None:
    usable = everything(official)
    usable["hmdb51"] -= {"AdvancedBoxingTechniquesandExercises_punch_u_nm_np1_ba_med_23"}
    split = build_split("ucf-hmdb", 1, cross("official-split1"), official, usable)
    test = split.summary["parts"]["test"]
    assert (test["expected"], test["usable"], test["per_class"]["punch"]) == (360, 359, 29)
    assert sum(test["per_class"].values()) == 359
    train = split.summary["parts"]["train"]
    assert (train["expected"], train["usable"]) == (1438, 1438)
    assert train["groups"] == len(
        {row["group"] for row in rows_of(split) if row["part"] == "train"}
    )
    assert split.summary["digest"] == hashlib.sha256(split.csv.encode()).hexdigest()


def test_an_absent_video_moves_no_other_to_another_part(small: dict[str, pd.DataFrame]) -> None:
    whole = build_split("ucf-hmdb", 1, cross("all-videos"), small, everything(small))
    usable = {name: set(sorted(ids)[::2]) for name, ids in everything(small).items()}
    half = build_split("ucf-hmdb", 1, cross("all-videos"), small, usable)
    assert set(half.csv.splitlines()) < set(whole.csv.splitlines())


def test_all_videos_says_how_many_clips_a_test_on_all_of_the_target_has(
    official: dict[str, pd.DataFrame],
) -> None:
    usable = everything(official)
    split = build_split("ucf-hmdb", 1, cross("all-videos"), official, usable)
    assert split.summary["all_target_videos"] == {"expected": 1800, "usable": 1800}
    split = build_split("ucf-hmdb", 1, cross("official-split1"), official, usable)
    assert "all_target_videos" not in split.summary


def test_all_videos_tested_tests_every_target_clip_and_pools_the_same_80_percent(
    official: dict[str, pd.DataFrame],
) -> None:
    usable = everything(official)
    held_out = build_split("ucf-hmdb", 1, cross("all-videos"), official, usable)
    tested = build_split("ucf-hmdb", 1, cross("all-videos-tested"), official, usable)
    assert tested.summary["parts"]["test"]["expected"] == 1800
    for part in ("train", "val", "target_unlabelled"):
        assert tested.summary["parts"][part] == held_out.summary["parts"][part]
    rows = rows_of(tested)
    assert all(row["label"] == "" for row in rows if row["part"] == "target_unlabelled")
    assert all(row["label"] for row in rows if row["part"] == "test")


def test_titles_that_the_lists_of_hmdb51_divide_are_counted(
    official: dict[str, pd.DataFrame],
) -> None:
    settings = WithinDataset(dataset="hmdb51", validation_fraction=0)
    index = official["hmdb51"]
    split = build_split("hmdb51", 1, settings, {"hmdb51": index}, everything({"hmdb51": index}))
    train, test = (set(index["group"][index["split1"] == side]) for side in ("train", "test"))
    assert split.summary["checks"]["groups_in_train_and_test"] == len(train & test) > 0
    assert len(split.warnings) == 1


def test_command_writes_both_files(
    ucf_root: Path, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = build_index("ucf101", settings("ucf101", ucf_root)).table
    index.to_csv(tmp_path / "ucf101.csv", index=False)
    broken = "v_Archery_g01_c02"
    with (tmp_path / "ledger.csv").open("w") as ledger:
        ledger.write("video_id,kind,announced,decoded,status,message,content\n")
        for video in index["video_id"]:
            ledger.write(f"{video},rgb,9,9,ok,,\n")
            ledger.write(f"{video},flow,9,9,{'broken' if video == broken else 'ok'},,\n")
    command = ["splits", "ucf101", "--split", "1"]
    command += ["--settings", dump(WithinDataset(dataset="ucf101", validation_fraction=0.5))]
    command += ["--index", f"ucf101={tmp_path}/ucf101.csv"]
    outputs = [str(tmp_path / "out" / "split1.csv"), str(tmp_path / "out" / "split1.json")]
    assert main([*command, "--ledger", f"ucf101={tmp_path}/ledger.csv", *outputs]) == 0
    assert "test 3 of 4 videos in 2 groups" in capsys.readouterr().out

    summary = json.loads(Path(outputs[1]).read_text())
    assert summary["class_names"] == ["Archery", "HandstandPushups"]
    assert {part: counts["expected"] for part, counts in summary["parts"].items()} == {
        "train": 4,
        "val": 4,
        "test": 4,
    }
    text = Path(outputs[0]).read_bytes()
    assert hashlib.sha256(text).hexdigest() == summary["digest"]
    lines = text.decode().splitlines()
    assert lines[0] == "video_id,dataset,label,group,part"
    assert lines[-1] == "v_HandStandPushups_g01_c02,ucf101,1,HandstandPushups_g01,test"
    assert not any(line.startswith(f"{broken},") for line in lines)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".split1.csv.sha256",
        ".split1.json.sha256",
        "split1.csv",
        "split1.json",
    ]

    missing = ["--ledger", f"hmdb51={tmp_path}/ledger.csv"]
    assert main([*command, *missing, *outputs]) == 2
    assert "--ledger ucf101=CSV is missing" in capsys.readouterr().err
