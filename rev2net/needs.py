"""Which kinds of images a configuration needs of its videos: no flow where nobody reads it.

Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import contextlib
from collections.abc import Iterable, Iterator

from rev2net import schedules, search
from rev2net.config import Config
from rev2net.errors import UserError
from rev2net.experiments import benchmark_datasets, parent, run_kinds
from rev2net.paper.tables import configured_tables, table_runs
from rev2net.runs.identity import Run

KINDS = ("rgb", "flow")


def kinds_needed(benchmark: str, config: Config) -> tuple[str, ...]:
    """The kinds that the runs on a benchmark read; a video counts that is ok in all of them.

    All of them are those of every table, of the search and of the schedules, with what they start
    from, so that each has the same videos. On a benchmark without such runs any may be asked for.
    """
    # Of splits and seeds, one stands for all.
    runs = {run.path.rpartition("/")[0]: run for run in _trainings(config)}
    read: set[str] = set()
    for run in runs.values():
        if run.benchmark == benchmark:
            with contextlib.suppress(UserError):  # without a recipe, it cannot be trained
                read.update(run_kinds(run, config))
    return tuple(kind for kind in KINDS if kind in read) or KINDS


def images_needed(benchmarks: Iterable[str], config: Config) -> list[tuple[str, str]]:
    """The kinds that benchmarks need of each dataset, (dataset, kind)."""
    needed = {
        (dataset, kind)
        for benchmark in benchmarks
        for kind in kinds_needed(benchmark, config)
        for dataset in benchmark_datasets(benchmark, config)
    }
    return [(name, kind) for name in config.datasets for kind in KINDS if (name, kind) in needed]


def _trainings(config: Config) -> Iterator[Run]:
    """Every training of the configuration, some more than once."""
    runs = [run for table in configured_tables(config) for run in table_runs(table, config)]
    if config.search:
        runs += [point.run for point in search.points(config)]
    if config.schedules:
        runs += schedules.measured_runs(config)
    for run in runs:
        for stream, _ in run.streams:
            following: Run | None = stream
            while following is not None:
                yield following
                following = parent(following, config)
