"""How much data there is of datasets of one's own, and what is said where it is not known."""

from pathlib import Path
from typing import Any

import pytest

from rev2net.config import Config
from rev2net.datasets.class_maps import class_map
from rev2net.datasets.sizes import SHARED_VIDEOS, SIZES
from rev2net.errors import UserError
from rev2net.experiments import data_folder
from rev2net.plan.facts import benchmark_facts, dataset_facts
from rev2net.plan.recipes import COLUMNS, recipe_table
from rev2net.runs.folder import WorkFolder
from tests.own_videos import FPS, FRAMES, HEIGHT, WIDTH, write_video
from tests.work_folder import own_config


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two folders of one's own: 60 + 40 videos at home, 30 + 20 away; both can run."""
    for folder, classes in (("home", {"run": 60, "walk": 40}), ("away", {"Run": 30, "jump": 20})):
        for name, count in classes.items():
            place = tmp_path / "data" / folder / name
            place.mkdir(parents=True)
            for number in range(count):
                (place / f"{number}.mp4").touch()
    return tmp_path


def with_map(root: Path, **changes: Any) -> Config:
    """The same with a class map of one's own from home to away."""
    file = root / "map.csv"
    file.write_text("home,away\nrun,Run\nwalk,jump\n")
    abroad = {"source": "home", "target": "away", "protocol": "all-videos", "class_map": str(file)}
    benchmarks = {"home": {"dataset": "home", "protocol": "by-group"}, "abroad": abroad | changes}
    tables = {"t": {"title": "t", "benchmarks": ["abroad"], "rows": ["my-i3d.rgb"]}}
    return own_config(benchmarks=benchmarks, tables=tables, claims={})


def test_videos_that_cannot_be_read_are_counted_and_their_size_assumed(root: Path) -> None:
    facts = dataset_facts("home", own_config(), root)
    assert (facts.videos, facts.num_classes) == (100, 2)
    assert (facts.source, facts.assumed) == ("counted", "250 frames of 320x240 at 25 a second")


def test_a_few_videos_of_ones_own_are_looked_at(root: Path) -> None:
    for number in range(60):
        write_video(root / "data/home/run" / f"{number}.mp4", 0, number)
    facts = dataset_facts("home", own_config(), root)
    assert (facts.videos, facts.source, facts.assumed) == (100, "counted", "")
    assert facts.looked_at == 5  # of 8; files of walk cannot be read
    assert (facts.frames, facts.width, facts.height) == (FRAMES, WIDTH, HEIGHT)
    assert facts.fps == FPS


def test_a_fifth_is_held_out_by_groups(root: Path) -> None:
    facts = benchmark_facts("home", 1, own_config(), root)
    assert (facts.num_classes, facts.train, facts.val, facts.test) == (2, 80, 0, 20)


def test_of_two_datasets_the_classes_count_that_both_have(root: Path) -> None:
    """Both name running alike: 60 of 100 videos at home, 30 of 50 away."""
    facts = benchmark_facts("abroad", 1, own_config(), root)
    assert (facts.num_classes, facts.train, facts.val, facts.test) == (1, 48, 12, 6)
    assert facts.assumed == ""
    facts = benchmark_facts("abroad", 1, with_map(root), root)
    assert (facts.num_classes, facts.train, facts.val, facts.test) == (2, 80, 20, 10)
    every = with_map(root, protocol="all-videos-tested")
    assert benchmark_facts("abroad", 1, every, root).test == 50


def test_sides_that_folders_give_are_those_of_the_official_protocol(tmp_path: Path) -> None:
    for side, count in (("train", 7), ("test", 3)):
        place = tmp_path / "data" / "home" / side / "run"
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"{number}.mp4").touch()
    config = own_config(benchmarks={"home": {"dataset": "home"}}, tables={}, claims={})
    facts = benchmark_facts("home", 1, config, tmp_path)
    assert (facts.train, facts.test) == (7, 3)


def test_what_is_not_known_of_a_published_dataset_is_said(root: Path) -> None:
    published = {"format": "hmdb51", "root": "data/hmdb51", "lists": "lists", "shards": 1}
    datasets = {"home": {"format": "folders", "root": "data/home", "shards": 1}, "hmdb": published}
    abroad = {"source": "home", "target": "hmdb", "protocol": "all-videos"}
    config = own_config(datasets=datasets, benchmarks={"abroad": abroad}, tables={}, claims={})
    facts = benchmark_facts("abroad", 1, config, root)
    assert (facts.train, facts.test) == (80, round(0.2 * 6766))
    assert facts.assumed.startswith("every class is counted")


