"""Which jobs the targets of the workflow need: what its rules do, from the configuration alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rev2net import experiments, needs, schedules, search
from rev2net.config import Config
from rev2net.runs.identity import Run

OTHER_TARGETS = ("claims", "fusion", "schedules", "search")


@dataclass
class Jobs:
    """The trainings and what stands before and behind them."""

    trainings: set[Run] = field(default_factory=set)
    evaluations: set[Run] = field(default_factory=set)
    fusions: set[tuple[Run, str]] = field(default_factory=set)  # run and part
    points: list[search.Point] = field(default_factory=list)  # of the search
    measured: list[Run] = field(default_factory=list)  # of the schedules
    small: int = 0  # tables and the like

    @property
    def benchmarks(self) -> list[tuple[str, int]]:
        """The splits that the trainings take, (benchmark, split)."""
        return sorted({(run.benchmark, run.split) for run in self.trainings})

    @property
    def held_out(self) -> list[tuple[str, int]]:
        """The splits that the search and the schedules hold videos out of."""
        runs = [*(point.run for point in self.points), *self.measured]
        return sorted({(run.benchmark, run.split) for run in runs})

    def images(self, config: Config) -> list[tuple[str, str]]:
        """Of which datasets shards are needed, and of which kind, in the configuration's order."""
        runs = [*self.trainings, *(point.run for point in self.points), *self.measured]
        return needs.images_needed({run.benchmark for run in runs}, config)

    def datasets(self, config: Config) -> list[str]:
        """The datasets that shards are needed of, in the configuration's order."""
        return list(dict.fromkeys(dataset for dataset, _ in self.images(config)))


def needed_jobs(targets: Sequence[str], config: Config) -> Jobs:
    """The jobs behind some targets: tables by name, and `OTHER_TARGETS`.

    Raises UserError for a target that the configuration cannot make.
    """
    jobs = Jobs()
    for target in targets:
        if target == "search":
            _add_search(jobs, config)
        elif target == "schedules":
            _add_schedules(jobs, config)
        else:
            _add_scores(jobs, needs.scores_needed(target, config))
            jobs.small += 2  # built, and copied into results/
    for run in list(jobs.evaluations):
        _add_training(jobs, run, config)
    jobs.small += bool(targets)  # the configuration, resolved
    return jobs


def _add_scores(jobs: Jobs, scores: Iterable[tuple[Run, str]]) -> None:
    """Scores of runs, by part: evaluations give all parts at once, fusions one."""
    for run, part in scores:
        jobs.evaluations |= {stream for stream, _ in run.streams}
        if run.is_fused:
            jobs.fusions.add((run, part))


def _add_training(jobs: Jobs, run: Run, config: Config) -> None:
    """A training, and those that it starts from."""
    if run in jobs.trainings:
        return
    jobs.trainings.add(run)
    if start := experiments.parent(run, config):
        _add_training(jobs, start, config)


def _add_search(jobs: Jobs, config: Config) -> None:
    jobs.points = search.points(config)
    for point in jobs.points:
        if start := experiments.parent(point.run, config):
            _add_training(jobs, start, config)
    jobs.small += len(jobs.points) + 2  # settled one by one; collected, copied


def _add_schedules(jobs: Jobs, config: Config) -> None:
    jobs.measured = schedules.measured_runs(config)
    for run in jobs.measured:
        if start := experiments.parent(run, config):
            _add_training(jobs, start, config)
    jobs.small += 2  # collected, copied
