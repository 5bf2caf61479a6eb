"""`search.csv`: the choice among the runs, and how the coarse grid settles the fine one."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from rev2net.config import Config, SearchSpace, digest, dump, validate
from rev2net.config.whole import SearchedKey
from rev2net.errors import UserError
from rev2net.experiments import recipe_of, train_settings
from rev2net.search import Point, multiplied, point_settings, points
from rev2net.tables.searched import WEIGHTS, best_values, collect, recipes_found

BEST = {"flow": 5.0, "frames": 60.0}


def store(work: Any, config: Config, point: Point, right: int) -> None:
    """A finished point: 8 validation videos in 4 groups, `right` of them correct."""
    settings = point_settings(point, config)
    if point.stage == "fine":
        settings = multiplied(settings, BEST)
    ranks = [1] * right + [2] * (8 - right)
    path = work.add(
        point.run,
        [0, 1] * 4,
        ranks,
        part="val",
        settings=f"{digest(settings.of_numbers)}.evaluated",
    )
    folder = work.root / point.path
    folder.mkdir(parents=True)
    path.rename(folder / "scores-val.h5")
    (folder / "settings.json").write_text(dump(settings))


@pytest.fixture
def config(config: Config) -> Config:
    """The demo's, and a search of two of Rev2Net's weights on HMDB51, with one seed."""
    return with_seeds(config, 0)


def with_seeds(config: Config, *seeds: int) -> Config:
    assert config.search is not None
    grid: dict[SearchedKey, tuple[float, ...]] = {"flow": (5.0, 10.0), "frames": (30.0, 60.0)}
    spaces = {"rev2net.rgb": SearchSpace(coarse=grid, fine=(0.5, 2.0))}
    narrowed = {"seeds": seeds, "spaces": spaces, "benchmarks": ("hmdb51",)}
    search = config.search.model_copy(update=narrowed)
    return config.model_copy(update={"search": search})


def test_whatever_can_be_searched_has_a_column() -> None:
    assert {*WEIGHTS, "learning_rate"} == {*get_args(SearchedKey)}


def scores_of(work: Any, found: list[Point]) -> list[Path]:
    return [work.root / point.path / "scores-val.h5" for point in found]


@pytest.fixture
def coarse(work: Any, config: Config) -> list[Point]:
    """The coarse grid of Rev2Net, run; (5, 60) is the best point."""
    found = points(config, "coarse", "rev2net.rgb")
    for point, right in zip(found, [3, 6, 5, 4], strict=True):
        store(work, config, point, right)
    return found


@pytest.fixture
def searched(work: Any, config: Config, coarse: list[Point]) -> list[Point]:
    """The fine grid run too; all its points are worse."""
    fine = points(config, "fine", "rev2net.rgb")
    for point in fine:
        store(work, config, point, 1)
    return [*coarse, *fine]


def test_the_best_coarse_values_are_those_of_the_highest_accuracy(
    work: Any, config: Config, coarse: list[Point]
) -> None:
    assert dict(coarse[1].values) == BEST
    assert best_values(scores_of(work, coarse), BEST) == BEST


def test_rows_are_sorted_and_one_is_chosen(work: Any, config: Config, coarse: list[Point]) -> None:
    for point, right in zip(points(config, "fine", "rev2net.rgb"), [2, 7, 1, 0], strict=True):
        store(work, config, point, right)
    frame = collect(config, work.root)
    assert list(frame["top1_val"]) == [87.5, 75.0, 62.5, 50.0, 37.5, 25.0, 12.5, 0.0]
    chosen = frame[frame["chosen"]]
    assert len(chosen) == 1
    row = chosen.iloc[0]
    assert (row["stage"], row["flow"], row["frames"]) == ("fine", 2.5, 120.0)
    assert (row["trials"], row["videos"]) == (8, 8)
    assert row["ci_low"] <= row["top1_val"] <= row["ci_high"]


def test_several_seeds_of_a_point_are_one_row(work: Any, config: Config) -> None:
    config = with_seeds(config, 0, 3)
    found = points(config, "coarse", "rev2net.rgb")
    assert [point.run.seed for point in found] == [0, 3] * 4
    # The best of one seed, (5, 60), is not the best on average.
    for point, right in zip(found, [5, 5, 7, 1, 6, 6, 2, 2], strict=True):
        store(work, config, point, right)
    for point in points(config, "fine", "rev2net.rgb"):
        store(work, config, point, 0)
    frame = collect(config, work.root)
    assert list(frame["top1_val"]) == [75.0, 62.5, 50.0, 25.0, 0.0, 0.0, 0.0, 0.0]
    assert list(frame["spread"].round(1)[:4]) == [0.0, 0.0, 53.0, 0.0]
    assert set(frame["seeds"]) == {"0 3"}
    assert set(frame["trials"]) == {8}
    assert best_values(scores_of(work, found), BEST) == {"flow": 10.0, "frames": 30.0}


def test_of_equal_accuracies_the_lower_cross_entropy_is_chosen(
    work: Any, config: Config, searched: list[Point], coarse: list[Point]
) -> None:
    import h5py

    path = work.root / coarse[2].path / "scores-val.h5"
    settings = f"{digest(point_settings(coarse[2], config).of_numbers)}.evaluated"
    ranks = [1] * 6 + [2] * 2
    better = work.add(coarse[2].run, [0, 1] * 4, ranks, part="val", settings=settings)
    better.replace(path)
    first_of_equals = min(coarse[1:3], key=lambda point: point.name)
    assert best_values(scores_of(work, coarse), BEST) == dict(first_of_equals.values)
    with h5py.File(path) as file:
        scores = file["scores"][()]
    sure = work.add(
        coarse[2].run,
        [0, 1] * 4,
        ranks,
        part="val",
        settings=settings,
        scores=np.float32(0.5) * scores,
    )
    sure.replace(path)
    losses = collect(config, work.root).set_index("point")["loss_val"]
    first, second = losses[coarse[1].name], losses[coarse[2].name]
    assert first != second
    expected = coarse[1] if first < second else coarse[2]
    assert best_values(scores_of(work, coarse), BEST) == dict(expected.values)


def test_a_missing_run_and_another_runs_scores_are_refused(
    work: Any, config: Config, coarse: list[Point]
) -> None:
    path: Path = work.root / coarse[0].path / "scores-val.h5"
    other = work.add(replace(coarse[0].run, method="i3d"), [0, 1], [1, 1], part="val")
    other.replace(path)
    with pytest.raises(UserError, match="method is 'i3d', 'rev2net' expected"):
        collect(config, work.root)
    path.unlink()
    with pytest.raises(UserError, match="no such scores file"):
        collect(config, work.root)
    with pytest.raises(UserError, match="no such scores file"):
        best_values(scores_of(work, coarse), BEST)


def test_runs_that_scored_other_videos_or_had_other_settings_are_refused(
    work: Any, config: Config, searched: list[Point], coarse: list[Point]
) -> None:
    path: Path = work.root / coarse[1].path / "scores-val.h5"
    settings = f"{digest(point_settings(coarse[1], config).of_numbers)}.evaluated"
    other = work.add(
        coarse[1].run, [0, 1] * 4, [1] * 8, part="val", settings=settings, split_digest="ee" * 32
    )
    other.replace(path)
    with pytest.raises(UserError, match="do not belong together: split_digest"):
        collect(config, work.root)
    work.add(coarse[1].run, [0, 1] * 4, [1] * 8, part="val", settings="other").replace(path)
    for read in (lambda: collect(config, work.root), lambda: best_values([path], BEST)):
        with pytest.raises(UserError, match=r"other settings than settings\.json"):
            read()


def test_what_was_found_runs_where_the_configuration_says_so(
    work: Any, config: Config, searched: list[Point], tmp_path: Path
) -> None:
    frame = collect(config, work.root)
    path = tmp_path / "search.yaml"
    path.write_text(recipes_found(frame, config))
    values = config.model_dump(mode="json") | {"recipes_from": str(path)}
    found = validate(Config, values, "test")

    within, across = "rev2net.rgb.scratch.hmdb51", "rev2net.rgb.scratch.hmdb-ucf"
    before, after = config.recipes["rev2net.rgb"], found.recipes[within]
    assert (after.loss.flow, after.loss.frames) == (5.0, 60.0)
    changed = {"flow": 5.0, "frames": 60.0}
    assert after == before.model_copy(update={"loss": before.loss.model_copy(update=changed)})
    # For the benchmark whose source it is, too; not for the one whose target it is, nor for all.
    assert found.recipes[across] == after
    assert set(found.recipes) - set(config.recipes) == {within, across}
    assert found.recipes["rev2net.rgb"] == before


def test_what_was_found_is_for_the_start_and_the_benchmark_that_were_searched(
    work: Any, config: Config, searched: list[Point], tmp_path: Path
) -> None:
    """Another benchmark within the dataset may test on the videos that the search held out."""
    frame = collect(config, work.root)
    path = tmp_path / "search.yaml"
    values = config.model_dump(mode="json")
    fresh = values["recipes"]["rev2net.rgb"]
    slower = {**fresh, "optimisation": fresh["optimisation"] | {"learning_rate": 0.0001}}
    values["recipes"] |= {"rev2net.rgb": slower, "rev2net.rgb.scratch": fresh}
    values["benchmarks"]["by-group"] = {"dataset": "hmdb51", "protocol": "by-group"}
    own = validate(Config, values, "test")
    path.write_text(recipes_found(frame, own))
    found = validate(Config, values | {"recipes_from": str(path)}, "test")

    run = searched[0].run
    before, after = train_settings(run, own), train_settings(run, found)
    changed = before.loss.model_copy(update={"flow": 5.0, "frames": 60.0})
    assert after == before.model_copy(update={"loss": changed})
    for other in (replace(run, init="kinetics"), replace(run, benchmark="by-group")):
        assert recipe_of(other, found) == recipe_of(other, own)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, r"recipes_from: .*search\.yaml: no such file"),
        ("rev3net.rgb.hmdb51: {loss: {flow: 1}}", "'rev3net.rgb.hmdb51' is no recipe; recipes has"),
        ("rev2net.rgb.hmdb51: {loss: {flwo: 1}}", "unknown key 'flwo', did you mean 'flow'"),
    ],
)
def test_a_file_of_recipes_that_does_not_fit_is_refused(
    config: Config, tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "search.yaml"
    if text is not None:
        path.write_text(text)
    values = config.model_dump(mode="json") | {"recipes_from": [str(path)]}
    with pytest.raises(UserError, match=words):
        validate(Config, values, "test")
