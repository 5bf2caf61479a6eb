"""A plan as tables for a person, and as plain values for JSON."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rev2net.config import Config
from rev2net.plan.estimate import Plan, Stage, job_cores
from rev2net.plan.rates import Rate, Rates
from rev2net.printing import Facts, Report, Table

NOT_SHOWN = ("lists", "classes")  # of a dataset's facts: what only the estimate needs
HEAD = ("stage", "jobs", "a job", "longest", "core-hours", "GPU-hours", "GB", "GB memory")


def as_report(
    plan: Plan, rates: Rates, config: Config, warnings: Sequence[str], cores: int, gpus: int
) -> Report:
    """The stages and their sum, what they rest on, and what stands in the way."""
    num_jobs = f"{sum(stage.jobs for stage in plan.stages):,}"
    sums = f"{plan.core_hours:,.2f}", f"{plan.gpu_hours:,.1f}", f"{plan.disk / 1e9:,.2f}"
    rows = [*(_row(stage, config) for stage in plan.stages), ("total", num_jobs, "", "", *sums, "")]
    machine = f"{cores} cores"
    if config.resources.gpus:
        machine += f" and {gpus} GPU{'s' * (gpus > 1)}"
    at_best = {f"on {machine}, were every one always busy": _duration(24 * plan.days(cores, gpus))}
    if config.resources.gpus:
        at_best["memory of trainings and evaluations"] = "the GPU's"
    data = []
    for name, facts in plan.datasets.items():
        stored = "{}x{}".format(*facts.stored_size(config.frames))
        source = facts.source
        source += f"; {facts.looked_at} videos looked at" if facts.looked_at else ""
        source += f"; {facts.assumed} assumed" if facts.assumed else ""
        data.append((name, f"{facts.videos:,}", f"{facts.frames:.0f}", stored, source))
    measured: list[tuple[float, str, str]] = []
    for key, field in Rates.model_fields.items():
        found: Rate | dict[str, Rate] = getattr(rates, key)
        named = {"": found} if isinstance(found, Rate) else found
        for name, rate in named.items():
            unit = f"{field.description}: {name}".removesuffix(": ")
            measured.append((float(f"{rate.value:.3g}"), unit, rate.source))
    return [
        Table(f"Plan of configuration {config.name!r}", HEAD, rows),
        Facts("At best", at_best),
        Table("Data", ("dataset", "videos", "frames a video", "stored at", "source"), data),
        *_lines("Assumptions", "assumption", plan.assumptions),
        Table("Rates", ("value", "unit", "source"), measured),
        *_lines("Warnings", "warning", warnings),
    ]


def _lines(title: str, head: str, lines: Sequence[str]) -> Report:
    """A table of sentences; nothing where there are none."""
    return [Table(title, (head,), [(line,) for line in lines])] if lines else []


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
        "datasets": {
            name: {key: value for key, value in vars(facts).items() if key not in NOT_SHOWN}
            for name, facts in plan.datasets.items()
        },
        "assumptions": list(plan.assumptions),
        "rates": rates.model_dump(),
        "warnings": list(warnings),
    }


def _row(stage: Stage, config: Config) -> tuple[str, ...]:
    each = stage.core_hours / stage.jobs
    if stage.of_runs:  # hours of the job, not of its cores
        each /= job_cores(stage.name, config)
    return (
        stage.name,
        f"{stage.jobs:,}",
        _duration(each),
        _duration(stage.longest),
        f"{stage.core_hours:,.2f}",
        f"{stage.gpu_hours:,.1f}" if stage.gpu_hours else "",
        f"{stage.disk / 1e9:,.2f}",
        f"{stage.memory / 1e9:,.2f}",
    )


def _duration(hours: float) -> str:
    for factor, unit in ((3600, "s"), (60, "min"), (1, "h")):
        if hours * factor < 100:
            return f"{hours * factor:.1f} {unit}"
    return f"{hours / 24:.1f} days"
