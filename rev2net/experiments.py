"""The compared methods, and what a run depends on.

Which runs a table needs is in `paper`. The workflow, the command line and the tables all ask these
two. Imports neither pandas nor torch: Snakemake reads it for every job.
"""

from dataclasses import replace

from rev2net.config import (
    METHODS,
    Config,
    CrossDataset,
    EvaluateSettings,
    FlowShardSettings,
    Method,
    Recipe,
    TrainSettings,
    WeightsSource,
    digest,
)
from rev2net.errors import UserError
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF, Run

# Raised when the output of a stage changes for the same input and settings: the code that the
# workflow calls through the shell is invisible to it (a changed number re-runs the stage).
STAGE_VERSIONS = {
    "mini": 1,
    "index": 1,
    "frames": 4,
    "flow": 3,
    "merge": 1,
    "splits": 2,
    "train": 5,
    "evaluate": 4,
    "fuse": 1,
    "table": 2,
    "search": 1,
    "schedules": 1,
}


PRETRAINING = "kinetics400"  # the benchmark whose runs others of init kinetics start from

INPUT_LABELS = {
    "rgb": "RGB",
    "flow": "Flow",
    "rgbdiff": "RGB diff.",
    RGB_FLOW: "RGB + Flow",
    RGB_RGBDIFF: "RGB + RGB diff.",
}


def check_run(run: Run, config: Config) -> None:
    """Raise UserError for a run of a word that the configuration does not know, naming it."""
    for key, allowed in (
        ("benchmark", tuple(config.benchmarks)),
        ("method", tuple(config.all_methods)),
        ("adapt", config.all_adaptations),
    ):
        word = getattr(run, key)
        if word not in allowed:
            raise UserError(f"run {run.path!r}: {key} {word!r} is none of {', '.join(allowed)}")


def method_of(run: Run, config: Config) -> Method:
    """The method of a run; raises UserError for one that the configuration does not know."""
    method = config.method(run.method)
    if method is None:
        raise UserError(
            f"run {run.path!r}: method {run.method!r} is none of {', '.join(config.all_methods)}"
        )
    return method


def method_label(name: str) -> str:
    """What people call a method, where no configuration is at hand: one's own by its name."""
    return METHODS[name].label if name in METHODS else name


def dataset_root(dataset: str, config: Config) -> str:
    """The folder of a dataset: its own, or the one that `mini` writes."""
    return config.datasets[dataset].root or str(WorkFolder.of(config.name).dataset(dataset))


def benchmark_datasets(benchmark: str, config: Config) -> list[str]:
    """The datasets a benchmark reads: source before target."""
    settings = config.benchmarks.get(benchmark)
    if settings is None:
        raise UserError(
            f"benchmark {benchmark!r} is not in configuration {config.name!r}; "
            f"it has {', '.join(config.benchmarks)}"
        )
    return list(settings.datasets)


def seeds_and_splits(benchmark: str, config: Config) -> list[tuple[int, int]]:
    """Every (split, seed) that a cell of a benchmark averages.

    `official-split1` is a protocol of the first split, whatever other benchmarks average over; a
    benchmark may ask for fewer than the configuration's.
    """
    settings = config.benchmarks.get(benchmark)
    splits, seeds = config.splits, config.seeds
    if settings is not None:
        splits, seeds = settings.splits or splits, settings.seeds or seeds
    if isinstance(settings, CrossDataset) and settings.protocol == "official-split1":
        splits = (1,)
    return [(split, seed) for split in splits for seed in seeds]


def parent(run: Run, config: Config) -> Run | None:
    """The run whose checkpoint this one starts from, where it is one of ours.

    Sun-OFF starts from its TSN; a Kinetics-initialised run from the same method's on Kinetics,
    unless the configuration gives a published checkpoint.
    """
    if method_of(run, config).network == "off":
        return replace(run, method="tsn")
    if run.init != "kinetics" or _published_weights(run, config) is not None:
        return None
    trained = seeds_and_splits(PRETRAINING, config)
    split, seed = (1, run.seed) if (1, run.seed) in trained else trained[0]
    init = config.within_dataset_tables.init
    return Run(PRETRAINING, run.method, run.input, init, "none", split, seed)


