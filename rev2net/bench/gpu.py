"""Measure a machine with a GPU in eight minutes, as Markdown for docs/flow.md and docs/training.md.

    rev2net bench gpu --out gpu.md
    rev2net bench gpu --clips *.avi                          # pairs of real frames
    rev2net bench gpu --minutes 60 --batches 16 8 32 64      # every layout and batch, too
    rev2net bench gpu --tiny                                 # does it run? On the CPU too

In this order, as far as the time goes: parity of the TV-L1 kernels with OpenCV and pairs per
second; clips per second and memory of every network at its published input in bfloat16; Rev2Net
over I3D; the networks compiled; other ways to cut the flow's work; other layouts, deterministic
kernels, other batches. Work that would not end in time, by the longest of its kind so far, is left
out, and what fails takes its own line only; both are said at the end.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from rev2net.bench import train_gpu
from rev2net.bench.flow import Pair, machine, pairs_of, rendered_pairs
from rev2net.bench.flow_gpu import (
    CUTS,
    FlowSpeed,
    Parity,
    measure_parity,
    measure_speed,
    speed_table,
)
from rev2net.bench.train import DecoderCost, decoder_costs, decoder_table
from rev2net.device import claim_device
from rev2net.errors import UserError
from rev2net.files import write_text
from rev2net.progress import note
from rev2net.provenance import processor

SIZE, TINY_SIZE = (340, 256), (64, 48)  # of frames, pixels
TRUNKS = (16, 32, 64)
# Seconds that work of a kind is expected to take before any of it is done. Kernels are compiled in
# the first of it.
EXPECTED = {"flow": 60.0, "network": 20.0, "compiled network": 90.0, "Rev2Net over I3D": 60.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net bench gpu`."""
    parser.add_argument("--minutes", type=float, default=8.0, help="for all of it (default 8)")
    parser.add_argument("--out", type=Path, help="a Markdown file, written as far as it is")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="videos to take pairs of")
    parser.add_argument(
        "--networks", nargs="+", choices=train_gpu.NETWORKS, default=train_gpu.NETWORKS
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[16], help="clips (default 16)")
    parser.add_argument("--no-compile", action="store_true", help="leave the compiled rows out")
    parser.add_argument("--tiny", action="store_true", help="small clips and networks, one step")


def run(args: argparse.Namespace) -> None:
    """Measure, and print the page."""
    if not args.minutes > 0:
        raise UserError(f"--minutes: {args.minutes}; allowed is a number above 0")
    if min(args.batches) < 1:
        raise UserError(f"--batches: {min(args.batches)}; allowed are whole numbers from 1")
    with claim_device() as device:
        if device.type != "cuda" and not args.tiny:
            raise UserError("bench gpu: this machine shows no GPU; allowed without one is --tiny")
        pairs = [pair for clip in args.clips for pair in pairs_of(clip, 3)]
        findings = Findings(device)
        for kind, what, work in works(args, pairs or rendered_pairs(8), device, findings):
            findings.take(kind, what, work, 60 * args.minutes)
            if args.out:
                write_text(args.out, findings.page())
    print(findings.page(), end="")


@dataclass
class Findings:
    """What was measured so far."""

    device: torch.device
    parity: Parity | None = None
    flow: list[FlowSpeed] = field(default_factory=list)
    trainings: dict[train_gpu.Setup, train_gpu.Speed] = field(default_factory=dict)
    decoders: list[DecoderCost] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)  # seconds of a kind's work so far
    began: float = field(default_factory=time.monotonic)

    def take(self, kind: str, what: str, work: Callable[[], None], seconds: float) -> None:
        """Do some work, unless that would end later than `seconds` after the beginning."""
        begun = time.monotonic()
        if begun - self.began + self.longest.get(kind, EXPECTED[kind]) > seconds:
            self.left_out.append(what)
            return
        note(what)
        try:
            work()
        except Exception as error:  # on the first machine of its kind: the rest is still wanted
            line = next(iter(str(error).splitlines()), "")
            self.troubles.append(f"{what}: {type(error).__name__}: {line}")
            return
        self.longest[kind] = max(time.monotonic() - begun, self.longest.get(kind, 0.0))

    def page(self) -> str:
        """All of it as Markdown."""
        cuda = self.device.type == "cuda"
        name = torch.cuda.get_device_name(self.device) if cuda else "CPU, to see that it runs"
        parts = [
            f"## {name}, {time.strftime('%Y-%m-%d')}",
            f"torch {torch.__version__}{_triton()}; {processor()}, {machine()}.",
            "### TV-L1 flow",
            str(self.parity) if self.parity else "",
            speed_table(self.flow) if self.flow else "",
            "### Training steps, bfloat16",
            train_gpu.table(self.trainings) if self.trainings else "",
            "### Rev2Net over I3D, bfloat16" if cuda else "### Rev2Net over I3D",
            decoder_table(self.decoders) if self.decoders else "",
            *(f"Failed: {trouble}" for trouble in self.troubles),
            f"No time was left for: {'; '.join(self.left_out)}." if self.left_out else "",
            f"Measured in {(time.monotonic() - self.began) / 60:.1f} minutes.",
        ]
        return "\n\n".join(filter(None, parts)) + "\n"


def _triton() -> str:
    try:
        import triton
    except ImportError:
        return ""
    return f", triton {triton.__version__}"


def works(
    args: argparse.Namespace, pairs: list[Pair], device: torch.device, findings: Findings
) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """What there is to measure: its kind, its name, and what does it and notes the result."""
    size = TINY_SIZE if args.tiny else SIZE
    backend = "cuda" if device.type == "cuda" else "numba"
    rows = train_gpu.setups(args.networks, args.batches, not args.no_compile)
    telling = [
        row
        for row in rows
        if row.batch == args.batches[0] and row.channels_last and not row.deterministic
    ]

    def parity() -> None:
        findings.parity = measure_parity(pairs, size, backend)

    def flow(cut: tuple[int, int]) -> None:
        findings.flow.append(measure_speed(pairs, size, cut, backend))

    def training(row: train_gpu.Setup) -> None:
        findings.trainings[row] = train_gpu.measure(row, device, args.tiny)

    def decoders() -> None:
        batch = min(8, args.batches[0])
        shape: dict[str, Any] = {"length": 64, "size": 224, "width": 1.0, "steps": 10}
        if args.tiny:
            shape = {"length": 8, "size": 64, "width": 0.25, "steps": 1}
        findings.decoders = decoder_costs(TRUNKS, batch=batch, device=device, **shape)

    def flow_of(cut: tuple[int, int]) -> tuple[str, str, Callable[[], None]]:
        return "flow", f"flow, {cut[0]} pixels a step, {cut[1]} warps", partial(flow, cut)

    def training_of(row: train_gpu.Setup) -> tuple[str, str, Callable[[], None]]:
        kind = "compiled network" if row.compile else "network"
        return kind, str(row), partial(training, row)

    yield "flow", "flow, parity", parity
    yield flow_of(CUTS[0])
    yield from (training_of(row) for row in telling if not row.compile)
    yield "Rev2Net over I3D", "Rev2Net over I3D", decoders
    yield from (training_of(row) for row in telling if row.compile)
    if backend == "cuda":
        yield from map(flow_of, CUTS[1:])
    yield from (training_of(row) for row in rows if row not in telling)
