"""The shipped profiles: each is understood by Snakemake, and says what a chosen profile must."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROFILES = sorted((ROOT / "workflow/profiles").glob("*/profile.yaml"))
DEFAULT = ROOT / "profiles/default/profile.yaml"
each_profile = pytest.mark.parametrize("profile", PROFILES, ids=lambda file: file.parent.name)


def dry_run(profile: Path, config: str, directory: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [
            *("snakemake", "results/table5.csv", "-n", "--snakefile", str(ROOT / "Snakefile")),
            *("--workflow-profile", str(profile.parent), "--directory", str(directory)),
            *("--configfile", str(ROOT / config)),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_promised_profiles_are_shipped() -> None:
    assert {"slurm", "cluster-generic"} <= {file.parent.name for file in PROFILES}


@each_profile
def test_snakemake_understands_it(profile: Path, tmp_path: Path) -> None:
    plan = dry_run(profile, "configs/smoke.yaml", tmp_path)
    assert re.search(r"^train_run +14$", plan, flags=re.MULTILINE)


@each_profile
def test_it_repeats_what_the_default_profile_says(profile: Path) -> None:
    """A profile that is chosen takes the default one's place, it does not add to it."""
    chosen = yaml.safe_load(profile.read_text())
    assert yaml.safe_load(DEFAULT.read_text()).items() <= chosen.items()
    assert chosen["rerun-incomplete"] is True
    assert chosen["retries"] >= 1


@each_profile
def test_it_groups_the_rules_of_which_there_are_thousands(profile: Path) -> None:
    chosen = yaml.safe_load(profile.read_text())
    assert set(chosen["groups"]) == {"decode_frames", "compute_flow"}
    assert set(chosen["group-components"]) == set(chosen["groups"].values())
    # Kinetics-400, the largest dataset: 2,400 shards at most, of two kinds.
    jobs = sum(2400 / chosen["group-components"][group] for group in chosen["groups"].values())
    assert jobs <= 500


@each_profile
def test_the_files_that_it_names_are_programs(profile: Path) -> None:
    text = profile.read_text()
    for name in re.findall(r"[\w-]+\.sh\b", text):
        file = profile.parent / name
        assert os.access(file, os.X_OK), name


GENERIC = ROOT / "workflow/profiles/cluster-generic/profile.yaml"
SUBMIT_LINES = re.findall(r"^(?:# )?(cluster-generic-submit-cmd: .*)$", GENERIC.read_text(), re.M)
SCHEDULERS = dict(zip(("slurm", "pbs", "sge"), SUBMIT_LINES, strict=True))


@pytest.mark.parametrize(
    ("scheduler", "asked"),
    [
        ("slurm", {"--cpus-per-task 4", "--mem 8000", "--time 90", "--gres gpu:1"}),
        ("pbs", {"ncpus=4", "mem=8000mb", "ngpus=1", "walltime=5400"}),  # seconds
        ("sge", {"-pe smp 4", "h_vmem=2000M", "gpu=1", "h_rt=5400"}),  # memory of each slot
    ],
)
def test_a_submit_line_asks_for_what_the_job_needs(
    scheduler: str, asked: set[str], tmp_path: Path
) -> None:
    """Four threads, 8,000 MB, 90 minutes and a GPU, in each scheduler's words and units."""
    job = {"mem_mb": 8000, "runtime": 90, "gpu": 1}
    command = yaml.safe_load(SCHEDULERS[scheduler])["cluster-generic-submit-cmd"].format(
        name="train_run", threads=4, resources=SimpleNamespace(**job)
    )
    for program in ("sbatch", "qsub"):
        (tmp_path / program).write_text('#!/bin/sh\necho "$@"\n')
        (tmp_path / program).chmod(0o755)
    said = subprocess.run(
        f'{command} "job.sh"',
        shell=True,
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.strip()
    assert said.endswith(" job.sh")
    for words in asked:
        assert re.search(rf"[ ,:]{re.escape(words)}[ ,:]", said), (words, said)
