"""What is needed: scores for a table and other results, and images for the trainings behind them.

Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import contextlib
from collections.abc import Iterable, Iterator

from rev2net import schedules, search
from rev2net.config import Config
from rev2net.errors import UserError
from rev2net.experiments import benchmark_datasets, parent, run_kinds
from rev2net.paper import claims
from rev2net.paper.tables import all_runs, configured_tables, table_runs
from rev2net.runs.identity import RGB_FLOW, Run

KINDS = ("rgb", "flow")


def scores_needed(target: str, config: Config) -> list[tuple[Run, str]]:
    """The scores, run and part, that a table, `claims` or `fusion` is made of.

    A table is of test scores, with those of validation videos for its weights beside them; claims
    are tested on the test scores of what they compare, fusion is swept over validation scores of
    the streams of two-stream rows. Raises UserError for a table that the configuration cannot
    make, and for the other two where it has no table.
    """
    if target not in ("claims", "fusion"):
        return [(run, part) for run in table_runs(target, config) for part in ("test", "val")]
    runs = all_runs(config)
    if target == "fusion":
        streams = {stream for run in runs if run.input == RGB_FLOW for stream, _ in run.streams}
        return [(stream, "val") for stream in sorted(streams)]
    cells = (
        cell
        for claim in claims.claims(config)
        for pair in claims.compared(claim, config)
        for cell in pair
    )
    return [(run, "test") for run in sorted({run for cell in cells for run in cell.runs})]


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
