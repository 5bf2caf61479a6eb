"""Class maps of one's own, classes that both sides name alike, and what is wrong with either."""

from pathlib import Path

import pandas as pd
import pytest

from rev2net.config import Config, CrossDataset, load
from rev2net.datasets.class_maps import (
    alike_classes,
    class_map,
    class_map_digest,
    column_of,
    read_pairs,
)
from rev2net.datasets.protocols import shared_classes
from rev2net.errors import UserError
from rev2net.experiments import check, class_columns, class_map_file

ROOT = Path(__file__).resolve().parents[2]
MAP = """\
home,away,set,confidence,note
jump,Jumping,sure,high,
walk,Walking,sure,high,
walk,Strolling,all,medium,slow
sit,Sitting,all,low,"on chairs, mostly"
"""


def written(tmp_path: Path, text: str | bytes) -> str:
    path = tmp_path / "map.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("form", ["{}", "\ufeff{}"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_sets_are_nested_in_the_order_of_the_file(tmp_path: Path, form: str, line_end: str) -> None:
    path = written(tmp_path, form.format(MAP).replace("\n", line_end))
    assert class_map(path, "sure").labels == {
        "home": {"jump": 0, "walk": 1},
        "away": {"Jumping": 0, "Walking": 1},
    }
    for whole in (class_map(path, "all"), class_map(path, None)):
        assert whole.class_names == ["jump", "sit", "walk"]
        assert whole.labels["away"] == {"Jumping": 0, "Walking": 2, "Strolling": 2, "Sitting": 1}


def test_classes_are_those_of_the_side_into_which_several_fall(tmp_path: Path) -> None:
    lines = [line.split(",") for line in MAP.splitlines()]
    mirrored = "\n".join(f"{away},{home}" for home, away, *_ in lines)
    assert class_map(written(tmp_path, mirrored), None).class_names == ["jump", "sit", "walk"]


def test_where_each_has_one_the_names_are_the_first_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "home,away\nwalk,Walking\n")
    for datasets in (("home", "away"), ("away", "home")):
        columns = dict(zip(datasets, datasets, strict=True))
        assert class_map(path, None, columns).class_names == ["walk"]


def test_one_file_may_map_three_datasets(tmp_path: Path) -> None:
    text = "home,away,third\nwalk,Walking,w1\nwalk,Walking,w2\njump,,j\n"
    path = written(tmp_path, text)
    assert class_map(path, None).labels == {"home": {"walk": 0}, "away": {"Walking": 0}}
    third = class_map(path, None, {"home": "home", "other": "third"})
    assert third.labels["other"] == {"w1": 1, "w2": 1, "j": 0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("home;away\nwalk;Walking\n", ": ';' between the columns where a comma is needed; a class"),
        ("home\nwalk\n", ": columns ['home']; a class map has a column a dataset (two or more)"),
        ("", ": columns []; a class map has"),
        ("home,away,away\nwalk,W,W\n", ":1: columns ['home', 'away', 'away']: one is empty or"),
        ("home,away\n", ": no pair below the header"),
        ("home,away\nwalk\n", ":2: 1 cells, and 2 columns"),
        ("home,away\nwalk,\n", ":2: ['walk', '']: a row pairs classes of two datasets"),
        ("home,away\nwalk,W\n\nwalk,W\n", ":4: ['walk', 'W'] is in line 2 already"),
        ("home,away,set\nwalk,W,\n", ":2: no set; each pair is in one, or leave out the column"),
        ("home,away\na,A\na,B\nb,B\n", ":4: 'B' of away is in line 3 already; a class has one lab"),
        ('home,away\n"walk,W\n', ":2: not a CSV file (unexpected end of data)"),
        (b"home,away\nw\xe4,W\n", ":2: not text in UTF-8; save the list as that"),
    ],
)
def test_a_map_that_cannot_be_used_is_one_line(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as error:
        class_map(path, None)
    assert str(error.value).startswith(path + words)
    assert "\n" not in str(error.value)


def test_sets_columns_and_files_that_are_not_there_name_what_is(tmp_path: Path) -> None:
    path = written(tmp_path, MAP)
    with pytest.raises(UserError, match=r"class set 'few' of .*map\.csv: allowed are sure, all"):
        class_map(path, "few")
    with pytest.raises(UserError, match=r"map\.csv: no column 'third'; it has home, away"):
        class_map(path, None, {"home": "home", "third": "third"})
    with pytest.raises(UserError, match=r"or the path of a CSV file \(there is no such file\)"):
        read_pairs(f"{tmp_path}/lost.csv")
    without_sets = written(tmp_path, "home,away\nwalk,W\n")
    with pytest.raises(UserError, match=r"allowed are none \(the file has no column `set`\)"):
        class_map(without_sets, "all")


def test_an_edited_map_has_another_digest(tmp_path: Path) -> None:
    first = class_map_digest(written(tmp_path, MAP))
    assert class_map_digest(written(tmp_path, MAP.replace("sit", "seat"))) != first


def test_classes_are_alike_whatever_their_case_and_signs_between_words() -> None:
    shared = alike_classes(
        {
            "home": ["shoot_ball", "Walk", "caf\u00e9", "run"],
            "away": ["Shoot-Ball", "walk", "cafe\u0301"],
        }
    )
    assert shared.class_names == ["Walk", "caf\u00e9", "shoot_ball"]
    assert shared.labels["away"] == {"walk": 0, "cafe\u0301": 1, "Shoot-Ball": 2}


def test_datasets_that_share_no_class_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"home and away name no class alike \(run, walk; Jump\); give class_map"
    ):
        alike_classes({"home": ["walk", "run"], "away": ["Jump"]})
    with pytest.raises(UserError, match="home has the classes 'walk' and 'Walk', which are alike"):
        alike_classes({"home": ["walk", "Walk"], "away": ["walk"]})


