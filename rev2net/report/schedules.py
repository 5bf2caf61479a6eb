"""How long cross-dataset trainings need to be: the curves that say so, and what follows."""

from pathlib import Path

import numpy as np
import pandas as pd

from rev2net.config import Config
from rev2net.experiments import INPUT_LABELS
from rev2net.figures.learning import length_curves
from rev2net.figures.sensitivity import accuracy_limits
from rev2net.paper.tables import benchmark_label
from rev2net.report.blocks import Gallery, Picture, Section, number, picture, read_rows

LEAD = (
    "Accuracy on source videos that were held out of the training list by whole groups, along one "
    "training of the recipe's own length. The same rule for every stream: the shortest length "
    "after which no measurement is better by more than one standard error of the difference, "
    "paired over source groups (the band is that of one measurement). That a schedule shortened to "
    "a point ends as high is assumed: the rate drops earlier then. No "
    "label of the target and no test video was read. A configuration trains at the chosen lengths "
    "where its recipes_from names schedules.yaml."
)


def schedules_section(config: Config, results: Path) -> Section:
    """A curve a stream and benchmark, the chosen length marked, with a sentence each."""
    title = "How many epochs a source needs"
    frame = read_rows(results / "schedules.csv")
    if frame is None:
        made = ["Lengths of trainings: `snakemake results/schedules.csv` measures them."]
        return Section("schedules", title, missing=made)
    blocks = []
    for benchmark, rows in frame.groupby("benchmark", sort=False):
        ends = (
            rows["top1_val"] - rows["standard_error"],
            rows["top1_val"] + rows["standard_error"],
        )
        limits = accuracy_limits(np.concatenate(ends))
        pictures = [
            _curve(stream, limits, config)
            for _, stream in rows.groupby(["method", "input"], sort=False)
        ]
        blocks.append(Gallery(benchmark_label(str(benchmark), config), pictures))
    return Section("schedules", title, LEAD, blocks)


def _curve(rows: pd.DataFrame, limits: tuple[float, float], config: Config) -> Picture:
    first, last = rows.iloc[0], rows.iloc[-1]
    place = int(rows["chosen"].argmax())
    chosen = rows.iloc[place]
    name = f"{config.all_methods[first['method']].label} {INPUT_LABELS[first['input']]}"
    sentence = (
        f"{chosen['epoch']:.4g} of {last['epoch']:.4g} epochs: {number(chosen['top1_val'])} % of "
        f"{last['videos']} videos in {last['groups']} groups there, {number(last['top1_val'])} % "
        "at the end."
    )
    if place == len(rows) - 1:
        sentence = (
            f"All {last['epoch']:.4g} epochs: {number(last['top1_val'])} % of {last['videos']} "
            f"videos in {last['groups']} groups at the end; each measurement before is "
            "clearly below a later one, or not above chance."
        )
    drawn = length_curves(
        name, rows["epoch"], rows["top1_val"], rows["standard_error"], place, limits
    )
    return picture(drawn, f"Accuracy of {name} on held-out source videos. {sentence}", sentence)