def _published_weights(run: Run, config: Config) -> WeightsSource | None:
    return config.initial_weights.get(_weights_key(run, config))


def _weights_key(run: Run, config: Config) -> str:
    return f"{run.init}.{method_of(run, config).recipe}.{run.input}"


def without_weights(run: Run) -> str:
    """The error, in one line, of a run whose start the configuration has no weights for."""
    return (
        f"run {run.path} starts from {run.init} weights, and the configuration has no "
        f"initial_weights for them ({run.init}.<recipe>.{run.input}); give it a file, or choose "
        "init scratch"
    )


def initial_weights(run: Run, config: Config) -> WeightsSource | None:
    """What a run starts from; None: fresh weights. Raises UserError where it is not known."""
    source = _initial_weights(run, config)
    if source is None and run.init != "scratch":
        raise UserError(without_weights(run))
    return source


def _initial_weights(run: Run, config: Config) -> WeightsSource | None:
    start = parent(run, config)
    if start is not None:
        # Sun-OFF has more than the TSN it stands on; all others only another number of classes.
        other_network = start.method != run.method
        checkpoint = WorkFolder.of(config.name).run(start).checkpoint
        return WeightsSource(file=str(checkpoint), partial=other_network)
    return _published_weights(run, config)


def recipe_of(run: Run, config: Config) -> Recipe:
    """The run's recipe; Rev2Net's ablations share Rev2Net's, less what they go without."""
    method = method_of(run, config)
    stream = f"{method.recipe}.{run.input}"
    name = config.recipe_name(stream, run.init, run.benchmark)
    if name is None:
        raise UserError(
            f"configuration {config.name!r} has no recipe {stream!r} for start {run.init!r} on "
            f"{run.benchmark}; it has {', '.join(config.recipes)}"
        )
    recipe = config.recipes[name]
    loss = recipe.loss.model_copy(update=dict.fromkeys(method.without, 0.0))
    return recipe.model_copy(update={"loss": loss})


def train_settings(run: Run, config: Config) -> TrainSettings:
    """Everything one training depends on, and nothing else (its test protocol, for one)."""
    recipe = recipe_of(run, config)
    return TrainSettings(
        configuration=config.name,
        run=run,
        network=recipe.network,
        clip=recipe.clip,
        optimisation=recipe.optimisation,
        loss=recipe.loss,
        compute=config.compute,
        frames=config.frames,
        flow_bound=config.flow.bound,
        initial_weights=_initial_weights(run, config),
    )


def evaluate_settings(run: Run, config: Config) -> EvaluateSettings:
    """Everything one evaluation depends on beside its checkpoint."""
    return EvaluateSettings(
        configuration=config.name, test=recipe_of(run, config).test, compute=config.compute
    )


def run_digest(train: TrainSettings, evaluate: EvaluateSettings) -> str:
    """Digits that change whenever a run would be trained or scored otherwise."""
    return f"{digest(train)}.{digest(evaluate)}"


def scores_digest(run: Run, config: Config) -> str:
    """The `settings` that a run's scores have to have under a configuration, fused ones too."""
    streams = [
        (weight, run_digest(train_settings(stream, config), evaluate_settings(stream, config)))
        for stream, weight in run.streams
    ]
    if len(streams) == 1:
        return streams[0][1]
    return ",".join(f"{weight:g}*{settings}" for weight, settings in streams)


def flow_shard_settings(config: Config) -> FlowShardSettings:
    """What a flow shard depends on."""
    return FlowShardSettings(frames=config.frames, **config.flow.model_dump())
