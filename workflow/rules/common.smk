# The configuration, the words of the wildcards, and the functions that find a rule's inputs.

import os
import re
import sys

from snakemake.exceptions import WorkflowError

from rev2net import config as configuration
from rev2net import experiments
from rev2net.config import CrossDataset
from rev2net.errors import UserError
from rev2net.experiments import STAGE_VERSIONS, TABLES, Run

try:
    CONFIG = configuration.validate(configuration.Config, config, "configuration")
except UserError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    name=re.escape(CONFIG.name),
    dataset="|".join(CONFIG.datasets),
    kind="rgb|flow",
    shard=r"\d+",
    benchmark="|".join(CONFIG.benchmarks),
    method="|".join(experiments.METHODS),
    stream="rgb|flow",
    init="scratch|imagenet|kinetics",
    adapt="none|mkmmd|dann",
    split=r"\d+",
    seed=r"\d+",
    part="test|val",
    table="|".join(TABLES),


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


def generated_root(wildcards):
    """The dataset's folder where the workflow makes it; nothing where it is a download."""
    return dataset_root(wildcards) if CONFIG.mini else []


def dataset_settings(wildcards):
    return configuration.dump(CONFIG.datasets[wildcards.dataset])


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
        getattr(wildcards, "stream", experiments.TWO_STREAM),
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


def stream_scores(wildcards):
    """The scores of the two streams that a fused row adds."""
    return [
        f"work/{CONFIG.name}/{stream.scores_folder}/scores-{wildcards.part}.h5"
        for stream in wildcards_run(wildcards).streams
    ]


def weighted_stream_scores(wildcards):
    """The same with the method's published weights, as `rev2net fuse` takes them."""
    weights = experiments.FUSION_WEIGHTS[wildcards.method]
    return [
        f"{path}:{weight:g}"
        for path, weight in zip(stream_scores(wildcards), weights, strict=True)
    ]


def table_scores(wildcards):
    """The scores of every run that a table averages."""
    return [
        f"work/{CONFIG.name}/{run.scores_folder}/scores-{part}.h5"
        for run in experiments.table_runs(wildcards.table, CONFIG)
        for part in ("test", "val")
    ]


onstart:
    # Said before days of decoding and flow, not when the first training looks for them.
    for key, source in CONFIG.initial_weights.items():
        if not os.path.exists(source.file):
            print(
                f"warning: initial_weights.{key}: no file {source.file}",
                file=sys.stderr,
            )
