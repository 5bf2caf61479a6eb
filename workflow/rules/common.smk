# The configuration, the words of the wildcards, and the functions that find a rule's inputs.

import os
import re
import time

from snakemake.exceptions import WorkflowError

from rev2net import config as configuration
from rev2net import experiments, schedules, search
from rev2net.config import CrossDataset
from rev2net.errors import UserError
from rev2net.experiments import FUSED_INPUTS, STAGE_VERSIONS, Run
from rev2net.paper import tables as paper
from rev2net.paper.tables import TABLES

try:
    CONFIG = configuration.validate(configuration.Config, config, "configuration")
except UserError as error:
    raise WorkflowError(str(error))


if workflow.remote_exec:
    # In a submitted job, whose training stops in time and has it started again.
    os.environ.setdefault("REV2NET_JOB_STARTED", str(time.time()))


wildcard_constraints:
    name=re.escape(CONFIG.name),
    dataset="|".join(CONFIG.datasets),
    kind="rgb|flow",
    shard=r"\d+",
    benchmark="|".join(CONFIG.benchmarks),
    method="|".join(experiments.METHODS),
    stream="rgb|flow|rgbdiff",
    fused="|".join(re.escape(words) for words in FUSED_INPUTS),
    init="scratch|imagenet|kinetics",
    adapt="none|mkmmd|dann",
    split=r"\d+",
    seed=r"\d+",
    part="test|val",
    point="(coarse|fine)-[0-9a-f]{8}",
    table=r"(?!(claims|fusion|schedules|search)(\.|$))[^/]+",  # any: wrong names are answered
    file=r"claims\.csv|fusion\.csv|schedules\.csv|search\.csv|report\.html",


WEIGHTS_TO_DOWNLOAD = {
    source.file: source for source in CONFIG.initial_weights.values() if source.url
}


# A dataset's folder where the workflow makes it; nothing where it is a download. As a function it
# would be called for each of some thousand shards.
GENERATED_ROOT = "work/{name}/datasets/{dataset}" if CONFIG.mini else []


def growing(first):
    """A resource that a repeated attempt gets more of: n times `first` the n-th time."""
    return lambda wildcards, attempt: first * attempt


def mini_options():
    """The generator's settings as `rev2net mini` takes them; empty for downloaded datasets."""
    mini = CONFIG.mini
    if mini is None:
        return ""
    return (
        f"--classes {mini.classes} --groups {mini.groups} --clips {mini.clips}"
        f" --frames {mini.frames[0]} {mini.frames[1]} --height {mini.height} --seed {mini.seed}"
    )


def dataset_root(wildcards):
    return CONFIG.datasets[wildcards.dataset].root


def dataset_settings(wildcards):
    return configuration.dump(CONFIG.datasets[wildcards.dataset].as_folder())


def archive_settings(wildcards):
    """The same with where the folder comes from."""
    return configuration.dump(CONFIG.datasets[wildcards.dataset])


def dataset_archives(wildcards):
    """The archives that a dataset is unpacked from, or the record of their download."""
    settings = CONFIG.datasets[wildcards.dataset]
    if settings.download:
        return f"work/{wildcards.name}/downloads/{wildcards.dataset}.json"
    return list(settings.archives)


def extraction_record(wildcards):
    """What was unpacked into the dataset's folder; nothing where it is taken as it is."""
    unpacked = CONFIG.datasets[wildcards.dataset].unpacked
    return f"work/{wildcards.name}/extract/{wildcards.dataset}.json" if unpacked else []


def num_shards(wildcards):
    return CONFIG.datasets[wildcards.dataset].shards


def dataset_shards(wildcards):
    """Every shard of a dataset, both kinds."""
    return [
        f"work/{wildcards.name}/shards/{wildcards.dataset}/{kind}/{shard}.h5"
        for kind in ("rgb", "flow")
        for shard in range(num_shards(wildcards))
    ]


def dataset_ledgers(wildcards):
    """The ledger part of every shard."""
    return [path.removesuffix(".h5") + ".csv" for path in dataset_shards(wildcards)]


def benchmark_files(pattern):
    """An input function: `pattern` for each dataset of the benchmark."""

    def files(wildcards):
        datasets = experiments.benchmark_datasets(wildcards.benchmark, CONFIG)
        return [
            pattern.format(name=CONFIG.name, dataset=dataset) for dataset in datasets
        ]

    return files


def benchmark_options(option, pattern):
    """A params function: `--option dataset=path` for each dataset of the benchmark."""

    def options(wildcards):
        datasets = experiments.benchmark_datasets(wildcards.benchmark, CONFIG)
        return " ".join(
            f"--{option} {dataset}={pattern.format(name=CONFIG.name, dataset=dataset)}"
            for dataset in datasets
        )

    return options


def benchmark_settings(wildcards):
    return configuration.dump(CONFIG.benchmarks[wildcards.benchmark])


def wildcards_run(wildcards):
    """The run that the wildcards of a training or a fusion name."""
    return Run(
        wildcards.benchmark,
        wildcards.method,
        wildcards.get("stream") or wildcards.fused,
        wildcards.init,
        wildcards.adapt,
        int(wildcards.split),
        int(wildcards.seed),
    )


def train_settings(wildcards):
    return configuration.dump(
        experiments.train_settings(wildcards_run(wildcards), CONFIG)
    )


def evaluate_settings(wildcards):
    return configuration.dump(
        experiments.evaluate_settings(wildcards_run(wildcards), CONFIG)
    )


