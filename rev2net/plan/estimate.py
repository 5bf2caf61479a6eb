"""The estimate: a row a stage, from jobs, data and rates; and what stands in its way here.

Times are sums over all jobs.
"""

import functools
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rev2net import experiments, schedules, search
from rev2net.config import Config, TrainSettings
from rev2net.datasets.sizes import DatasetFacts
from rev2net.errors import UserError
from rev2net.experiments import data_folder, shard_folder
from rev2net.plan.facts import BenchmarkFacts, benchmark_facts, dataset_facts
from rev2net.plan.jobs import Jobs
from rev2net.plan.rates import HEAD_BYTES, Rates, rate_name
from rev2net.plan.work import Work, evaluation_work, training_work
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run

# Peak memory of one job as measured on the mini benchmark and real clips, bytes; the rules ask for
# more. Both stream, so that neither grows with videos.
DECODE_MEMORY = 0.2e9
FLOW_MEMORY = 0.4e9
SMALL_MEMORY = 0.15e9
INDEX_BYTES = 300  # a video in an index, in shard indexes and ledgers, together
MINI_SECONDS = 0.06  # to render a video of the mini benchmark
ATTEMPTS = 3  # of a job in the profiles: retries 2
ROOM = 1.1  # temporary files and checkpoints of running trainings on top of what stays


@dataclass(frozen=True)
class Stage:
    """All jobs of one kind."""

    name: str  # as the workflow's rule
    jobs: int
    core_hours: float
    gpu_hours: float
    disk: float  # bytes that stay
    memory: float  # bytes, of the largest job; on the GPU where the stage uses one
    longest: float  # hours, of the longest job

    @property
    def of_runs(self) -> bool:
        """Whether its jobs train or evaluate."""
        return self.name.startswith(("train", "evaluate"))


@dataclass(frozen=True)
class Plan:
    """What a configuration costs."""

    stages: tuple[Stage, ...]
    datasets: dict[str, DatasetFacts]
    assumptions: tuple[str, ...] = ()  # about benchmarks, a line each

    @property
    def core_hours(self) -> float:
        return sum(stage.core_hours for stage in self.stages)

    @property
    def gpu_hours(self) -> float:
        return sum(stage.gpu_hours for stage in self.stages)

    @property
    def disk(self) -> float:
        """Bytes that stay."""
        return sum(stage.disk for stage in self.stages)

    def days(self, cores: int, gpus: int) -> float:
        """At least so long on a machine: the work before the trainings, then these on its GPUs."""
        on_gpus = sum(stage.core_hours for stage in self.stages if stage.gpu_hours)
        hours = (self.core_hours - on_gpus) / cores
        return (hours + (self.gpu_hours / max(1, gpus))) / 24


def estimate(jobs: Jobs, config: Config, rates: Rates, root: Path) -> Plan:
    """A plan of the jobs; `root` is the folder in which the workflow runs or will run."""
    datasets = {name: dataset_facts(name, config, root) for name in jobs.datasets(config)}
    work = WorkFolder(root / WorkFolder.of(config.name).path)
    # Of data that are there, whichever configuration had them made, nothing is to do.
    unlisted = [name for name in datasets if not data_folder(work, name, config).index.is_file()]
    unmade = [
        (name, kind)
        for name, kind in jobs.images(config)
        if not shard_folder(work, name, kind, config).index.is_file()
    ]
    listing = sum(datasets[name].videos for name in unlisted) * INDEX_BYTES
    merging = sum(datasets[name].videos for name, _ in unmade) * INDEX_BYTES
    splits = len(jobs.benchmarks) + len(jobs.held_out)
    stages = []
    if config.mini is not None and unlisted:
        made = [datasets[name].videos * MINI_SECONDS / 3600 for name in unlisted]
        stages.append(Stage("generate_mini", len(made), sum(made), 0, 0, DECODE_MEMORY, max(made)))
    stages += [
        _small("index_dataset", len(unlisted), rates, listing),
        *_shards(unmade, datasets, config, rates),
        _small("merge_shards", len(unmade), rates, merging),
        _small("split_benchmark", splits, rates, 0),
        *_runs(jobs, config, rates, datasets, root),
        _small("fuse_streams", len(jobs.fusions), rates, 0),
        _small("tables and the like", jobs.small, rates, 0),
    ]
    assumptions = [
        f"benchmarks.{benchmark}: {assumed}"
        for benchmark, split in sorted({*jobs.benchmarks, *jobs.held_out})
        if (assumed := benchmark_facts(benchmark, split, config, root).assumed)
    ]
    wanted = tuple(stage for stage in stages if stage.jobs)
    return Plan(wanted, datasets, tuple(dict.fromkeys(assumptions)))