def test_a_shipped_map_counts_its_part_of_the_classes(root: Path) -> None:
    datasets = {
        name: {"format": name, "root": f"data/{name}", "lists": "lists", "shards": 1}
        for name in ("ucf101", "kinetics400")
    }
    pair = {"source": "ucf101", "target": "kinetics400", "protocol": "all-videos-tested"}
    mapped = pair | {"class_map": "ucf101_kinetics400", "class_set": "strict"}
    config = own_config(datasets=datasets, benchmarks={"abroad": mapped}, tables={}, claims={})
    facts = benchmark_facts("abroad", 1, config, root)
    shared = class_map("ucf101_kinetics400", "strict")
    assert facts.num_classes == len(shared.class_names)
    part = len(shared.labels["kinetics400"]) / 400
    assert facts.test == pytest.approx(part * SIZES["kinetics400"].videos, abs=2)
    assert facts.assumed.startswith("a class is taken to have as many videos")


def test_every_set_that_was_counted_is_one_of_the_map() -> None:
    for name, class_set in SHARED_VIDEOS:
        assert name is not None
        assert len(class_map(name, class_set).class_names) >= 12


def test_an_index_stands_for_a_folder_that_is_gone(tmp_path: Path) -> None:
    config = own_config(benchmarks={"home": {"dataset": "home"}}, tables={}, claims={})
    index = data_folder(WorkFolder(tmp_path / "work/own"), "home", config).index
    index.parent.mkdir(parents=True)
    rows = ["a,a.avi,run,train", "b,b.avi,run,train", "c,c.avi,walk,train", "d,d.avi,run,test"]
    index.write_text("\n".join(["video_id,path,class,split1", *rows]) + "\n")
    facts = dataset_facts("home", config, tmp_path)
    assert (facts.videos, facts.num_classes, facts.source) == (4, 2, "the index")
    assert facts.assumed == "250 frames of 320x240 at 25 a second"
    split = benchmark_facts("home", 1, config, tmp_path)
    assert (split.train, split.test) == (3, 1)


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data/home: no such folder"):
        dataset_facts("home", own_config(), tmp_path)


def test_groups_that_miss_paths_are_said_before_anything_is_decoded(root: Path) -> None:
    home = {"format": "folders", "root": "data/home", "shards": 1, "groups": r"run/(\d+)"}
    config = own_config(datasets={"home": home, "away": home | {"root": "data/away"}})
    with pytest.raises(UserError, match=r"in 40 of 100 paths \(first: 'walk/0.mp4'\)"):
        benchmark_facts("abroad", 1, config, root)


def test_a_class_that_a_dataset_lacks_is_said_before_anything_is_decoded(root: Path) -> None:
    config = with_map(root)
    with (root / "map.csv").open("a") as file:
        file.write("sit,jump\n")
    with pytest.raises(UserError, match=r"map.csv:4: 'sit' is no class of home; run, walk"):
        benchmark_facts("abroad", 1, config, root)


def test_recipes_of_ones_own_are_ours(root: Path) -> None:
    config = with_map(root)
    own = {"mine": {"network": "i3d", "label": "Mine"}}
    recipes = {name: recipe.model_dump() for name, recipe in config.recipes.items()}
    tables = {"t": {"title": "t", "benchmarks": ["home"], "rows": ["mine.rgb", "i3d.rgb"]}}
    changed = own_config(
        methods=own, recipes=recipes | {"mine.rgb": recipes["i3d.rgb"]}, tables=tables, claims={}
    )
    _, _, *lines = recipe_table(changed, root).splitlines()
    ours, mine = (dict(zip(COLUMNS, line.strip("| ").split(" | "), strict=True)) for line in lines)
    assert (ours["method"], ours["source"]) == ("I3D RGB", "ours")
    assert ours["what differs"] == "no recipe is published for this start"
    assert (mine["method"], mine["list"]) == ("Mine RGB", "home (80)")
    assert (mine["source"], mine["what differs"]) == ("ours", "-")
