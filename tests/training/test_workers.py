"""Loader processes: what happens to one of them ends the training, and none outlives it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from rev2net.clips import loader
from rev2net.clips.dataset import Sample
from rev2net.config import TrainSettings
from rev2net.errors import MachineError
from tests.small_dataset import SmallData
from tests.training.test_distributed import alive, children, command, start, wait_until_ended
from tests.training.test_training_loop import settings

BOUND = 60  # seconds; it takes one or two


def with_workers(workers: int, adapt: str = "none") -> TrainSettings:
    chosen = settings(adapt=adapt, steps=600, checkpoint_every=600)
    compute = chosen.compute.model_copy(update={"loader_workers": workers})
    return chosen.model_copy(update={"compute": compute})


@pytest.fixture
def training(small_data: SmallData, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A real training with a loader of two processes for either dataset, under way."""
    process = start(small_data, with_workers(4, "mkmmd"), tmp_path / "run")
    yield process
    process.kill()
    process.wait()


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    found = children(process.pid)
    assert len(found) >= 4
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_ends_the_training_with_one_line_and_leaves_no_process(
    training: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    workers = workers_of(training)
    os.kill(workers[-1], number)
    _, errors = training.communicate(timeout=BOUND)
    assert training.returncode == 1
    line = errors.splitlines()[-1].lstrip("\0")  # behind PyTorch's own words on a crash
    assert line.startswith("rev2net train: a loader process ended ("), errors
    assert "Traceback" not in errors
    assert wait_until_ended(workers)


@pytest.mark.parametrize("error", [ConnectionRefusedError, ConnectionResetError, EOFError])
def test_a_worker_that_ends_while_it_gives_a_batch_is_one_line(error: type[Exception]) -> None:
    """Its memory is fetched over a connection, which closes before the worker is seen to end."""

    def batches() -> Iterator[object]:
        raise error
        yield

    with pytest.raises(MachineError, match=f"a loader process ended \\({error.__name__} while"):
        loader._next(batches())


def test_a_lock_that_a_killed_worker_held_holds_up_nobody() -> None:
    program = """
from torch.utils.data import DataLoader
from rev2net.clips import loader

if __name__ == "__main__":
    batches = iter(DataLoader(range(100), num_workers=1))
    next(batches)
    batches._workers_done_event._cond.acquire()  # as a worker does that looks whether to end
    loader._end(batches)
    print("ended")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=BOUND, check=False
    )
    assert done.stdout == "ended\n", done.stderr


def test_workers_die_with_a_training_that_is_killed(training: "subprocess.Popen[str]") -> None:
    workers = workers_of(training)
    os.kill(training.pid, signal.SIGKILL)
    training.communicate(timeout=BOUND)
    assert wait_until_ended(workers)


@pytest.mark.parametrize("stopped", [False, True], ids=["at work", "one stopped"])
def test_an_error_of_a_step_ends_the_workers(
    small_data: SmallData, tmp_path: Path, stopped: bool
) -> None:
    """Also where one of them does not react to anything but the system."""
    chosen = with_workers(2)
    program = f"""
import os, signal, sys
from rev2net import cli
from rev2net.training import loop
from multiprocessing import active_children

def step(self, number, parts, *rest):
    pids = [child.pid for child in active_children()]
    if {stopped}:
        os.kill(pids[0], signal.SIGSTOP)
    print(*pids, flush=True)
    raise MemoryError

loop.Training.step = step
sys.exit(cli.main(sys.argv[1:]))
"""
    words = command(small_data, chosen, tmp_path / "run")[3:]
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        "rev2net train: out of memory; give the job more\n",
    )
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 2
    assert not any(map(alive, pids))


class Slow(Dataset[list[Sample]]):
    """Samples that the disk does not give out."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> list[Sample]:
        time.sleep(self.seconds)
        return [Sample({"rgb": torch.zeros(1, 4, 4, 3, dtype=torch.uint8)}, False, 0)]


@pytest.mark.parametrize(("seconds", "arrives"), [(600, False), (1, True)])
def test_a_batch_that_does_not_come_is_one_line_that_names_shared_memory(
    monkeypatch: pytest.MonkeyPatch, seconds: float, arrives: bool
) -> None:
    """Each wait is shorter than a batch takes; it is the number of waits that is bounded."""
    monkeypatch.setattr(loader, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(loader, "PATIENCE", 100 if arrives else 3)
    before = set(children(os.getpid()))
    batches = loader.load(Slow(seconds), 1, batch_size=None, collate_fn=loader.shared)
    if arrives:
        assert len(list(batches)) == 2
        return
    with pytest.raises(MachineError, match=r"within 0\.6 s.*/dev/shm.*--ipc host") as error:
        next(batches)
    assert "\n" not in str(error.value)
    assert not any(map(alive, set(children(os.getpid())) - before))


def unshare(*command: str) -> list[str]:
    """A command with mounts of its own."""
    return ["unshare", "--mount", "--map-root-user", *command]


def may_mount() -> bool:
    tried = "mount -t tmpfs tmpfs /dev/shm"
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(
            unshare("sh", "-c", tried), capture_output=True, check=False
        ).returncode
    )


@pytest.mark.skipif(not may_mount(), reason="needs a /dev/shm of its own: user namespaces")
def test_a_full_shared_memory_is_one_line_that_names_it(
    small_data: SmallData, tmp_path: Path
) -> None:
    words = command(small_data, with_workers(2), tmp_path / "run")
    script = 'mount -t tmpfs -o size=64k tmpfs /dev/shm && exec "$@"'
    done = subprocess.run(
        unshare("sh", "-c", script, "-", *words),
        capture_output=True,
        text=True,
        timeout=BOUND,
        check=False,
    )
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("rev2net train: no batch of clips: the workers' shared memory, /dev/shm")
    assert "docker run --ipc host" in line
    assert "Traceback" not in done.stderr


def test_a_loader_that_is_left_early_ends_its_workers() -> None:
    before = set(children(os.getpid()))
    batches = loader.load(Slow(0), 2, batch_size=None, collate_fn=loader.shared)
    next(batches)
    assert len(set(children(os.getpid())) - before) == 2
    batches.close()
    assert not any(map(alive, set(children(os.getpid())) - before))