def _small(name: str, jobs: int, rates: Rates, disk: float) -> Stage:
    hours = rates.start.value / 3600
    return Stage(name, jobs, jobs * hours, 0, disk, SMALL_MEMORY, hours)


def _shards(
    unmade: list[tuple[str, str]], datasets: dict[str, DatasetFacts], config: Config, rates: Rates
) -> list[Stage]:
    """Decoding and flow: both decode every video, each for itself."""
    storing = {  # rule; seconds and bytes for a stored megapixel, and peak memory
        "rgb": ("decode_frames", rates.encode.value, rates.rgb_bytes.value, DECODE_MEMORY),
        "flow": (
            "compute_flow",
            rates.flow.value + rates.encode_flow.value,
            rates.flow_bytes.value,
            FLOW_MEMORY,
        ),
    }
    stages = []
    for kind, (rule, seconds, size, memory) in storing.items():
        hours: list[float] = []  # of each job
        disk = 0.0
        for name in (name for name, of in unmade if of == kind):
            facts = datasets[name]
            width, height = facts.stored_size(config.frames)
            stored, original = width * height / 1e6, facts.width * facts.height / 1e6
            images = facts.stored_frames(config.frames) - (kind == "flow")
            decoding = rates.open.value + facts.frames * original * rates.decode.value
            video = decoding + images * stored * seconds
            shards = config.datasets[name].shards
            hours += [(rates.start.value + video * facts.videos / shards) / 3600] * shards
            disk += facts.videos * images * (HEAD_BYTES + stored * size)
        if hours:
            stages.append(Stage(rule, len(hours), sum(hours), 0, disk, memory, max(hours)))
    return stages


def _runs(
    jobs: Jobs, config: Config, rates: Rates, datasets: dict[str, DatasetFacts], root: Path
) -> list[Stage]:
    """Trainings and evaluations, those of the search and of the schedules too."""
    works: dict[str, list[tuple[Run, Work]]] = defaultdict(list)

    @functools.cache
    def facts(benchmark: str, split: int) -> BenchmarkFacts:
        return benchmark_facts(benchmark, split, config, root)

    def add(kind: str, run: Run, settings: TrainSettings, train: int, scored: int | None) -> None:
        works[f"train_{kind}"].append((run, training_work(run, settings, train)))
        if scored is not None:
            tested = datasets[experiments.benchmark_datasets(run.benchmark, config)[-1]]
            test = experiments.evaluate_settings(run, config).test
            classes, frames = facts(run.benchmark, run.split).num_classes, tested.stored_frames
            scoring = evaluation_work(run, settings, test, classes, scored, frames(config.frames))
            works[f"evaluate_{kind}"].append((run, scoring))

    for run in jobs.trainings:
        split = facts(run.benchmark, run.split)
        scored = split.scored if run in jobs.evaluations else None
        add("run", run, experiments.train_settings(run, config), split.train, scored)
    for point in jobs.points:
        settings = search.point_settings(point, config)
        train = facts(point.run.benchmark, point.run.split).train
        held_out = round(train * search.search_settings(config).validation_fraction)
        add("search_point", point.run, settings, train - held_out, held_out)
    for run in jobs.measured:
        settings = schedules.measured_settings(run, config)
        train = facts(run.benchmark, run.split).train
        chosen = schedules.schedule_settings(config)
        held_out = round(train * chosen.validation_fraction)
        looks = chosen.points * held_out
        work = training_work(run, settings, train - held_out, looks)
        works["train_schedule"].append((run, work))
    return [_run_stage(rule, of_rule, config, rates, datasets) for rule, of_rule in works.items()]


