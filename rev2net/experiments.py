"""The compared methods, and what a run depends on.

Which runs a table needs is in `paper`. The workflow, the command line and the tables all ask these
two. Imports neither pandas nor torch: Snakemake reads it for every job.
"""

import hashlib
import json
from dataclasses import replace

from rev2net import own_code
from rev2net.config import (
    METHODS,
    BenchmarkSettings,
    Config,
    CrossDataset,
    EvaluateSettings,
    FlowShardSettings,
    FramesSettings,
    Method,
    Recipe,
    Section,
    TrainSettings,
    WeightsSource,
    run_digest,
)
from rev2net.datasets.class_maps import CLASS_MAPS, class_map, column_of, read_pairs
from rev2net.errors import UserError
from rev2net.runs.folder import DataFolder, ShardFolder, WorkFolder
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF, Run

# Raised when the output of a stage changes for the same input and settings: the code that the
# workflow calls through the shell is invisible to it (a changed number re-runs the stage).
STAGE_VERSIONS = {
    "mini": 3,
    "index": 1,
    "frames": 5,
    "flow": 4,
    "merge": 2,
    "splits": 3,
    "train": 8,
    "evaluate": 6,
    "fuse": 2,
    "table": 3,
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


def check(config: Config) -> None:
    """Raise UserError, naming the benchmark, for class maps that cannot be used as configured.

    What a section cannot see of itself: files beside the configuration, before the first job.
    """
    for benchmark, settings in config.benchmarks.items():
        if isinstance(settings, CrossDataset) and settings.class_map is not None:
            try:
                class_map(settings.class_map, settings.class_set, class_columns(benchmark, config))
            except UserError as error:
                raise UserError(f"benchmarks.{benchmark}.class_map: {error}") from None


def class_columns(benchmark: str, config: Config) -> dict[str, str]:
    """The column of each dataset of a benchmark in its class map; empty where it has none.

    Raises UserError for a map that is not there or lacks a column.
    """
    settings = config.benchmarks[benchmark]
    if not isinstance(settings, CrossDataset) or settings.class_map is None:
        return {}
    pairs = read_pairs(settings.class_map)
    return {
        dataset: column_of(dataset, config.datasets[dataset].format, pairs)
        for dataset in settings.datasets
    }


def class_map_file(benchmark: str, config: Config) -> str | None:
    """The file of a benchmark's class map, where it is not a shipped one."""
    settings = config.benchmarks[benchmark]
    if not isinstance(settings, CrossDataset) or settings.class_map in CLASS_MAPS:
        return None
    return settings.class_map


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
    if root := config.datasets[dataset].root:
        return root
    return str(data_folder(WorkFolder.of(config.name), dataset, config).videos / dataset)


def data_folder(work: WorkFolder, dataset: str, config: Config) -> DataFolder:
    """The folder of what is made of a dataset, named by what decides which videos it holds."""
    decisive = (config.datasets[dataset].as_folder(), config.mini)
    return work.data(f"{dataset}-{_eight_digits(*decisive)}")


def shard_folder(work: WorkFolder, dataset: str, kind: str, config: Config) -> ShardFolder:
    """The folder of a dataset's shards of a kind, named by what decides their images."""
    settings = stored_frames(config) if kind == "rgb" else flow_shard_settings(config)
    digits = _eight_digits(settings, config.datasets[dataset].shards)
    return data_folder(work, dataset, config).images(f"{kind}-{digits}")


def _eight_digits(*decisive: Section | int | None) -> str:
    """Hex digits that change with any of these settings.

    Values that are the default count for nothing, so that a key which a later version adds leaves
    finished data where it is.
    """
    values = [
        each.model_dump(mode="json", exclude_defaults=True) if isinstance(each, Section) else each
        for each in decisive
    ]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def benchmark_datasets(benchmark: str, config: Config) -> list[str]:
    """The datasets a benchmark reads: source before target."""
    settings = config.benchmarks.get(benchmark)
    if settings is None:
        raise UserError(
            f"benchmark {benchmark!r} is not in configuration {config.name!r}; "
            f"it has {', '.join(config.benchmarks)}"
        )
    return list(settings.datasets)


def split_settings(benchmark: str, config: Config) -> BenchmarkSettings:
    """What a split depends on: not how often the benchmark is measured, nor what it is called."""
    rest = {"splits": None, "seeds": None, "label": None}
    return config.benchmarks[benchmark].model_copy(update=rest)


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
    return config.initial_weights.get(f"{run.init}.{method_of(run, config).recipe}.{run.input}")


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


def recipe_name(run: Run, config: Config) -> str:
    """The name of the recipe that a run is trained by; raises UserError where there is none."""
    stream = f"{method_of(run, config).recipe}.{run.input}"
    name = config.recipe_name(stream, run.init, run.benchmark)
    if name is None:
        raise UserError(
            f"configuration {config.name!r} has no recipe {stream!r} for start {run.init!r} on "
            f"{run.benchmark}; it has {', '.join(config.recipes)}"
        )
    return name


def recipe_of(run: Run, config: Config) -> Recipe:
    """The run's recipe; Rev2Net's ablations share Rev2Net's, less what they go without."""
    recipe = config.recipes[recipe_name(run, config)]
    without = method_of(run, config).without
    loss = recipe.loss.model_copy(update=dict.fromkeys(without, 0.0))
    return recipe.model_copy(update={"loss": loss})


def train_settings(run: Run, config: Config) -> TrainSettings:
    """Everything one training depends on, and nothing else (its test protocol, for one)."""
    recipe, start = recipe_of(run, config), _initial_weights(run, config)
    optimisation = recipe.optimisation
    at_once = optimisation.batch // optimisation.accumulate // config.compute.processes
    if run.adapt == "mkmmd" and at_once < 2:
        raise UserError(
            f"recipes.{recipe_name(run, config)}.optimisation: {at_once} clip passes at a time "
            "(batch / accumulate / compute.processes); MK-MMD compares at least 2"
        )
    if start is not None:  # wherever it was downloaded from
        start = start.model_copy(update={"url": None, "mirror": None})
    return TrainSettings(
        configuration=config.name,
        run=run,
        network_name=method_of(run, config).network,
        network=recipe.network,
        clip=recipe.clip,
        optimisation=optimisation,
        loss=recipe.loss,
        compute=config.compute,
        frames=stored_frames(config),
        flow_bound=config.flow.bound,
        initial_weights=start,
        adaptation=config.adaptations.get(run.adapt),
        own_code=_own_code(run, config),
    )


def _own_code(run: Run, config: Config) -> dict[str, str]:
    """The digest of each file of one's own that a run depends on, by what is named in it."""
    found = {}
    for key, name in (
        (f"methods.{run.method}.network", method_of(run, config).network),
        (f"adaptations.{run.adapt}", config.adaptations.get(run.adapt)),
    ):
        if name is not None and own_code.is_own(name):
            with own_code.named_by(key):
                found[name] = own_code.source_digest(name)
    return found


def evaluate_settings(run: Run, config: Config) -> EvaluateSettings:
    """Everything one evaluation depends on beside its checkpoint."""
    return EvaluateSettings(
        configuration=config.name, test=recipe_of(run, config).test, compute=config.compute
    )


def scores_digest(run: Run, config: Config) -> str:
    """The `settings` that a run's scores have to have under a configuration, fused ones too."""
    streams = [
        (weight, run_digest(train_settings(stream, config), evaluate_settings(stream, config)))
        for stream, weight in run.streams
    ]
    if len(streams) == 1:
        return streams[0][1]
    return ",".join(f"{weight:g}*{settings}" for weight, settings in streams)


def run_kinds(run: Run, config: Config) -> tuple[str, ...]:
    """The kinds of images that a run reads: rgb, flow or both, in this order.

    Raises UserError where it has no recipe.
    """
    read = set()
    for stream, _ in run.streams:
        read.add("flow" if stream.input == "flow" else "rgb")
        if recipe_of(stream, config).loss.flow > 0:  # decoded from RGB, compared with it
            read.add("flow")
    return tuple(kind for kind in ("rgb", "flow") if kind in read)


def stored_frames(config: Config) -> FramesSettings:
    """What an RGB shard depends on: not the time its decoders are given."""
    return config.frames.model_copy(update={"time_limit": 86400.0})


def flow_shard_settings(config: Config) -> FlowShardSettings:
    """What a flow shard depends on: of the frames size and rate, but not how they are stored."""
    frames = stored_frames(config).model_copy(update={"codec": "png", "quality": 100})
    return FlowShardSettings(frames=frames, **config.flow.model_dump())
