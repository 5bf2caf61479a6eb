"""The faults that the tests inject: killed processes, damaged and lost files, full disks."""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.fault_pipeline import Outcome, Pipeline, jobs

# What lies behind a stage, below work, beside the runs and what is made of them.
_BEHIND = {
    "frames": ("data/*/*.index", "data/*/*-*.csv", "smoke/splits"),
    "merge": ("smoke/splits",),
    "splits": (),
}


class Faults:
    """A count of what was injected, by kind, and of what was said about it."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.said: list[str] = []

    def add(self, kind: str) -> None:
        self.kinds[kind] += 1

    @property
    def total(self) -> int:
        return self.kinds.total()

    def __str__(self) -> str:
        rows = [f"{count:4d}  {kind}" for kind, count in sorted(self.kinds.items())]
        end = f"{self.total:4d}  faults; {len(self.said)} lines said what to do"
        return "\n".join([*rows, end])


def truncate(rng: random.Random, path: Path) -> None:
    """Cut a file anywhere, sometimes at its very beginning."""
    os.truncate(path, rng.choice([0, *(rng.randrange(path.stat().st_size) for _ in range(3))]))


def flip(rng: random.Random, path: Path) -> None:
    """Change one to 64 bytes somewhere; the modification time stays, as when a disk decays."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content))
    for position in range(start, min(len(content), start + rng.choice([1, 8, 64]))):
        content[position] ^= rng.randrange(1, 256)
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def flip_image(rng: random.Random, path: Path) -> None:
    """Change a byte of each encoded image of a shard: whichever is read, is damaged."""
    import h5py

    times = path.stat()
    with h5py.File(path, "r+", locking=False) as file:
        offset = file["offset"][()]
        frames = file["frames"][()]
        for begin, end in itertools.pairwise(offset):
            frames[rng.randrange(begin, end)] ^= rng.randrange(1, 256)
        file["frames"][...] = frames
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def damage(
    faults: Faults,
    pipeline: Pipeline,
    rng: random.Random,
    pattern: str,
    how: Callable[[random.Random, Path], None],
    number: int = 1,
) -> None:
    """Do `how` to some of the finished files that match a pattern below work."""
    found = sorted(pipeline.work.glob(pattern))
    assert len(found) >= number, pattern
    for path in rng.sample(found, number):
        how(rng, path)
        folder = path.relative_to(pipeline.work).parts[1].partition("-")[0]
        faults.add(f"{how.__name__.replace('_', ' ')}: {folder}, *{path.suffix}")


def rewind(pipeline: Pipeline, stage: str, runs: str) -> None:
    """Remove what was made after a stage, of the runs that match only: they will be made again."""
    for pattern in _BEHIND.get(stage, ()):
        for path in pipeline.work.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for run in pipeline.work.glob(f"smoke/runs/{runs}"):
        for path in run.glob("split*/*"):
            if stage not in ("train", "evaluate") or (stage == "train" and path.suffix == ".h5"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        # A two-stream row of the same benchmark and method, if there is one.
        fused = pipeline.work / "smoke/fused" / run.relative_to(pipeline.work / "smoke/runs").parent
        shutil.rmtree(fused, ignore_errors=True)
    for target in pipeline.targets:
        (pipeline.folder / target).unlink(missing_ok=True)
    shutil.rmtree(pipeline.folder / "results", ignore_errors=True)


def follow(line: str, folder: Path) -> None:
    """Do what a line of advice says: delete the files it names."""
    clause = re.search(r"delete (.+?)(?: and|,) give the same command", line)
    first = re.match(r"rev2net \w+: (.+?): ", line)
    assert clause, line
    assert first, line
    for word in re.split(r", | and ", clause[1]):
        # Two jobs may have said it of the same file.
        (folder / (first[1] if word == "it" else word)).unlink(missing_ok=True)


def mend(faults: Faults, pipeline: Pipeline) -> None:
    """Give the command, do what it says, and again, until it succeeds."""
    for _ in range(25):
        outcome = pipeline.run("--keep-going")
        if outcome.succeeded:
            return
        assert outcome.advice, f"failed without a word on what to do:\n{outcome.end}"
        for line in outcome.advice:
            faults.said.append(line)
            follow(line, pipeline.folder)
    pytest.fail(f"the same advice again and again:\n{outcome.end}")


def kill_on_the_way(
    faults: Faults, pipeline: Pipeline, rng: random.Random, plan: list[str], per_stage: int
) -> Outcome:
    """Run from nothing, with the planned faults at random times, until the command succeeds.

    A plan names `job` (SIGKILL to any stage, `per_stage` times at most), `snakemake` (SIGKILL to
    everything), `interrupt` (SIGINT to everything, as Ctrl-C does), `training` (SIGTERM to one) and
    `state` (SIGKILL to a training, whose last.pt is then damaged).
    """
    rng.shuffle(plan)
    for _ in range(3 * len(plan) + 3):
        process = pipeline.start("--keep-going")
        while plan and process.poll() is None:
            time.sleep(rng.uniform(0.1, 1.0))
            fault = _disturb(faults, pipeline, process, rng, plan, per_stage)
            if fault in ("snakemake", "interrupt"):
                break
        outcome = pipeline.wait(process)
        if "--unlock" in outcome.text:
            assert pipeline.run("--unlock").succeeded
        if outcome.succeeded:
            break
    assert outcome.succeeded, outcome.end
    return outcome


def _disturb(
    faults: Faults,
    pipeline: Pipeline,
    process: "subprocess.Popen[str]",
    rng: random.Random,
    plan: list[str],
    per_stage: int,
) -> str | None:
    """Inject one fault of the plan, if there is a process that it fits."""
    running = jobs(process)
    spared = [pair for pair in running if faults.kinds[f"SIGKILL: {pair[1]}"] < per_stage]
    trainings = [job for job, stage in running if stage == "train"]
    for fault in dict.fromkeys(plan):
        with contextlib.suppress(psutil.Error):
            if fault == "job" and spared:
                job, stage = rng.choice(spared)
                job.kill()
                faults.add(f"SIGKILL: {stage}")
            elif fault == "training" and trainings:
                rng.choice(trainings).terminate()
                faults.add("SIGTERM: train")
            elif fault == "state" and trainings:
                job = rng.choice(trainings)
                state = pipeline.folder / job.cmdline()[3] / "last.pt"
                if not state.exists():
                    continue
                job.kill()
                job.wait(timeout=10)
                flip(rng, state)
                faults.add("flip: runs, last.pt")
            elif fault == "snakemake" and running:
                os.killpg(process.pid, signal.SIGKILL)
                faults.add("SIGKILL: snakemake and its jobs")
            elif fault == "interrupt" and running:
                os.killpg(process.pid, signal.SIGINT)
                faults.add("SIGINT: snakemake and its jobs")
            else:
                continue
            plan.remove(fault)
            return fault
    return None


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of a few megabytes mounted on a folder; skips the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, timeout=30).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], timeout=30, check=True)


@contextlib.contextmanager
def filled(folder: Path, left: int) -> Iterator[None]:
    """All but `left` bytes of a disk are taken, for a while."""
    disk = os.statvfs(folder)
    filler = folder / "filler"
    filler.write_bytes(bytes(max(0, disk.f_bavail * disk.f_frsize - left)))
    try:
        yield
    finally:
        filler.unlink()
