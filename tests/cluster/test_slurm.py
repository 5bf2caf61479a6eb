"""The workflow through a real Slurm: the tables of a local run, whatever happens to its jobs."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.private_slurm import Job, PrivateSlurm, missing_programs, run_bounded
from tests.made_data import shard_folder

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

pytestmark = pytest.mark.skipif(
    bool(missing_programs()), reason=f"no Slurm here: {', '.join(missing_programs())} not found"
)

# What Snakemake is told beside the shipped profile: a private cluster has no accounting database,
# and a test does not wait 40 s for the first news (the wait grows by 10 s while there is none).
ON_SLURM = (
    *("--workflow-profile", str(ROOT / "workflow/profiles/slurm")),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--seconds-between-status-checks", "1", "--latency-wait", "10"),
)


@pytest.fixture(scope="module")
def slurm() -> Iterator[PrivateSlurm]:
    # Not pytest's own folder: the path of a Unix socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    try:
        with PrivateSlurm(folder / "slurm") as cluster:
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke configuration, with trainings that ask for a GPU."""
    text = (ROOT / "configs/smoke.yaml").read_text()
    asking = text.replace("\n  gpus: 0\n", "\n  gpus: 1\n")
    assert asking != text
    file = tmp_path_factory.mktemp("configuration") / "smoke.yaml"
    file.write_text(asking)
    return file


