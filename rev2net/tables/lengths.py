"""How long cross-dataset trainings need to be: `schedules.csv`, and the recipes that follow.

The rule, for every stream alike: the shortest measured length after which no measurement is better
by more than one standard error of the difference. Measurements of one training are of the same
videos, so differences are paired, and clips of a source group count as one draw. This is Breiman's
one-standard-error rule, the simplest model that is not clearly worse than the best (Classification
and Regression Trees, 1984, section 3.4.3), of lengths. A measurement that is not above chance by
its own standard error is no reason to stop: nothing is learnt yet.

Only held-out source videos are read. Shapes: P measurements, G source groups.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import ArrayLike, NDArray

from rev2net.config import Config
from rev2net.digests import check_text, read_json
from rev2net.errors import UserError
from rev2net.experiments import Run, recipe_name
from rev2net.files import json_lines
from rev2net.runs.folder import WorkFolder
from rev2net.schedules import measured_runs, measured_settings

ROUNDING = 1e-6  # points: a gain in a single group is as large as its standard error
# fmt: off
COLUMNS = [
    "benchmark", "method", "input", "epoch", "step", "top1_val", "standard_error", "later_gain",
    "chosen", "videos", "groups", "split", "seed", "configuration",
]
# fmt: on


def later_gains(right: ArrayLike, videos: ArrayLike) -> NDArray[np.float64]:
    """By how much the best later measurement is better, less one standard error; (P,) in points.

    `right` (P, G) are the videos of each group that are right, `videos` (G,) all. The greatest such
    figure of all later measurements; of the last one, after which there is none, NaN.
    """
    right_PG, videos_G = np.asarray(right, float), np.asarray(videos, float)
    gains = np.full(len(right_PG), np.nan)
    for point in range(len(right_PG) - 1):
        more_PG = right_PG[point + 1 :] - right_PG[point]
        mean_P = 100.0 * more_PG.sum(axis=1) / videos_G.sum()
        gains[point] = (mean_P - standard_errors(more_PG, videos_G)).max()
    return gains


def standard_errors(right_PG: NDArray[np.float64], videos_G: NDArray[np.float64]) -> NDArray[Any]:
    """Of the mean over all videos, groups being drawn whole; (P,) in points. Needs two groups."""
    groups, number = len(videos_G), videos_G.sum()
    rest_PG = right_PG - right_PG.sum(axis=1, keepdims=True) / number * videos_G
    return 100.0 * np.sqrt(groups / (groups - 1) * (rest_PG**2).sum(axis=1)) / number


def chosen_measurement(right: ArrayLike, videos: ArrayLike, chance: float) -> int:
    """Which of P measurements has the length that suffices; `chance` in percent.

    >>> right = [[0, 1, 1], [2, 1, 2], [2, 2, 2], [2, 1, 2]]  # of three groups of two videos
    >>> chosen_measurement(right, [2, 2, 2], chance=10.0)  # one more video is no clear gain
    1
    """
    right_PG, videos_G = np.asarray(right, float), np.asarray(videos, float)
    top1_P = 100.0 * right_PG.sum(axis=1) / videos_G.sum()
    learnt_P = top1_P - standard_errors(right_PG, videos_G) > chance
    enough_P = learnt_P & ~(later_gains(right_PG, videos_G) > ROUNDING)
    enough_P[-1] = True
    return int(np.argmax(enough_P))


def collect(config: Config, root: Path) -> pd.DataFrame:
    """One row a measurement, the choice of each stream and benchmark marked; accuracies in percent.

    Raises UserError for a training that is missing, or that is of other settings or videos than
    its neighbours.
    """
    rows: list[dict[str, object]] = []
    splits: dict[str, tuple[Path, str]] = {}
    for run in measured_runs(config):
        files = WorkFolder(root).measured(run.path)
        folder, record = files.path, read_json(_made(files.record))
        if not measured_settings(run, config).same_numbers(record["settings"]):
            raise UserError(f"{folder}: trained with other settings than the configuration's")
        other, split = splits.setdefault(run.benchmark, (folder, record["split_digest"]))
        if split != record["split_digest"]:
            raise UserError(f"{other} and {folder} do not belong together: split_digest differs")
        chance = 100.0 / len(record["class_names"])
        rows += _measurements(run, config, files.held_out, chance)
    return pd.DataFrame(rows, columns=COLUMNS)


def recipes_shortened(frame: pd.DataFrame, config: Config) -> str:
    """The shorter lengths as YAML that a configuration takes in by `recipes_from`.

    Where the rate changes moves in proportion. A recipe that keeps its length is left out.
    """
    found: dict[str, dict[str, dict[str, object]]] = {}
    for run in measured_runs(config):
        rows = of_run(frame, run)
        place = int(rows["chosen"].argmax())
        part = (place + 1) / len(rows)  # measurements lie evenly
        if part == 1:
            continue
        own = measured_settings(run, config).optimisation
        length: dict[str, object] = {"steps": int(rows["step"].iloc[place])}
        if own.epochs is not None:
            length = {"epochs": round(part * own.epochs, 2)}
        for key in ("milestones", "restarts"):
            if places := getattr(own, key):
                length[key] = [round(part * place, 2) for place in places]
        # As particular as a search names its own, so that both can be taken in.
        stream = ".".join(recipe_name(run, config).split(".")[:2])
        found[f"{stream}.{run.init}.{run.benchmark}"] = {"optimisation": length}
    head = (
        f"# Chosen on held-out source videos by the schedules of configuration {config.name!r}:\n"
        "# the curves are in schedules.csv beside this file. A recipe that keeps its length is\n"
        "# not named. A configuration runs with it by the line\n"
        f"# recipes_from: results/{config.name}/schedules.yaml\n"
    )
    return head + yaml.safe_dump(found, sort_keys=True, default_flow_style=None)


def of_run(frame: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The measurements of one training."""
    own = (frame["benchmark"] == run.benchmark) & (frame["method"] == run.method)
    return frame[own & (frame["input"] == run.input)]


def _measurements(run: Run, config: Config, path: Path, chance: float) -> list[dict[str, object]]:
    """The rows of one training."""
    check_text(_made(path))
    lines = json_lines(path)
    names = list(lines[0]["groups"])
    if len(names) < 2:
        raise UserError(
            f"{path}: the held-out videos are of one source group, which says nothing; "
            "raise schedules.validation_fraction"
        )
    videos_G = np.array([lines[0]["groups"][name][1] for name in names], float)
    right_PG = np.array([[line["groups"][name][0] for name in names] for line in lines], float)
    gains, errors = later_gains(right_PG, videos_G), standard_errors(right_PG, videos_G)
    chosen = chosen_measurement(right_PG, videos_G, chance)
    return [
        {
            **{key: value for key, value in vars(run).items() if key in COLUMNS},
            "epoch": line["epoch"],
            "step": line["step"],
            "top1_val": round(line["top1"], 2),
            "standard_error": round(float(errors[point]), 2),
            "later_gain": round(float(gains[point]), 2),
            "chosen": point == chosen,
            "videos": line["videos"],
            "groups": len(names),
            "configuration": config.name,
        }
        for point, line in enumerate(lines)
    ]


def _made(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"{path}: no such file; `snakemake results/schedules.csv` makes it")
    return path
