"""A plan as text, and as plain values for JSON."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rev2net.config import Config
from rev2net.plan.estimate import Plan, Stage
from rev2net.plan.rates import Rate, Rates

HEAD = ("stage", "jobs", "a job", "longest", "core-hours", "GPU-hours", "GB", "GB memory")
UNITS = {  # of the rates, and the factor to it
    "open": ("ms a video to begin decoding", 1e3),
    "decode": ("ms a megapixel decoded", 1e3),
    "encode": ("ms a megapixel encoded", 1e3),
    "encode_flow": ("ms a megapixel of flow encoded", 1e3),
    "flow": ("ms a megapixel of TV-L1 flow", 1e3),
    "read": ("ms a megapixel read from shards", 1e3),
    "start": ("s for a job to start", 1),
    "start_training": ("s for a training to start", 1),
    "rgb_bytes": ("kB a stored megapixel", 1e-3),
    "flow_bytes": ("kB a stored megapixel of flow", 1e-3),
}


def as_text(
    plan: Plan, rates: Rates, config: Config, warnings: Sequence[str], cores: int, gpus: int
) -> str:
    """The stages and their sum, what they rest on, and what stands in the way."""
    rows = [_row(stage, config) for stage in plan.stages]
    num_jobs = f"{sum(stage.jobs for stage in plan.stages):,}"
    sums = f"{plan.core_hours:,.2f}", f"{plan.gpu_hours:,.1f}", f"{plan.disk / 1e9:,.2f}"
    total = ("total", num_jobs, "", "", *sums, "")
    lines = [f"Plan of configuration {config.name!r}", "", *_aligned([HEAD, *rows, total])]
    words = f"{cores} cores" + (
        f" and {gpus} GPU{'s' * (gpus > 1)}" if config.resources.gpus else ""
    )
    days = plan.days(cores, gpus)
    lines += ["", f"At best {_duration(24 * days)} on {words}, were every one of them always busy."]
    if config.resources.gpus:
        lines.append("Memory of trainings and evaluations is the GPU's.")
    lines += ["", "Data"]
    for name, facts in plan.datasets.items():
        width, height = facts.stored_size(config.frames)
        lines.append(
            f"  {name}: {facts.videos:,} videos of {facts.frames:.0f} frames ({facts.source}), "
            f"stored at {width}x{height}"
        )
    lines += ["", "Rates"]
    for key, (unit, factor) in UNITS.items():
        rate: Rate = getattr(rates, key)
        lines.append(f"  {rate.value * factor:10,.2f} {unit}: {rate.source}")
    for recipe, rate in rates.training.items():
        lines.append(
            f"  {rate.value / 1e9:10,.2f} G multiply-adds a second, {recipe}: {rate.source}"
        )
    lines += ["", *(f"warning: {line}" for line in warnings)] if warnings else []
    return "\n".join(lines)


def as_values(
    plan: Plan, rates: Rates, config: Config, warnings: Sequence[str], cores: int, gpus: int
) -> dict[str, Any]:
    """The same for programs; hours, bytes."""
    return {
        "configuration": config.name,
        "stages": [dataclasses.asdict(stage) for stage in plan.stages],
        "total": {
            "jobs": sum(stage.jobs for stage in plan.stages),
            "core_hours": plan.core_hours,
            "gpu_hours": plan.gpu_hours,
            "disk": plan.disk,
            "days": plan.days(cores, gpus),
        },
        "datasets": {name: dataclasses.asdict(facts) for name, facts in plan.datasets.items()},
        "rates": rates.model_dump(),
        "warnings": list(warnings),
    }


def _row(stage: Stage, config: Config) -> tuple[str, ...]:
    hours, each = stage.core_hours, stage.core_hours / stage.jobs
    compute = config.compute
    if stage.name.startswith(("train", "evaluate")):  # hours of the job, not of its cores
        processes = compute.processes if stage.name.startswith("train") else 1
        each /= (compute.threads + compute.loader_workers) * processes
    gpu_hours = f"{stage.gpu_hours:,.1f}" if stage.gpu_hours else ""
    return (
        stage.name,
        f"{stage.jobs:,}",
        _duration(each),
        _duration(stage.longest),
        f"{hours:,.2f}",
        gpu_hours,
        f"{stage.disk / 1e9:,.2f}",
        f"{stage.memory / 1e9:,.2f}",
    )


def _duration(hours: float) -> str:
    for factor, unit in ((3600, "s"), (60, "min"), (1, "h")):
        if hours * factor < 100:
            return f"{hours * factor:.1f} {unit}"
    return f"{hours / 24:.1f} days"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns; all but the first to the right, a rule below the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return lines
