"""What stands in the way of a plan on this machine: room, memory, files that are not there."""

import shutil
from pathlib import Path

from rev2net.config import Config
from rev2net.plan.estimate import Plan

ATTEMPTS = 3  # of a job in the profiles: retries 2
ROOM = 1.1  # temporary files and checkpoints of running trainings on top of what stays


def find_warnings(plan: Plan, config: Config, root: Path) -> list[str]:
    """One line for each; empty where nothing is known to be wrong."""
    found = []
    free = shutil.disk_usage(root).free
    if plan.disk * ROOM > free:
        found.append(
            f"disk: {plan.disk * ROOM / 1e9:,.0f} GB needed in {root.resolve()}, "
            f"{free / 1e9:,.0f} GB free"
        )
    on_gpus = any(stage.gpu_hours for stage in plan.stages)
    resources = config.resources
    requested, card = resources.memory_mb * 1e6, resources.gpu_memory_mb
    for stage in plan.stages:
        trains = stage.name.startswith(("train", "evaluate"))
        if trains and not on_gpus and stage.memory > requested:
            found.append(
                f"memory: {stage.name} takes about {stage.memory / 1e6:,.0f} MB; "
                f"resources.memory_mb is {resources.memory_mb}"
            )
        if trains and on_gpus and card is not None and stage.memory > card * 1e6:
            found.append(
                f"GPU memory: {stage.name} takes about {stage.memory / 1e6:,.0f} MB; "
                f"resources.gpu_memory_mb is {card}: set optimisation.accumulate or test.batch"
            )
        given = resources.minutes * ATTEMPTS / 60
        if trains and stage.longest > given:
            found.append(
                f"time: the longest job of {stage.name} takes about {stage.longest:,.0f} h, "
                f"{ATTEMPTS} attempts of resources.minutes {resources.minutes} are {given:,.0f} h"
                + (
                    "; it has to be started again (docs/cluster.md)"
                    * stage.name.startswith("train")
                )
            )
    if config.mini is None:
        for name in plan.datasets:
            settings = config.datasets[name]  # type: ignore[index]
            if not settings.unpacked and not (root / settings.root).is_dir():
                found.append(f"datasets.{name}.root: no folder {settings.root}")
            found += [
                f"datasets.{name}.archives: no file {archive}"
                for archive in settings.archives
                if not (root / archive).exists()
            ]
    files = {source.file for source in config.initial_weights.values() if not source.url}
    found += [
        f"initial_weights: no file {file}" for file in sorted(files) if not (root / file).exists()
    ]
    return found
