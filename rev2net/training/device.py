"""One job, one device: a free GPU under a lock, or the CPU where there is none."""

import contextlib
import fcntl
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

POLL_SECONDS = 2.0


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
    devices = range(torch.cuda.device_count())
    names = [str(torch.cuda.get_device_properties(index).uuid) for index in devices]
    with claim_first(names) as index:
        torch.cuda.set_device(index)  # what is said of "the" device, random states too, is its
        yield torch.device("cuda", index)


@contextlib.contextmanager
def claim_first(names: list[str], folder: Path | None = None) -> Iterator[int]:
    """Hold the first free one of several named things and yield its position."""
    folder = folder or Path(tempfile.gettempdir()) / f"rev2net-devices-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True)
    told = False
    while True:
        for index, name in enumerate(names):
            with open(folder / f"{name}.lock", "w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield index
                return
        if not told:
            print(f"waiting: all {len(names)} GPUs are taken by other jobs", file=sys.stderr)
            told = True
        time.sleep(POLL_SECONDS)