def _run_stage(
    rule: str,
    works: Iterable[tuple[Run, Work]],
    config: Config,
    rates: Rates,
    datasets: dict[str, DatasetFacts],
) -> Stage:
    compute, processes = config.compute, job_processes(rule, config)
    gpus = min(config.resources.gpus, processes)
    hours, disk, memory = [], 0.0, 0.0
    for run, work in works:
        computing = work.multiply_adds / _rate(rate_name(run, config), rates) / processes
        megapixels = _megapixels(run, config, datasets)
        reading = work.images * megapixels * rates.read.value / processes
        if compute.loader_workers:  # beside the computing
            seconds = max(computing, reading / compute.loader_workers)
        else:
            seconds = computing + reading
        hours.append((rates.start_training.value + seconds) / 3600)
        disk += work.disk
        memory = max(memory, work.memory)
    total = sum(hours)
    cores = job_cores(rule, config)
    return Stage(rule, len(hours), total * cores, total * gpus, disk, memory, max(hours))


def job_processes(rule: str, config: Config) -> int:
    """Processes of one job of a rule: trainings alone may be spread over several."""
    return config.compute.processes if rule.startswith("train") else 1


def job_cores(rule: str, config: Config) -> int:
    """Cores that a training or evaluation holds: its processes, each with its loaders."""
    compute = config.compute
    return (compute.threads + compute.loader_workers) * job_processes(rule, config)


def _megapixels(run: Run, config: Config, datasets: dict[str, DatasetFacts]) -> float:
    """A stored image of a run's datasets, on average."""
    names = experiments.benchmark_datasets(run.benchmark, config)
    sizes = [datasets[name].stored_size(config.frames) for name in names]
    return sum(width * height for width, height in sizes) / len(sizes) / 1e6


def _rate(network: str, rates: Rates) -> float:
    if network not in rates.training:
        raise UserError(
            f"rates: training has no {network!r}; it has {', '.join(rates.training) or 'nothing'}"
        )
    return rates.training[network].value


def find_warnings(plan: Plan, config: Config, root: Path) -> list[str]:
    """What stands in the way on this machine: room, memory, time, files that are not there.

    One line for each; empty where nothing is known to be wrong.
    """
    found = []
    free = shutil.disk_usage(root).free
    if plan.disk * ROOM > free:
        found.append(
            f"disk: {plan.disk * ROOM / 1e9:,.0f} GB needed in {root.resolve()}, "
            f"{free / 1e9:,.0f} GB free"
        )
    for stage in plan.stages:
        if stage.of_runs:
            found += _shortages(stage, config, on_gpus=bool(plan.gpu_hours))
    if config.mini is None:
        for name in plan.datasets:
            settings = config.datasets[name]
            if not settings.unpacked and not (root / settings.root).is_dir():
                found.append(f"datasets.{name}.root: no folder {settings.root}")
            found += [
                f"datasets.{name}.archives: no file {archive}"
                for archive in settings.archives
                if not (root / archive).exists()
            ]
    files = {source.file for source in config.initial_weights.values() if not source.url}
    found += [
        f"initial_weights: no file {file}" for file in sorted(files) if not (root / file).exists()
    ]
    return found


def _shortages(stage: Stage, config: Config, on_gpus: bool) -> list[str]:
    """Where the configuration's resources are less than a stage takes."""
    found = []
    resources, takes = config.resources, f"{stage.name} takes about {stage.memory / 1e6:,.0f} MB"
    if not on_gpus and stage.memory > resources.memory_mb * 1e6:
        found.append(f"memory: {takes}; resources.memory_mb is {resources.memory_mb}")
    card = resources.gpu_memory_mb
    if on_gpus and card is not None and stage.memory > card * 1e6:
        found.append(
            f"GPU memory: {takes}; resources.gpu_memory_mb is {card}: set optimisation.accumulate "
            "or test.batch"
        )
    given = resources.minutes * ATTEMPTS / 60
    if stage.longest > given:
        again = "; it has to be started again (docs/cluster.md)"
        found.append(
            f"time: the longest job of {stage.name} takes about {stage.longest:,.0f} h, "
            f"{ATTEMPTS} attempts of resources.minutes {resources.minutes} are {given:,.0f} h"
            + again
            * stage.name.startswith("train")
        )
    return found
