# The configuration, the words of the wildcards, and where everything lies.

import functools
import os
import re
import sys
import time

from snakemake.exceptions import WorkflowError

from rev2net import config as configuration
from rev2net import changes, experiments, needs, schedules, search
from rev2net.datasets.lists import lists_inside
from rev2net.errors import UserError
from rev2net.experiments import STAGE_VERSIONS
from rev2net.paper import claims
from rev2net.paper import tables as paper
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import FUSED_PATTERN, TRAINING_PATTERN, Run

try:
    CONFIG = configuration.validate(configuration.Config, config, "configuration")
    experiments.check(CONFIG)
    claims.claims(CONFIG)  # those about rows that there are not are missed here
except UserError as error:
    raise WorkflowError(str(error))


if workflow.remote_exec:
    # In a submitted job, whose training stops in time and has it started again.
    os.environ.setdefault("REV2NET_JOB_STARTED", str(time.time()))


HERE = WorkFolder.of(CONFIG.name)
if workflow.is_main_process:
    if warning := changes.warning(CONFIG, HERE):
        print(f"warning: {warning}", file=sys.stderr)
    for line in (
        *changes.changed_folders(CONFIG, HERE),
        *changes.replaced_weights(CONFIG, HERE),
    ):
        print(f"warning: {line}", file=sys.stderr)

# Below work/data, which configurations share. Computed once: some thousand shards ask.
DATA = {
    dataset: experiments.data_folder(HERE, dataset, CONFIG)
    for dataset in CONFIG.datasets
}
IMAGES = {
    (dataset, kind): experiments.shard_folder(HERE, dataset, kind, CONFIG)
    for dataset in DATA
    for kind in needs.KINDS
}
DATASETS = {folder.path.name: dataset for dataset, folder in DATA.items()}


def any_of(words):
    """A pattern of wildcards that are one of these words."""
    return "|".join(sorted(map(re.escape, set(words))))


def images_of(kind):
    """A pattern of the folders with a kind of images."""
    return any_of(folder.path.name for (_, of), folder in IMAGES.items() if of == kind)


wildcard_constraints:
    name=re.escape(CONFIG.name),
    data=any_of(DATASETS),
    images=f"{images_of('rgb')}|{images_of('flow')}",
    shard=r"\d+",
    benchmark="|".join(CONFIG.benchmarks),
    run=TRAINING_PATTERN,
    fused=FUSED_PATTERN,
    split=r"\d+",
    part="test|val",
    point=search.POINT_PATTERN,
    table=r"(?!(claims|fusion|schedules|search)(\.|$))[^/]+",  # any: wrong names are answered
    file=r"claims\.csv|fusion\.csv|schedules\.csv|search\.csv|report\.html",


# The same as patterns of paths.
WORK = WorkFolder.of("{name}")
DATASET = WORK.data("{data}")
SHARDS = DATASET.images("{images}")
SPLIT, HELD_OUT = (of("{benchmark}", "{split}") for of in (WORK.split, WORK.held_out))
RUN, FUSED = WORK.training("{run}"), WORK.fusion("{fused}")
POINT, MEASURED = WORK.point("{run}", "{point}"), WORK.measured("{run}")
SOURCE_HELD_OUT = WORK.held_out_source("{benchmark}", "{split}")
# A dataset's folder where the workflow makes it; nothing where it is a download.
GENERATED = DATASET.videos if CONFIG.mini else []
WEIGHTS_TO_DOWNLOAD = {
    source.file: source for source in CONFIG.initial_weights.values() if source.url
}
