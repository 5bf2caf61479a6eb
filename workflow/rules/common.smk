# The configuration, the words of the wildcards, and where everything lies.

import os
import re
import time

from snakemake.exceptions import WorkflowError

from rev2net import config as configuration
from rev2net import experiments, schedules, search
from rev2net.errors import UserError
from rev2net.experiments import STAGE_VERSIONS
from rev2net.paper import tables as paper
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import FUSED_PATTERN, TRAINING_PATTERN, Run

try:
    CONFIG = configuration.validate(configuration.Config, config, "configuration")
    experiments.check(CONFIG)
except UserError as error:
    raise WorkflowError(str(error))


if workflow.remote_exec:
    # In a submitted job, whose training stops in time and has it started again.
    os.environ.setdefault("REV2NET_JOB_STARTED", str(time.time()))


wildcard_constraints:
    name=re.escape(CONFIG.name),
    dataset="|".join(CONFIG.datasets),
    shard=r"\d+",
    benchmark="|".join(CONFIG.benchmarks),
    run=TRAINING_PATTERN,
    fused=FUSED_PATTERN,
    split=r"\d+",
    part="test|val",
    point=search.POINT_PATTERN,
    table=r"(?!(claims|fusion|schedules|search)(\.|$))[^/]+",  # any: wrong names are answered
    file=r"claims\.csv|fusion\.csv|schedules\.csv|search\.csv|report\.html",


HERE = WorkFolder.of(CONFIG.name)
# The same as patterns of paths.
WORK = WorkFolder.of("{name}")
SHARDS = WORK.shards("{dataset}")
SPLIT, HELD_OUT = (of("{benchmark}", "{split}") for of in (WORK.split, WORK.held_out))
RUN, FUSED = WORK.training("{run}"), WORK.fusion("{fused}")
POINT, MEASURED = WORK.point("{run}", "{point}"), WORK.measured("{run}")
SOURCE_HELD_OUT = WORK.held_out_source("{benchmark}", "{split}")
# A dataset's folder where the workflow makes it; nothing where it is a download. As a function it
# would be called for each of some thousand shards.
GENERATED_ROOT = WORK.dataset("{dataset}") if CONFIG.mini else []
WEIGHTS_TO_DOWNLOAD = {
    source.file: source for source in CONFIG.initial_weights.values() if source.url
}
