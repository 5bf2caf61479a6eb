"""How a dry run of the reproduction grows with shards and with runs: the table of docs/cluster.md.

    python -m tests.cluster.dag_size

Each row is one `snakemake -n` of configs/paper.yaml with other numbers of shards or seeds, in an
empty folder. Seconds are processor time, which other work on the machine disturbs little.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from rev2net.plan.jobs import OTHER_TARGETS

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ["all", *(f"results/{name}.csv" for name in OTHER_TARGETS)]
SIZES = (  # factor on the shards, number of seeds
    *((0.01, 1), (0.01, 3), (0.25, 3), (0.5, 3), (1, 1)),
    *((1, 3), (1, 9), (2, 3), (4, 3)),
)
# From a process of its own: a child's peak memory begins with what its parent holds.
MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("used", used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
"""


@dataclass(frozen=True)
class DryRun:
    """What a dry run printed, and what it took."""

    jobs: dict[str, int]  # by rule, and their `total`
    seconds: float  # of processor time
    bytes: int  # at its peak


def dry_run(configuration: str) -> DryRun:
    """Plan every table, the claims, the search and the fusion weights; without a single video.

    `configuration` is YAML. Raises RuntimeError with what Snakemake says where it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        sized = Path(folder, "sized.yaml")
        sized.write_text(configuration)
        command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "snakemake"]
        command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", folder]
        command += ["--configfile", str(sized), "--cores", "32", "--quiet", "rules", "--dry-run"]
        done = subprocess.run(
            [*command, "--", *TARGETS],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            timeout=600,
        )
    output, _, used = done.stdout.rpartition("used ")
    if done.returncode:
        raise RuntimeError(output[-3000:])
    seconds, kilobytes = used.split()
    rows = re.findall(r"^(\w+) +(\d+)$", output.rsplit("Job stats:", 1)[1], re.MULTILINE)
    jobs = {rule: int(number) for rule, number in rows}
    return DryRun(jobs, float(seconds), 1024 * int(kilobytes))


def main() -> None:
    """Print a line a size."""
    print(f"{'shards':>8} {'seeds':>6} {'jobs':>7} {'seconds':>8} {'ms a job':>9} {'MB':>6}")
    for factor, num_seeds in SIZES:
        values = yaml.safe_load((ROOT / "configs/paper.yaml").read_text())
        values["seeds"] = list(range(num_seeds))
        shards = 0
        for dataset in values["datasets"].values():
            dataset["shards"] = max(1, round(dataset["shards"] * factor))
            shards += dataset["shards"]
        found = dry_run(yaml.safe_dump(values))
        jobs, megabytes = found.jobs["total"], found.bytes / 2**20
        each = 1000 * found.seconds / jobs
        print(
            f"{shards:8} {num_seeds:6} {jobs:7} {found.seconds:8.1f} {each:9.2f} {megabytes:6.0f}"
        )


if __name__ == "__main__":
    main()
