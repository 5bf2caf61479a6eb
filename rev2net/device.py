"""One job, its devices: free GPUs under locks, or the CPU where there are none."""

import contextlib
import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch

from rev2net.errors import MachineError, UserError

POLL_SECONDS = 2.0

Result = TypeVar("Result")


@contextlib.contextmanager
def claim_device() -> Iterator[torch.device]:
    """The device to compute on; a GPU is held until the block ends, however the process dies.

    Snakemake hands out no GPU numbers, so jobs that run side by side find theirs here: a lock file
    for each visible GPU (`CUDA_VISIBLE_DEVICES` is respected), released by the operating system.
    Where all are taken, waits and says so. Without a GPU this is the CPU.
    """
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    with claim_free(_gpu_names(), 1) as (index,), memory_errors():
        torch.cuda.set_device(index)  # what is said of "the" device, random states too, is its
        yield torch.device("cuda", index)


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Turn an error about a GPU's memory into a line."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        first = (
            str(error).splitlines()[0].partition(". GPU")[0].removeprefix("CUDA out of memory. ")
        )
        raise MachineError(
            f"out of GPU memory ({first}); take a smaller batch (optimisation.accumulate passes it "
            "in parts), or a GPU with more"
        ) from None


@contextlib.contextmanager
def claim_devices(count: int) -> Iterator[None]:
    """Several GPUs, each for one of the processes that are started while the block runs.

    They see these GPUs and no others. Without a GPU nothing is claimed.
    """
    if not torch.cuda.is_available():
        yield
        return
    names = _gpu_names()
    if len(names) < count:
        raise UserError(f"compute.processes is {count}; this machine shows {len(names)} GPUs")
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = before.split(",") if before else [str(index) for index in range(len(names))]
    with claim_free(names, count) as indices:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(visible[index] for index in indices)
        try:
            yield
        finally:
            if before is None:
                del os.environ["CUDA_VISIBLE_DEVICES"]
            else:
                os.environ["CUDA_VISIBLE_DEVICES"] = before


@contextlib.contextmanager
def claim_free(names: list[str], count: int, folder: Path | None = None) -> Iterator[list[int]]:
    """Hold the first `count` free ones of several named things and yield their positions.

    All or none: nothing is held while waiting for the rest. One job at a time looks for free ones,
    and keeps its turn until it has them, so that a job that needs several is not overtaken for ever
    by jobs that need one.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"rev2net-devices-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as turn:
            what = f"{count} of {len(names)} GPUs"
            _wait(lambda: _locked(folder / "turn.lock", turn), what)
            indices = _wait(lambda: _locked_all(names, count, folder, held), what)
        yield indices


def _wait(attempt: Callable[[], Result], what: str) -> Result:
    """Try until it succeeds, saying once what is waited for."""
    told = False
    while not (result := attempt()):
        if not told:
            print(f"waiting for {what}: other jobs have them", file=sys.stderr)
            told = True
        time.sleep(POLL_SECONDS)
    return result


def _locked_all(
    names: list[str], count: int, folder: Path, held: contextlib.ExitStack
) -> list[int]:
    """Positions of `count` things now locked, or none."""
    with contextlib.ExitStack() as attempt:
        indices: list[int] = []
        for index, name in enumerate(names):
            if len(indices) < count and _locked(folder / f"{name}.lock", attempt):
                indices.append(index)
        if len(indices) < count:
            return []
        held.enter_context(attempt.pop_all())
        return indices


def _locked(path: Path, held: contextlib.ExitStack) -> bool:
    """Lock a file, unless another process has; `held` releases it."""
    file = open(path, "w")  # noqa: SIM115  (closed by `held`)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    held.enter_context(file)
    return True


def _gpu_names() -> list[str]:
    """Of the GPUs that this process sees, in their order."""
    return [
        str(torch.cuda.get_device_properties(index).uuid)
        for index in range(torch.cuda.device_count())
    ]
