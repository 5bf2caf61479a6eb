"""The time that a scheduler gives a training, and being started again when it is over.

A job that the workflow submitted stops itself before its time is over, with its state saved, and
asks the scheduler to start it again: the same job with the same time, so that Snakemake sees it
waiting and running on, and none of its attempts is used up.
"""

import os
import subprocess
import sys

STARTED = "REV2NET_JOB_STARTED"  # seconds since 1970; the workflow sets it in a submitted job
MARGIN = (15.0, 0.05, 600.0)  # seconds for the last step and the state: least, of the whole, most

# What a scheduler calls its job in the environment, and the command that starts the job anew.
COMMANDS = {
    "SLURM_JOB_ID": ("scontrol", "requeue"),
    "PBS_JOBID": ("qrerun",),
    "JOB_ID": ("qmod", "-rj"),  # Grid Engine
}


def stopping_time(minutes: int | None) -> float | None:
    """When to stop, seconds since 1970; None outside of a job that the workflow submitted."""
    started = os.environ.get(STARTED)
    if minutes is None or started is None:
        return None
    least, fraction, most = MARGIN
    return float(started) + 60 * minutes - min(most, max(least, fraction * 60 * minutes))


def start_again() -> None:
    """Ask the scheduler to start this job anew; what it says where it refuses is passed on."""
    for name, command in COMMANDS.items():
        if job := os.environ.get(name):
            try:
                subprocess.run([*command, job], check=True, timeout=60)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"not started again by the scheduler: {error}", file=sys.stderr)
            return
