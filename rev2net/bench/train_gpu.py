"""Training speed and memory of every network at its published input, on a machine with a GPU.

    python -m rev2net.bench.train_gpu                            # all networks, some minutes each
    python -m rev2net.bench.train_gpu --networks i3d rev2net --batches 8 16
    python -m rev2net.bench.train_gpu --device cpu --tiny        # does the script itself work?

Steps (forward with every output, loss, backward, SGD) on random clips, in bfloat16 autocast. For
each network: contiguous and channels-last activations, as they are and compiled, with kernels
chosen by speed and with deterministic ones, for several batch sizes; a size that does not fit says
so. Prints a Markdown table; the fastest row of a network is marked. Put the output, with the date
and the GPU, into docs/training.md. It has not run on a GPU yet: the machine that it was written on
has none.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Iterator
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


@dataclass(frozen=True)
class Speed:
    """What was measured for a row; None where it did not fit into memory."""

    clips_per_second: float | None
    peak_gib: float | None


def setups(networks: list[str], batches: list[int], compiled: bool) -> Iterator[Setup]:
    either = (False, True)
    rows = itertools.product(networks, either if compiled else (False,), either, either, batches)
    for network, compile_, channels_last, deterministic, batch in rows:
        yield Setup(network, batch, channels_last, compile_, deterministic)


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


def table(measured: dict[Setup, Speed]) -> str:
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


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--no-compile", action="store_true", help="leave the compiled rows out")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small clips and networks, one step")
    args = parser.parse_args(argv)
    device = torch.device(args.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"{name}; torch {torch.__version__}; {time.strftime('%Y-%m-%d')}", flush=True)
    measured = {}
    for setup in setups(args.networks, args.batches, not args.no_compile):
        measured[setup] = measure(setup, device, args.tiny)
        print(f"{setup} {measured[setup]}", flush=True)
    print(f"\n{table(measured)}")


if __name__ == "__main__":
    main()
