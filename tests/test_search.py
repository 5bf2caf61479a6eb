"""The coarse-to-fine search as data: its points follow from the configuration alone."""

from pathlib import Path

import pytest
import yaml

from rev2net.config import Config, SearchSpace, WithinDataset, load, validate
from rev2net.errors import UserError
from rev2net.experiments import train_settings
from rev2net.search import find_point, held_out, multiplied, point_settings, points, space_of

ROOT = Path(__file__).resolve().parent.parent
MINI = load(ROOT / "config.yaml")
assert MINI.search is not None
OF_TWO = SearchSpace(coarse={"flow": (5.0, 10.0), "frames": (30.0, 60.0)}, fine=(0.5, 2.0))
WEIGHTS = MINI.model_copy(
    update={"search": MINI.search.model_copy(update={"spaces": {"rev2net.rgb": OF_TWO}})}
)


def test_the_coarse_grid_is_every_combination_of_its_values() -> None:
    found = {point.values for point in points(WEIGHTS, "coarse", "rev2net.rgb")}
    assert found == {
        (("flow", flow), ("frames", frames)) for flow in (5.0, 10.0) for frames in (30.0, 60.0)
    }


def test_the_fine_grid_multiplies_the_best_coarse_values() -> None:
    best = {"flow": 0.1, "frames": 1.0}
    found = {
        (settings.loss.flow, settings.loss.frames)
        for point in points(WEIGHTS, "fine", "rev2net.rgb")
        for settings in [multiplied(point_settings(point, WEIGHTS), best)]
    }
    assert found == {(0.05, 0.5), (0.05, 2.0), (0.2, 0.5), (0.2, 2.0)}


def test_a_point_changes_what_it_searches_and_nothing_else() -> None:
    point = points(MINI, "coarse", "i3d.rgb")[0]
    settings, recipe = point_settings(point, MINI), train_settings(point.run, MINI)
    rate = dict(point.values)["learning_rate"]
    changed = recipe.optimisation.model_copy(update={"learning_rate": rate})
    assert settings == recipe.model_copy(update={"optimisation": changed})


def test_every_compared_method_is_granted_as_many_trials() -> None:
    trials = {
        space: sum(
            space_of(point.run) == space
            for stage in ("coarse", "fine")
            for point in points(MINI, stage)
        )
        for space in MINI.search.spaces  # type: ignore[union-attr]
    }
    assert trials == {"rev2net.rgb": 2 * 8 * 3, "i3d.rgb": 2 * 8 * 3}  # two datasets, three seeds


def test_a_point_is_found_by_its_folder() -> None:
    found = [point for stage in ("coarse", "fine") for point in points(MINI, stage)]
    assert len({point.path for point in found}) == len(found)
    assert all(find_point(point.path, MINI) == point for point in found)
    with pytest.raises(UserError, match="is no point of the search"):
        find_point("search/hmdb51/i3d", MINI)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_runs": 95}, "the spaces take 96 runs; max_runs is 95"),
        ({"seeds": [0, 1, 2, 3]}, "the spaces take 128 runs; max_runs is 96"),
        ({"spaces": {"tns.rgb": {"coarse": {"flow": [1.0]}}}}, "no recipe 'tns.rgb'"),
        ({"spaces": {"i3d.rgb": {"coarse": {"flow": [-1.0]}}}}, "greater than 0, found -1.0"),
        ({"spaces": {"i3d.rgb": {"coarse": {"flow": [1.0, 1.0]}}}}, "flow: 1.0 stands twice"),
        (
            {"benchmarks": ["kinetics400"], "split": 2},
            "search.split: 2, but kinetics400 has split 1 only",
        ),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_in_one_line(
    change: dict[str, object], words: str
) -> None:
    values = yaml.safe_load((ROOT / "config.yaml").read_text())
    values["search"] |= change
    with pytest.raises(UserError) as caught:
        validate(Config, values, "config.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_searched_on_one_dataset_is_chosen_there() -> None:
    paper = load(ROOT / "configs" / "paper.yaml")
    assert paper.search is not None
    for benchmark in paper.search.benchmarks:
        found = points(paper, "coarse", "rev2net.rgb", benchmark)
        assert {point.run.benchmark for point in found} == {benchmark}


def test_the_searched_trainings_hold_validation_videos_out() -> None:
    assert MINI.search is not None
    assert held_out("hmdb51", MINI).validation_fraction == MINI.search.validation_fraction > 0
    assert MINI.benchmarks["hmdb51"].validation_fraction == 0


def test_a_searched_benchmark_is_the_configured_one_with_videos_held_out() -> None:
    mine = WithinDataset(dataset="hmdb51", protocol="by-group")
    config = MINI.model_copy(update={"benchmarks": {"films": mine}})
    held = held_out("films", config)
    assert held == mine.model_copy(update={"validation_fraction": held.validation_fraction})
    assert held.validation_fraction > 0
