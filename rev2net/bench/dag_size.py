"""How a dry run of the reproduction grows with shards and with runs: the table of docs/cluster.md.

    python -m rev2net.bench.dag_size

Each row is one `snakemake -n` of configs/paper.yaml with other numbers of shards or seeds, in an
empty folder. Seconds are processor time, which other work on the machine disturbs little.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from rev2net.plan.jobs import OTHER_TARGETS

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("all", *(f"results/{name}.csv" for name in OTHER_TARGETS))
SIZES = (  # factor on the shards, number of seeds
    (0.01, 1),
    (0.01, 3),
    (0.25, 3),
    (0.5, 3),
    (1, 1),
    (1, 3),
    (1, 9),
    (2, 3),
    (4, 3),
)


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
        jobs, seconds, megabytes = dry_run(values)
        each = 1000 * seconds / jobs
        print(f"{shards:8} {num_seeds:6} {jobs:7} {seconds:8.1f} {each:9.2f} {megabytes:6.0f}")


def dry_run(values: object) -> tuple[int, float, float]:
    """Jobs, seconds of processor time and megabytes at the peak."""
    with tempfile.TemporaryDirectory() as folder:
        sized = Path(folder) / "sized.yaml"
        sized.write_text(yaml.safe_dump(values))
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += ["--directory", folder, "--configfile", str(sized), "--cores", "32"]
        with open(Path(folder) / "printed", "w+") as printed:
            process = subprocess.Popen(
                [*command, "--quiet", "rules", "--dry-run", "--", *TARGETS],
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            printed.seek(0)
            output = printed.read()
        if process.returncode:
            sys.exit(output)
    table = output.rsplit("Job stats:", 1)[1].split("\n\n")[0]
    jobs = next(int(line.split()[1]) for line in table.splitlines() if line.startswith("total"))
    return jobs, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
