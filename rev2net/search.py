"""The coarse-to-fine search as data: its points, where each is trained, and with which settings.

A coarse point is a value for each searched setting. A fine point is a factor for each: what it
multiplies is the best coarse point, which is known only when that grid has run. So both grids, and
with them the DAG, follow from the configuration alone. Every point is trained with every seed.

Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rev2net.config import Config, CrossDataset, SearchSettings, TrainSettings, WithinDataset
from rev2net.errors import UserError
from rev2net.experiments import split_settings, train_settings
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run

Stage = Literal["coarse", "fine"]
STAGES: tuple[Stage, ...] = ("coarse", "fine")
POINT_PATTERN = f"({'|'.join(STAGES)})-[0-9a-f]{{8}}"  # of `Point.name`


@dataclass(frozen=True)
class Point:
    """One training of a search."""

    run: Run  # whose recipe it varies
    stage: Stage
    values: tuple[tuple[str, float], ...]  # setting and value; of a fine point, and factor

    @property
    def name(self) -> str:
        """`<stage>-<digest>`: eight hex digits that change with any value."""
        text = json.dumps(self.values, separators=(",", ":"))
        return f"{self.stage}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def path(self) -> str:
        """Its folder, relative to `work/<name>`."""
        return str(WorkFolder(Path()).point(self.run.path, self.name).path)


def search_settings(config: Config) -> SearchSettings:
    """The configuration's search; raises UserError where it has none."""
    if config.search is None:
        raise UserError(f"configuration {config.name!r} has no `search`")
    return config.search


def searched_run(space: str, benchmark: str, seed: int, config: Config) -> Run:
    """The run whose recipe a space ("rev2net.rgb") varies on a benchmark."""
    method, input_ = space.split(".")
    init = config.within_dataset_tables.init
    return Run(benchmark, method, input_, init, "none", search_settings(config).split, seed)


def points(
    config: Config,
    stage: Stage | None = None,
    space: str | None = None,
    benchmark: str | None = None,
) -> list[Point]:
    """The points of one stage, space and benchmark, or of all; a point's seeds in a row."""
    search = search_settings(config)
    found = []
    grids = itertools.product(STAGES, search.benchmarks, search.spaces.items())
    for of_stage, where, (name, chosen) in grids:
        asked = stage in (None, of_stage) and space in (None, name)
        if not asked or benchmark not in (None, where):
            continue
        runs = [searched_run(name, where, seed, config) for seed in search.seeds]
        keys = sorted(chosen.coarse)
        axes = [chosen.coarse[key] if of_stage == "coarse" else chosen.fine for key in keys]
        found += [
            Point(run, of_stage, tuple(zip(keys, values, strict=True)))
            for values in itertools.product(*axes)
            for run in runs
        ]
    return found


def find_point(path: str, config: Config) -> Point:
    """The point that lies in a folder; raises UserError for one that no space has."""
    for point in points(config):
        if point.path == path:
            return point
    raise UserError(f"{path} is no point of the search of configuration {config.name!r}")


def space_of(run: Run) -> str:
    """The space ("rev2net.rgb") that varies the recipe of a run."""
    return f"{run.method}.{run.input}"


def settled_by(run: Run, name: str, config: Config) -> list[Point]:
    """The points whose scores settle the named one: of a fine point, the coarse ones of its space.

    Nothing of a coarse point.
    """
    if name.startswith("coarse"):
        return []
    return points(config, "coarse", space_of(run), run.benchmark)


def point_settings(point: Point, config: Config) -> TrainSettings:
    """What the training of a point depends on; in a fine one's the factors stand for the values."""
    return _with_values(train_settings(point.run, config), dict(point.values))


def multiplied(settings: TrainSettings, best: dict[str, float]) -> TrainSettings:
    """The settings of a fine point, whose factors multiply the best coarse values."""
    factors = {**settings.loss.model_dump(), "learning_rate": settings.optimisation.learning_rate}
    return _with_values(settings, {key: value * factors[key] for key, value in best.items()})


def _with_values(settings: TrainSettings, values: dict[str, float]) -> TrainSettings:
    """The same with other searched settings."""
    rate = values.pop("learning_rate", settings.optimisation.learning_rate)
    return settings.model_copy(
        update={
            "loss": settings.loss.model_copy(update=values),
            "optimisation": settings.optimisation.model_copy(update={"learning_rate": rate}),
        }
    )


def held_out(benchmark: str, config: Config) -> WithinDataset | CrossDataset:
    """A searched benchmark with validation videos held out of its training list."""
    fraction = search_settings(config).validation_fraction
    return split_settings(benchmark, config).model_copy(update={"validation_fraction": fraction})