def test_a_class_of_ones_own_map_that_the_dataset_lacks_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, MAP)
    indexes = {
        "home": pd.DataFrame({"class": ["jump", "walk", "sitting"]}),
        "away": pd.DataFrame({"class": ["Jumping", "Walking", "Strolling", "Sitting"]}),
    }
    settings = {"source": "home", "target": "away", "class_map": path, "protocol": "all-videos"}
    benchmark = CrossDataset.model_validate(settings | {"class_set": "sure"})
    assert shared_classes(benchmark, indexes).class_names == ["jump", "walk"]
    with pytest.raises(UserError, match=r"map\.csv:5: 'sit' is no class of home; did you mean 'si"):
        shared_classes(CrossDataset.model_validate(settings), indexes)


def configuration(**benchmark: object) -> Config:
    """The smoke configuration with a folder beside its datasets, and one benchmark between."""
    config = load(ROOT / "configs/smoke.yaml")
    folder = config.datasets["ucf101"].model_copy(update={"format": "folders", "root": "x"})
    cross = {"source": "ucf101", "target": "mine", "protocol": "all-videos"} | benchmark
    return config.model_copy(
        update={
            "datasets": {**config.datasets, "mine": folder},
            "benchmarks": {"ucf-mine": CrossDataset.model_validate(cross)},
        }
    )


def test_a_column_is_named_like_the_dataset_or_its_format(tmp_path: Path) -> None:
    path = written(tmp_path, "mine,ucf101\nwalk,WalkingWithDog\n")
    config = configuration(class_map=path)
    assert class_columns("ucf-mine", config) == {"ucf101": "ucf101", "mine": "mine"}
    assert class_map_file("ucf-mine", config) == path
    pairs = read_pairs("ucf101_hmdb51")
    assert column_of("films", "hmdb51", pairs) == "hmdb51"
    with pytest.raises(UserError, match="no column 'mine' or 'folders' for dataset mine; it has"):
        column_of("mine", "folders", pairs)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"class_map": "ucf101_hmbd51"}, "class map 'ucf101_hmbd51': allowed are ucf101_hmdb51"),
        ({"class_map": "ucf101_hmdb51"}, "ucf101_hmdb51: no column 'mine' or 'folders'"),
        ({"class_map": "map.csv", "class_set": "few"}, "class set 'few' of map.csv: allowed are a"),
        ({"class_map": "twice.csv"}, "twice.csv:3: ['walk', 'W'] is in line 2 already"),
    ],
)
def test_a_configuration_is_checked_before_the_first_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("map.csv").write_text("ucf101,mine,set\nwalk,W,a\n")
    Path("twice.csv").write_text("ucf101,mine\nwalk,W\nwalk,W\n")
    with pytest.raises(UserError) as error:
        check(configuration(**settings))
    assert str(error.value).startswith(f"benchmarks.ucf-mine.class_map: {words}")


def test_benchmarks_without_a_map_need_no_check() -> None:
    check(configuration())
    assert class_columns("ucf-mine", configuration()) == {}
    assert class_map_file("ucf-mine", configuration()) is None
    for file in [ROOT / "config.yaml", *ROOT.glob("configs/*.yaml")]:
        check(load(file))
