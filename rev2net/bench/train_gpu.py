"""Training speed and memory of every network at its published input, for `rev2net bench gpu`.

Steps (forward with every output, loss, backward, SGD) on random clips, in bfloat16 autocast.
"""

import itertools
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from rev2net.bench.train import random_batch, seconds, training_step
from rev2net.config import ComputeSettings
from rev2net.models.spec import SPECS, input_spec
from rev2net.training.loop import choose_kernels

NETWORKS = [name for name in SPECS if not name.startswith("rev2net-")]
WARM_UP, TIMED = 5, 10  # steps; compiling happens in the first
CLASSES = 101


@dataclass(frozen=True)
class Setup:
    """One row of the table."""

    network: str
    batch: int
    channels_last: bool
    compile: bool
    deterministic: bool

    def __str__(self) -> str:
        words = (
            f"{self.network}, {self.batch} clips",
            "compiled" * self.compile,
            "" if self.channels_last else "contiguous",
            "deterministic" * self.deterministic,
        )
        return ", ".join(filter(None, words))


@dataclass(frozen=True)
class Speed:
    """What was measured for a row; None where it did not fit into memory."""

    clips_per_second: float | None
    peak_gib: float | None


def setups(networks: Sequence[str], batches: Sequence[int], compiled: bool) -> list[Setup]:
    """What can be measured, the most telling first.

    Those of the first batch before the next; each as configurations have it (channels last, not
    compiled, kernels chosen by speed), then compiled, then with other differences from that.
    """
    either = (False, True)
    rows = [
        Setup(network, batch, channels_last, compile_, deterministic)
        for batch, compile_, channels_last, deterministic, network in itertools.product(
            batches, either if compiled else (False,), (True, False), either, networks
        )
    ]

    def order(row: Setup) -> tuple[int, bool, bool]:
        other = not row.channels_last or row.deterministic
        return batches.index(row.batch), other, row.compile

    return sorted(rows, key=order)


def measure(setup: Setup, device: torch.device, tiny: bool) -> Speed:
    """Time training steps of one setup."""
    compute = ComputeSettings(
        threads=1,
        loader_workers=0,
        precision="bfloat16",
        channels_last=setup.channels_last,
        compile=setup.compile,
        deterministic=setup.deterministic,
    )
    choose_kernels(compute)
    if setup.compile:
        torch.compiler.reset()  # what was compiled for another row
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        spec = input_spec(setup.network)
        length, size = (8, 32) if tiny else (spec.length, spec.size)
        batch = random_batch(setup.network, setup.batch, length, size, CLASSES, device)
        width = 0.125 if tiny else 1.0
        step = training_step(setup.network, batch, CLASSES, compute, width)
        warm_up, timed = (1, 1) if tiny else (WARM_UP, TIMED)
        for _ in range(warm_up):
            step()
        taken = statistics.median(seconds(step, device) for _ in range(timed))
    except torch.OutOfMemoryError:
        return Speed(None, None)
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if cuda else None
    return Speed(setup.batch / taken, peak)


def table(measured: Mapping[Setup, Speed]) -> str:
    """Markdown; the fastest row of each network is bold."""
    best: dict[str, float] = {}
    for setup, speed in measured.items():
        best[setup.network] = max(best.get(setup.network, 0.0), speed.clips_per_second or 0.0)
    lines = [
        "| network | batch | layout | compiled | deterministic | clips/s | peak memory, GiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for setup, speed in measured.items():
        layout = "channels last" if setup.channels_last else "contiguous"
        if speed.clips_per_second is None:
            clips = "does not fit"
        else:
            clips = f"{speed.clips_per_second:.1f}"
            if speed.clips_per_second == best[setup.network]:
                clips = f"**{clips}**"
        memory = "" if speed.peak_gib is None else f"{speed.peak_gib:.1f}"
        compiled, same = ("yes" if on else "no" for on in (setup.compile, setup.deterministic))
        words = (setup.network, setup.batch, layout, compiled, same, clips, memory)
        lines.append(f"| {' | '.join(map(str, words))} |")
    return "\n".join(lines)
