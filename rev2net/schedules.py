"""The trainings that measure how long a cross-dataset training needs to be, as data.

Each is a run of the tables, the first of its split and seed, at its recipe's own length and on its
own lists, less whole groups of source videos that are held out; on these its accuracy is measured
as it goes. `tables.lengths` has the rule that follows from it.

Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import itertools

from rev2net.config import Config, CrossDataset, ScheduleSettings, TrainSettings
from rev2net.errors import UserError
from rev2net.experiments import recipe_name, seeds_and_splits, split_settings, train_settings
from rev2net.runs.identity import Run


def schedule_settings(config: Config) -> ScheduleSettings:
    """What the configuration measures; raises UserError where it has no such section."""
    if config.schedules is None:
        raise UserError(f"configuration {config.name!r} has no `schedules`")
    return config.schedules


def measured_runs(config: Config) -> list[Run]:
    """One run a benchmark and stream."""
    schedules, tables = schedule_settings(config), config.cross_dataset_tables
    found = []
    for benchmark, stream in itertools.product(schedules.benchmarks, schedules.streams):
        method, input_ = stream.split(".")
        split, seed = seeds_and_splits(benchmark, config)[0]
        found.append(Run(benchmark, method, input_, tables.init, tables.adapt, split, seed))
    return found


def measured_settings(run: Run, config: Config) -> TrainSettings:
    """The run's settings, at the length that its recipe had before `recipes_from` changed it."""
    settings = train_settings(run, config)
    own = config.own_lengths.get(recipe_name(run, config))
    if own is None:
        return settings
    optimisation = settings.optimisation.model_copy(update=dict(own))
    return settings.model_copy(update={"optimisation": optimisation})


def held_out(benchmark: str, config: Config) -> CrossDataset:
    """A benchmark with groups of its source's training list held out as `val`."""
    settings = split_settings(benchmark, config)
    fraction = schedule_settings(config).validation_fraction
    return CrossDataset.model_validate(settings.model_dump() | {"validation_fraction": fraction})