def parent_checkpoint(wildcards):
    """The checkpoint that a run starts from where the workflow makes it; nothing for most."""
    run = wildcards_run(wildcards)
    if start := experiments.parent(run, CONFIG):
        return experiments.checkpoint_path(start, CONFIG)
    source = experiments.train_settings(run, CONFIG).initial_weights
    if source is None and run.init != "scratch":
        raise WorkflowError(experiments.without_weights(run))
    # An input, so that a file which nobody brings is missed before the first job. Its digest is
    # looked at by the training: how old it is says nothing.
    return ancient(source.file) if source else []


def weights_mirror(wildcards):
    """The option with the second address of a checkpoint, where there is one."""
    mirror = WEIGHTS_TO_DOWNLOAD[wildcards.weights].mirror
    return ["--mirror", mirror] if mirror else []


def training_threads():
    """Cores of one training: its processes, each with its loaders."""
    compute = CONFIG.compute
    return compute.processes * (compute.threads + compute.loader_workers)


def stream_scores(wildcards):
    """The scores of the streams that a fused row adds."""
    return [
        f"work/{CONFIG.name}/{stream.scores_folder}/scores-{wildcards.part}.h5"
        for stream, _ in wildcards_run(wildcards).streams
    ]


def weighted_stream_scores(wildcards):
    """The same with the method's published weights, as `rev2net fuse` takes them."""
    return [
        f"{path}:{weight:g}"
        for path, (_, weight) in zip(
            stream_scores(wildcards), wildcards_run(wildcards).streams, strict=True
        )
    ]


def search_folder(wildcards):
    """The folder of a search's point, relative to `work/<name>`."""
    return f"search/{wildcards_run(wildcards).path}/{wildcards.point}"


def coarse_scores(wildcards):
    """What settles a fine point: the coarse runs of its space; nothing for a coarse one."""
    if wildcards.point.startswith("coarse"):
        return []
    space = f"{wildcards.method}.{wildcards.stream}"
    return [
        f"work/{CONFIG.name}/{point.path}/scores-val.h5"
        for point in search.points(CONFIG, "coarse", space, wildcards.benchmark)
    ]


def held_out_settings(wildcards):
    """A benchmark with validation videos held out of its training list."""
    return configuration.dump(search.held_out(wildcards.benchmark, CONFIG))


def settled_settings(wildcards, input):
    """The file with the settings of a search's point."""
    return input.settings


def search_scores(wildcards):
    """The validation scores of every point of the search."""
    return [
        f"work/{CONFIG.name}/{point.path}/scores-val.h5"
        for stage in search.STAGES
        for point in search.points(CONFIG, stage)
    ]


def validation_settings(wildcards):
    """Evaluation of a search's point: no test video."""
    settings = experiments.evaluate_settings(wildcards_run(wildcards), CONFIG)
    return configuration.dump(settings.model_copy(update={"parts": ("val",)}))


def held_out_source_settings(wildcards):
    """A pair of datasets with groups of its source's training list held out."""
    return configuration.dump(schedules.held_out(wildcards.benchmark, CONFIG))


def measured_settings(wildcards):
    """A run at its recipe's own length, whatever was found of it since."""
    return configuration.dump(
        schedules.measured_settings(wildcards_run(wildcards), CONFIG)
    )


def measured_options(wildcards):
    """The shards, and how often is measured: the command of a training has one place for both."""
    options = benchmark_options("shards", "work/{name}/shards/{dataset}")
    return f"{options(wildcards)} --measurements {CONFIG.schedules.points}"


def held_out_curves(wildcards):
    """The records of every training that is measured."""
    return [
        f"work/{CONFIG.name}/{schedules.measured_folder(run)}/{file}"
        for run in schedules.measured_runs(CONFIG)
        for file in ("run.json", "held-out.jsonl")
    ]


def all_scores(wildcards):
    """The test scores of every table that the configuration has the benchmarks for."""
    runs = {
        run
        for table in paper.configured_tables(CONFIG)
        for run in paper.table_runs(table, CONFIG)
    }
    return [f"work/{CONFIG.name}/{run.scores_folder}/scores-test.h5" for run in runs]


def validation_scores(wildcards):
    """The validation scores of the streams of every two-stream row."""
    streams = {
        stream
        for table in paper.configured_tables(CONFIG)
        for run in paper.table_runs(table, CONFIG)
        if run.input == experiments.RGB_FLOW
        for stream, _ in run.streams
    }
    return [f"work/{CONFIG.name}/{run.scores_folder}/scores-val.h5" for run in streams]


def report_files(wildcards):
    """What the report reads of every training, beside the scores of the tables."""
    trainings = {
        stream
        for table in paper.configured_tables(CONFIG)
        for run in paper.table_runs(table, CONFIG)
        for stream, _ in run.streams
    }
    return [
        f"work/{CONFIG.name}/{run.scores_folder}/{file}"
        for run in sorted(trainings)
        for file in ("run.json", "metrics.jsonl", "features.h5", "examples.h5")
    ]


def table_scores(wildcards):
    """The scores of every run that a table averages; of a wrong name, what there is instead."""
    try:
        runs = paper.table_runs(wildcards.table, CONFIG)
    except UserError as error:
        raise WorkflowError(
            f"{error}; other results: claims.csv, fusion.csv, schedules.csv,"
            " search.csv, report.html"
        )
    return [
        f"work/{CONFIG.name}/{run.scores_folder}/scores-{part}.h5"
        for run in runs
        for part in ("test", "val")
    ]