def snakemake(
    *arguments: str, config: Path, directory: Path, env: dict[str, str], seconds: float
) -> str:
    """What Snakemake says; an error where it fails or takes longer than it may."""
    done = run_bounded(
        [
            *("snakemake", *arguments, "--snakefile", str(ROOT / "Snakefile")),
            *("--directory", str(directory), "--configfile", str(config)),
        ],
        seconds=seconds,
        env={**env, "PATH": f"{env['PATH']}{os.pathsep}{BIN}", "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def locally(*targets: str, config: Path, directory: Path, seconds: float = 300) -> None:
    """Make targets without a cluster, to compare with."""
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    words = (*targets, "--cores", "2")
    snakemake(*words, config=config, directory=directory, env=env, seconds=seconds)


RUN = "work/smoke/runs/hmdb-ucf/tsn/rgb.scratch.mkmmd/split1.seed0"


def up_to_the_split(target: str, config: Path, folder: Path) -> tuple[Path, Path]:
    """Two folders that begin with the same split; in the first the target is made already."""
    here, there = folder / "here", folder / "there"
    locally("work/smoke/splits/hmdb-ucf/split1.csv", config=config, directory=here)
    shutil.copytree(here, there, symlinks=True)
    locally(target, config=config, directory=here)
    return here, there


def mishaps(folder: Path, **commands: str) -> dict[str, str]:
    """An environment in which the first call of each named `rev2net` stage runs something else.

    A `rev2net` that stands earlier on PATH; the product knows nothing of it.
    """
    folder.mkdir()
    cases = "\n".join(
        f'  "stage {stage}") if mkdir "{folder}/{stage}.happened" 2>/dev/null; then'
        f" exec {command}; fi ;;"
        for stage, command in commands.items()
    )
    script = folder / "rev2net"
    script.write_text(f'#!/bin/sh\ncase "$1 $2" in\n{cases}\nesac\nexec {BIN}/rev2net "$@"\n')
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"}


def short_of_time(folder: Path, trainings: int) -> dict[str, str]:
    """An environment in which the time of the first trainings is over when they begin."""
    folder.mkdir()
    script = folder / "rev2net"
    script.write_text(
        f"""#!/bin/sh
if [ "$1 $2" = "stage train" ]; then
  for number in $(seq {trainings}); do
    if mkdir "{folder}/$number" 2>/dev/null; then
      REV2NET_JOB_STARTED=0 exec {BIN}/rev2net "$@"
    fi
  done
fi
exec {BIN}/rev2net "$@"
"""
    )
    script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{BIN}{os.pathsep}{os.environ['PATH']}"}


# The two ways in which a job of a healthy program is lost to the cluster's limits.
HOARD = "import time; hoard = b'x' * 1600 * 1024**2; time.sleep(600)"
TOO_MUCH_MEMORY = f'{sys.executable} -c "{HOARD}"'
TOO_MUCH_TIME = "sleep 600"


def of_rule(jobs: list[Job], name: str) -> list[Job]:
    """The jobs of a rule, or of a group of shards."""
    return [job for job in jobs if job.comment.startswith(f"rule_{name}_")]


def test_a_training_that_needs_three_allocations_uses_up_no_attempt(
    slurm: PrivateSlurm, smoke: Path, tmp_path: Path
) -> None:
    """Stopped for time after one step, twice: one job, started again, and no retry allowed."""
    record = f"{RUN}/run.json"
    here, there = up_to_the_split(record, smoke, tmp_path)
    before = len(slurm.jobs())
    env = short_of_time(tmp_path / "bin", trainings=2)
    on_slurm = (*ON_SLURM, "--retries", "0")
    snakemake(record, *on_slurm, config=smoke, directory=there, env=slurm.around(env), seconds=500)

    jobs = of_rule(slurm.jobs()[before:], "train_run")
    assert [(job.state, job.restarts, job.memory_mb) for job in jobs] == [("COMPLETED", 2, 1000)]
    log = (
        there / "logs/train_run/smoke/hmdb-ucf/tsn/rgb.scratch.mkmmd/split1.seed0.log"
    ).read_text()
    assert "resuming at step 2" in log
    assert (there / RUN / "checkpoint.pt").read_bytes() == (
        here / RUN / "checkpoint.pt"
    ).read_bytes()


def test_a_gpu_job_that_fails_once_is_tried_again_and_scores_as_a_local_run_does(
    slurm: PrivateSlurm, smoke: Path, tmp_path: Path
) -> None:
    scores = f"{RUN}/scores-test.h5"
    here, there = up_to_the_split(scores, smoke, tmp_path)
    before = len(slurm.jobs())
    env = mishaps(tmp_path / "bin", train="false")
    snakemake(scores, *ON_SLURM, config=smoke, directory=there, env=slurm.around(env), seconds=400)

    jobs = slurm.jobs()[before:]
    trainings = [(job.state, job.gpus, job.memory_mb) for job in of_rule(jobs, "train_run")]
    assert trainings == [("FAILED", 1, 1000), ("COMPLETED", 1, 2000)]
    assert [(job.state, job.gpus) for job in of_rule(jobs, "evaluate_run")] == [("COMPLETED", 1)]
    for name in ("scores-test.h5", "scores-val.h5", "checkpoint.pt"):
        assert (there / RUN / name).read_bytes() == (here / RUN / name).read_bytes(), name


@pytest.mark.slow
def test_the_whole_workflow_with_a_failed_a_starved_and_a_late_job_gives_the_local_table(
    slurm: PrivateSlurm, smoke: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    table = "results/table5.csv"
    locally(table, config=smoke, directory=here, seconds=600)

    before = len(slurm.jobs())
    env = mishaps(tmp_path / "bin", train="false", evaluate=TOO_MUCH_MEMORY, flow=TOO_MUCH_TIME)
    # One minute the first time: the shortest limit that Slurm knows.
    minutes = ("--set-resources", "compute_flow:runtime=attempt")
    snakemake(
        *(table, *ON_SLURM, *minutes),
        config=smoke,
        directory=there,
        env=slurm.around(env),
        seconds=1500,
    )

    assert (there / table).read_bytes() == (here / table).read_bytes()
    jobs = slurm.jobs()[before:]
    ends = {rule: [job.state for job in of_rule(jobs, rule)] for rule in ("train_run", "flow")}
    assert sorted(ends["train_run"]) == ["COMPLETED"] * 14 + ["FAILED"]
    assert sorted(ends["flow"]) == ["COMPLETED", "TIMEOUT"]  # all four shards are one job
    late, repeated = of_rule(jobs, "flow")
    assert (late.minutes, repeated.minutes) == (1, 2)
    assert (late.cpus, late.memory_mb, repeated.memory_mb) == (4, 4 * 800, 4 * 1600)
    evaluations = of_rule(jobs, "evaluate_run")
    (starved,) = (job for job in evaluations if job.state != "COMPLETED")
    assert starved.memory_mb == 1000
    (killed,) = (there / ".snakemake/slurm_logs/rule_evaluate_run").rglob("*.log")
    assert "exceeded memory limit" in killed.read_text()  # without accounting, only said here
    assert [job.state for job in evaluations if job.memory_mb == 2000] == ["COMPLETED"]
    gpus = {job.gpus for rule in ("train_run", "evaluate_run") for job in of_rule(jobs, rule)}
    assert gpus == {1}


@pytest.mark.slow
def test_the_generic_profile_groups_shards_and_repeats_a_job_that_fails(
    slurm: PrivateSlurm, smoke: Path, tmp_path: Path
) -> None:
    folder = shard_folder(smoke, "hmdb51", "rgb")
    shards = [str(folder.shard(shard)) for shard in range(2)]
    here, there = tmp_path / "here", tmp_path / "there"
    locally(*shards, config=smoke, directory=here)

    before = len(slurm.jobs())
    profile = ("--workflow-profile", str(ROOT / "workflow/profiles/cluster-generic"))
    env = mishaps(tmp_path / "bin", index="false")
    snakemake(
        *(*shards, *profile, "--seconds-between-status-checks", "1", "--latency-wait", "10"),
        config=smoke,
        directory=there,
        env=slurm.around(env),
        seconds=600,
    )

    for shard in shards:
        assert (there / shard).read_bytes() == (here / shard).read_bytes()
    jobs = [(job.state, job.cpus, job.memory_mb) for job in slurm.jobs()[before:]]
    assert jobs == [
        ("COMPLETED", 1, 600),  # the videos
        ("FAILED", 1, 1000),  # their index
        ("COMPLETED", 1, 2000),
        ("COMPLETED", 2, 2 * 600),  # both shards in one job
    ]
