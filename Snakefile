"""From raw videos to the tables of Rev2Net. `snakemake --cores all results/table5.csv`"""

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import min_version

from rev2net import workflow_progress
from rev2net.config.snakemake import check_file
from rev2net.errors import UserError

min_version("9.20")


# Files given by --configfile would be merged onto a default, which would leak into them.
if not workflow.overwrite_configfiles:
    try:
        check_file(Path(workflow.basedir, "config.yaml"))
    except UserError as error:
        raise WorkflowError(str(error))

    configfile: workflow.source_path("config.yaml")


report: "workflow/report/workflow.rst"


include: "workflow/rules/speed.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/mini.smk"
include: "workflow/rules/extract.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/shards.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/runs.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/schedules.smk"
include: "workflow/rules/tables.smk"


rule all:
    default_target: True
    input:
        all_tables,


# No directive of Snakemake names one environment for all rules (its global `conda:` is for the
# Snakefile's own Python).
for stage in workflow.rules:
    if not stage.norun:
        stage.conda_env = f"{workflow.basedir}/envs/environment.yaml"


if workflow.is_main_process:
    # Rules that run where Snakemake does take about a second.
    workflow_progress.show(logger, workflow.output_settings, quick=workflow._localrules)
