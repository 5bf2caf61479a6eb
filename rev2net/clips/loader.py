"""Clips from worker processes that neither outlive nor hold up the process they work for.

Whatever goes wrong, in a worker or beside it, ends the iteration, and every worker with it. Workers
answer no SIGTERM and no SIGINT: a signal to the whole process group is for the process they work
for, which ends them. When that one is killed, the system kills them.
"""

import contextlib
import multiprocessing
import signal
import sys
import threading
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from rev2net.clips.dataset import Sample
from rev2net.errors import MachineError
from rev2net.processes import end_with_parent

Batch = TypeVar("Batch")

CHECK_SECONDS = 5.0  # how long is waited at a time
PATIENCE = 60  # such waits for one batch, after which it is taken for lost
SHARED_MEMORY = (
    "the workers' shared memory, /dev/shm, may be full: give it more (docker run --ipc host, or "
    "--shm-size), or lower compute.loader_workers"
)
# How PyTorch says that shared memory is full or may not be used.
_NO_ROOM = ("unable to write to file", "unable to allocate shared memory", "unable to mmap")


def load(dataset: Dataset[Any], workers: int, **options: Any) -> Generator[Any, None, None]:
    """The batches, or samples, of a DataLoader with these options, to be read in `attended`.

    Raises MachineError where a batch does not come within five minutes in which this process was
    running.
    """
    iterator = iter(
        DataLoader(
            dataset,
            num_workers=workers,
            worker_init_fn=_begin_work,
            timeout=CHECK_SECONDS if workers else 0,
            **options,
        )
    )
    try:
        while True:
            try:
                batch = _next(iterator)
            except StopIteration:
                return
            yield batch
    finally:
        _end(iterator)


@contextlib.contextmanager
def attended(batches: Generator[Batch, None, None]) -> Iterator[Generator[Batch, None, None]]:
    """Batches that come from `load`, whose workers end with the block.

    Raises MachineError where a worker is killed or out of shared memory: PyTorch says so whenever
    it happens, in the middle of whatever the block does.
    """
    try:
        with contextlib.closing(batches):
            yield batches
    except RuntimeError as error:
        line = _what_happened(str(error))
        if line is None:
            raise
        raise MachineError(line) from None


def shared(samples: list[Sample]) -> list[Sample]:
    """Collate samples as they are, in shared memory where a worker made them.

    They would get there anyway, but behind the worker's back: an error there loses the batch.
    """
    if torch.utils.data.get_worker_info() is not None:
        for sample in samples:
            for crop in sample.crops.values():
                crop.share_memory_()
    return samples


def _begin_work(worker: int) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    end_with_parent(int(parent.pid or 0))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Through this hook a worker would print that nobody takes its batch any more.
    sys.excepthook = lambda *_: None


def _next(iterator: Iterator[Any]) -> Any:
    """The next batch; raises MachineError where it does not come."""
    for _ in range(PATIENCE):
        try:
            return next(iterator)
        except RuntimeError as error:
            if not str(error).startswith("DataLoader timed out"):
                raise  # otherwise it may be asked again
        except (ConnectionError, EOFError) as error:
            # Killed between a batch and the memory it lies in, which is fetched from the worker:
            # for a moment that is closed, and the worker not yet known to be gone.
            raise MachineError(_ended(f"{type(error).__name__} while it gave a batch")) from None
    seconds = PATIENCE * CHECK_SECONDS
    raise MachineError(
        f"no batch of clips within {seconds:g} s, though every loader process lives: the disk with "
        f"the shards may hang, or {SHARED_MEMORY}"
    )


def _what_happened(text: str) -> str | None:
    """One line about PyTorch's error where a worker is gone or lacks something."""
    if any(words in text for words in _NO_ROOM) or "killed by signal: Bus" in text:
        return f"no batch of clips: {SHARED_MEMORY}"
    if text.startswith("Too many open files"):
        return "too many open files between loader processes; raise the limit (ulimit -n)"
    if text.startswith("DataLoader worker (pid"):
        return _ended(text.splitlines()[0].strip(" ."))
    return None


def _ended(how: str) -> str:
    return (
        f"a loader process ended ({how}): where the system killed it, memory was short; give the "
        "job more, or lower compute.loader_workers"
    )


def _end(iterator: Iterator[Any]) -> None:
    """End the workers that are left, and wait for them."""
    workers = getattr(iterator, "_workers", [])
    if any(worker.is_alive() for worker in workers):
        with _child_signals_ignored():
            for worker in workers:
                worker.kill()
            for worker in workers:
                worker.join(CHECK_SECONDS)
    if workers:
        # A worker may have been killed while it held the event's lock, which nobody gives back.
        iterator._workers_done_event = threading.Event()  # type: ignore[attr-defined]
        iterator._shutdown_workers()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _child_signals_ignored() -> Iterator[None]:
    """PyTorch's handler raises an error where a worker was killed, whoever killed it."""
    try:
        handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    except ValueError:  # not in the main thread, where the handler never runs
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, handler)
