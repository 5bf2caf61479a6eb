"""Build a table: the stored scores of every cell's runs to one tidy row a cell and metric.

Every number is computed here from scores files; nothing is carried over from a training's log.
A cell whose runs are not all there stays empty and says why.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rev2net.config import Config, digest
from rev2net.evaluation import metrics
from rev2net.evaluation.scores import Scores
from rev2net.evaluation.statistics import bootstrap_interval
from rev2net.experiments import Run
from rev2net.paper import Cell, cell_runs, cells
from rev2net.tables.stored import SplitScores, StoredScores, by_split, distinct

# fmt: off
COLUMNS = [
    "table", "row", "method", "input", "init", "adapt", "benchmark", "configuration", "metric",
    "measured", "std", "ci_low", "ci_high", "seeds", "splits", "paper", "delta",
    "videos_evaluated", "videos_expected", "protocol", "provenance",
]
# fmt: on
DECIMALS = 2  # of percent
DIGEST_LENGTH = 12  # hex digits of a sha256 in provenance: enough to tell files apart


class Metric(NamedTuple):
    """An accuracy of the CSV's `metric` column."""

    name: str
    k: int = 1  # right is a true class among the k best
    by_class: bool = False  # classes weigh alike, not videos
    of_expected: bool = False  # expected videos without scores count as wrong


TOP1 = Metric("top1")  # the paper's accuracy
TEST_METRICS = (
    TOP1,
    Metric("mean_class", by_class=True),
    Metric("top5", k=5),  # left out where it cannot be wrong: up to 5 classes
    Metric("top1_of_expected", of_expected=True),
)
IN_DOMAIN = Metric("top1_in_domain")  # on the part `val`


class Measurement(NamedTuple):
    """A metric's mean over splits and seeds, spread over seeds and 95 % interval; percent."""

    mean: float
    std: float
    low: float
    high: float


NOTHING = Measurement(np.nan, np.nan, np.nan, np.nan)


def build(table: str, config: Config, root: str | Path) -> pd.DataFrame:
    """The tidy frame of a table from the scores below `root`, columns as in docs/formats.md.

    Raises UserError for an unknown table and for scores files that are broken, belong to another
    run than their folder says, or have other videos, classes or labels than their neighbours.
    """
    reader = StoredScores(root, config.name)
    rows = [row for cell in cells(table, config) for row in measure_cell(cell, config, reader)]
    counts = ("videos_evaluated", "videos_expected")
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(counts, "Int64"))


def measure_cell(cell: Cell, config: Config, reader: StoredScores) -> list[dict[str, object]]:
    """The rows of one cell: one a metric, or a single empty one with the reason."""
    runs = cell_runs(cell, config)
    stored, reason = reader.read(runs, "test")
    if reason:
        return [_row(cell, config, TOP1, NOTHING, stored, reason)]
    splits = by_split(stored)
    rows = [
        _row(cell, config, metric, measure(metric, splits), stored)
        for metric in TEST_METRICS
        if metric.k == 1 or metric.k < splits[0].scores_SNC.shape[2]
    ]
    if reader.has_any(runs, "val"):
        stored, reason = reader.read(runs, "val")
        if any(scores.videos_expected for scores in stored) or not stored:  # else: none held out
            found = NOTHING if reason else measure(IN_DOMAIN, by_split(stored))
            rows.append(_row(cell, config, IN_DOMAIN, found, stored, reason))
    return rows


def measure(metric: Metric, splits: list[SplitScores]) -> Measurement:
    """One metric of one cell.

    The interval resamples source groups, in all splits at once; a video's hits are averaged over
    seeds first, so it speaks of the videos, and `std` of the seeds.
    """
    accuracy_KS = np.empty((len(splits), len(splits[0].scores_SNC)))
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        for seed, scores_NC in enumerate(split.scores_SNC):
            accuracy_KS[row, seed] = scale * (
                metrics.mean_class(scores_NC, split.label_N)
                if metric.by_class
                else metrics.topk(scores_NC, split.label_N, metric.k)
            )
    low, high = bootstrap_interval(*per_video(metric, splits))
    of_seed = accuracy_KS.mean(axis=0)
    std = of_seed.std(ddof=1) if len(of_seed) > 1 else np.nan
    return Measurement(float(of_seed.mean()), float(std), low, high)


def per_video(
    metric: Metric, splits: list[SplitScores]
) -> tuple[NDArray[np.float64], list[str], NDArray[np.int64]]:
    """What a resampling takes: values (N,) in percent, averaged over seeds; groups; strata (N,).

    Split after split, in each the videos in the order of their names.
    """
    value, group, stratum = [], [], []
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        hits_SN = [metrics.hits(scores, split.label_N, metric.k) for scores in split.scores_SNC]
        value.append(100 * scale * np.mean(hits_SN, axis=0))
        group += split.group_N
        num_classes = split.scores_SNC.shape[2]
        stratum.append(row * num_classes + split.label_N * metric.by_class)
    return np.concatenate(value), group, np.concatenate(stratum)


def _row(
    cell: Cell,
    config: Config,
    metric: Metric,
    found: Measurement,
    stored: list[Scores],
    reason: str = "",
) -> dict[str, object]:
    """A row of the CSV; `reason` says why `found` is empty."""
    runs = cell_runs(cell, config)
    one_a_split = {scores.split: scores for scores in stored}.values()
    # The paper has one number a cell: its accuracy, which is top-1.
    paper = cell.paper if metric is TOP1 and cell.paper is not None else np.nan
    delta = found.mean - paper if config.reproduces_paper else np.nan
    return {
        **vars(cell),
        "configuration": config.name,
        "metric": metric.name,
        "measured": round(found.mean, DECIMALS),
        "std": round(found.std, DECIMALS),
        "ci_low": round(found.low, DECIMALS),
        "ci_high": round(found.high, DECIMALS),
        "seeds": len({run.seed for run in runs}),
        "splits": len({run.split for run in runs}),
        "paper": paper,
        "delta": round(delta, DECIMALS),
        "videos_evaluated": sum(map(len, one_a_split)) if stored else None,
        "videos_expected": sum(s.videos_expected for s in one_a_split) if stored else None,
        "protocol": " | ".join(distinct(scores.protocol for scores in stored)),
        "provenance": _provenance(config, runs, stored, reason),
    }


def _provenance(config: Config, runs: list[Run], stored: list[Scores], reason: str) -> str:
    """`key=value,value;…`: why the cell is empty, if it is, and what it was made from."""
    parts = {
        "empty": [reason] if reason else [],
        "commit": distinct(word for scores in stored for word in scores.commit.split(",")),
        "config": [digest(config)],
        "split": distinct(scores.split_digest[:DIGEST_LENGTH] for scores in stored),
        "checkpoint": distinct(
            word[:DIGEST_LENGTH] for scores in stored for word in scores.checkpoint.split(",")
        ),
        "runs": [run.path for run in runs],
    }
    return ";".join(f"{key}={','.join(values)}" for key, values in parts.items() if values)
