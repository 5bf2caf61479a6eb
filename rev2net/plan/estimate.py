"""The estimate: a row a stage, from jobs, data and rates. Times are sums over all jobs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rev2net import experiments, schedules, search
from rev2net.config import Config, TrainSettings
from rev2net.errors import UserError
from rev2net.experiments import METHODS, Run
from rev2net.plan.facts import BenchmarkFacts, DatasetFacts, benchmark_facts, dataset_facts
from rev2net.plan.jobs import Jobs
from rev2net.plan.rates import HEAD_BYTES, Rates
from rev2net.plan.training import Work, evaluation_work, training_work

# Peak memory of one job as measured on the mini benchmark and real clips, bytes; the rules ask for
# more. Both stream, so that neither grows with videos.
DECODE_MEMORY = 0.2e9
FLOW_MEMORY = 0.4e9
SMALL_MEMORY = 0.15e9
INDEX_BYTES = 300  # a video in an index, in shard indexes and ledgers, together
MINI_SECONDS = 0.06  # to render a video of the mini benchmark


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


@dataclass(frozen=True)
class Plan:
    """What a configuration costs."""

    stages: tuple[Stage, ...]
    datasets: dict[str, DatasetFacts]

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
    videos = sum(facts.videos for facts in datasets.values())
    splits = len(jobs.benchmarks) + len(jobs.held_out)
    stages = []
    if config.mini is not None:
        made = [facts.videos * MINI_SECONDS / 3600 for facts in datasets.values()]
        stages.append(Stage("generate_mini", len(made), sum(made), 0, 0, DECODE_MEMORY, max(made)))
    stages += [
        _small("index_dataset", len(datasets), rates, videos * INDEX_BYTES),
        *_shards(datasets, config, rates),
        _small("merge_shards", len(datasets), rates, 2 * videos * INDEX_BYTES),
        _small("split_benchmark", splits, rates, 0),
        *_runs(jobs, config, rates, datasets, root),
        _small("fuse_streams", len(jobs.fusions), rates, 0),
        _small("tables and the like", jobs.small, rates, 0),
    ]
    return Plan(tuple(stage for stage in stages if stage.jobs), datasets)


def _small(name: str, jobs: int, rates: Rates, disk: float) -> Stage:
    hours = rates.start.value / 3600
    return Stage(name, jobs, jobs * hours, 0, disk, SMALL_MEMORY, hours)


def _shards(datasets: dict[str, DatasetFacts], config: Config, rates: Rates) -> list[Stage]:
    """Decoding and flow: both decode every video, each for itself."""
    hours: dict[str, list[tuple[float, int]]] = defaultdict(list)  # a job, and how many of them
    disk: dict[str, float] = defaultdict(float)
    for name, facts in datasets.items():
        width, height = facts.stored_size(config.frames)
        stored, original = width * height / 1e6, facts.width * facts.height / 1e6
        frames, shards = facts.stored_frames(config.frames), config.datasets[name].shards  # type: ignore[index]
        decode = rates.open.value + facts.frames * original * rates.decode.value
        seconds = {
            "decode_frames": decode + frames * stored * rates.encode.value,
            "compute_flow": decode
            + (frames - 1) * stored * (rates.flow.value + rates.encode_flow.value),
        }
        for rule, video in seconds.items():
            job = (rates.start.value + video * facts.videos / shards) / 3600
            hours[rule].append((job, shards))
        images = {"decode_frames": frames, "compute_flow": frames - 1}
        size = {"decode_frames": rates.rgb_bytes.value, "compute_flow": rates.flow_bytes.value}
        for rule, number in images.items():
            disk[rule] += facts.videos * number * (HEAD_BYTES + stored * size[rule])
    memory = {"decode_frames": DECODE_MEMORY, "compute_flow": FLOW_MEMORY}
    return [
        Stage(
            name=rule,
            jobs=sum(number for _, number in of_rule),
            core_hours=sum(job * number for job, number in of_rule),
            gpu_hours=0,
            disk=disk[rule],
            memory=memory[rule],
            longest=max(job for job, _ in of_rule),
        )
        for rule, of_rule in hours.items()
    ]


def _runs(
    jobs: Jobs, config: Config, rates: Rates, datasets: dict[str, DatasetFacts], root: Path
) -> list[Stage]:
    """Trainings and evaluations, those of the search and of the schedules too."""
    facts = {key: benchmark_facts(*key, config, root) for key in jobs.benchmarks}
    work: dict[str, list[tuple[str, Work, float]]] = defaultdict(
        list
    )  # recipe, work, megapixels an image
    for run in jobs.trainings:
        settings = experiments.train_settings(run, config)
        benchmark = facts[run.benchmark, run.split]
        pixels = _megapixels(run, config, datasets)
        trained = training_work(run, settings, benchmark.train)
        work["train_run"].append((METHODS[run.method].recipe, trained, pixels))
        if run in jobs.evaluations:
            scored = _evaluation(run, config, settings, benchmark, benchmark.scored, datasets)
            work["evaluate_run"].append((METHODS[run.method].recipe, scored, pixels))
    for point in jobs.points:
        run = point.run
        best = dict(point.values) if point.stage == "fine" else None
        settings = search.point_settings(point, config, best)
        benchmark = benchmark_facts(run.benchmark, run.split, config, root)
        held_out = round(benchmark.train * search.search_settings(config).validation_fraction)
        pixels = _megapixels(run, config, datasets)
        trained = training_work(run, settings, benchmark.train - held_out)
        work["train_search_point"].append((METHODS[run.method].recipe, trained, pixels))
        scored = _evaluation(run, config, settings, benchmark, held_out, datasets)
        work["evaluate_search_point"].append((METHODS[run.method].recipe, scored, pixels))
    for run in jobs.measured:
        settings = schedules.measured_settings(run, config)
        benchmark = benchmark_facts(run.benchmark, run.split, config, root)
        chosen = schedules.schedule_settings(config)
        held_out = round(benchmark.train * chosen.validation_fraction)
        trained = training_work(run, settings, benchmark.train - held_out, chosen.points * held_out)
        pixels = _megapixels(run, config, datasets)
        work["train_schedule"].append((METHODS[run.method].recipe, trained, pixels))
    return [_run_stage(rule, of_rule, config, rates) for rule, of_rule in work.items()]


def _evaluation(
    run: Run,
    config: Config,
    settings: TrainSettings,
    benchmark: BenchmarkFacts,
    videos: int,
    datasets: dict[str, DatasetFacts],
) -> Work:
    tested = datasets[experiments.benchmark_datasets(run.benchmark, config)[-1]]
    frames = tested.stored_frames(config.frames)
    test = experiments.evaluate_settings(run, config).test
    return evaluation_work(run, settings, test, benchmark.num_classes, videos, frames)


def _megapixels(run: Run, config: Config, datasets: dict[str, DatasetFacts]) -> float:
    """A stored image of a run's datasets, on average."""
    sizes = [
        datasets[name].stored_size(config.frames)
        for name in experiments.benchmark_datasets(run.benchmark, config)
    ]
    return sum(width * height for width, height in sizes) / len(sizes) / 1e6


def _run_stage(
    rule: str, works: Iterable[tuple[str, Work, float]], config: Config, rates: Rates
) -> Stage:
    compute, training = config.compute, rule.startswith("train")
    gpus = min(config.resources.gpus, compute.processes if training else 1)
    processes = compute.processes if training else 1
    cores = (compute.threads + compute.loader_workers) * processes
    hours, disk, memory = [], 0.0, 0.0
    for recipe, work, megapixels in works:
        computing = work.multiply_adds / _rate(recipe, rates) / processes
        reading = work.images * megapixels * rates.read.value / processes
        if compute.loader_workers:  # beside the computing
            seconds = max(computing, reading / compute.loader_workers)
        else:
            seconds = computing + reading
        hours.append((rates.start_training.value + seconds) / 3600)
        disk += work.disk
        memory = max(memory, work.memory)
    total = sum(hours)
    return Stage(rule, len(hours), total * cores, total * gpus, disk, memory, max(hours))


def _rate(recipe: str, rates: Rates) -> float:
    if recipe not in rates.training:
        raise UserError(
            f"rates: training has no {recipe!r}; it has {', '.join(rates.training) or 'nothing'}"
        )
    return rates.training[recipe].value
