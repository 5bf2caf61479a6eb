# What Snakemake does for each of some thousand jobs and need not: a third of a dry run's time. Where
# a version of it does these things elsewhere, they only take their time again.

import functools
import gc

from snakemake import common as snakemake_common
from snakemake import rules as snakemake_rules
from snakemake.jobs import Job
from snakemake.settings.enums import Quietness

# Jobs and files live as long as the run: looking for garbage among them took a sixth of the time.
gc.freeze()
gc.set_threshold(50_000, 50, 50)


if find_parameters := getattr(snakemake_common, "get_function_params", None):
    found_parameters = functools.cache(find_parameters)

    def parameters_of(function):
        """A function's parameters, asked for twenty times a job; a method's with `self`."""
        return found_parameters(getattr(function, "__func__", function))

    for place in (snakemake_common, snakemake_rules):
        place.get_function_params = parameters_of

if workflow.output_settings.dryrun and Quietness.RULES in (
    workflow.output_settings.quiet or ()
):
    # A job's message and command are put together, three times, and then not shown.
    Job.log_info = lambda *arguments, **options: None
