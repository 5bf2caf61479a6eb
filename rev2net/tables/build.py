"""Build a table: the stored scores of every cell's runs to one tidy row a cell and metric.

Every number is computed here from scores files; nothing is carried over from a training's log.
A cell whose runs are not all there stays empty and says why.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rev2net.config import Config, digest
from rev2net.paper.tables import Cell, cell_runs, cells
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores
from rev2net.tables.measure import (
    IN_DOMAIN,
    TEST_METRICS,
    TOP1,
    Metric,
    PerVideo,
    accuracy,
    intervals,
    per_video,
)
from rev2net.tables.stored import StoredScores, by_split, distinct

# fmt: off
COLUMNS = [
    "table", "row", "method", "input", "init", "adapt", "benchmark", "configuration", "metric",
    "measured", "std", "ci_low", "ci_high", "seeds", "splits", "paper", "delta",
    "videos_evaluated", "videos_expected", "protocol", "provenance",
]
# fmt: on
DECIMALS = 2  # of percent
DIGEST_LENGTH = 12  # hex digits of a sha256 in provenance: enough to tell files apart


def build(table: str, config: Config, root: str | Path) -> pd.DataFrame:
    """The tidy frame of a table from the scores below `root`, columns as in docs/formats.md.

    Raises UserError for an unknown table and for scores files that are broken, belong to another
    run than their folder says, or have other videos, classes or labels than their neighbours.
    """
    return measure_cells(cells(table, config), config, StoredScores(root, config))


def measure_cells(chosen: list[Cell], config: Config, reader: StoredScores) -> pd.DataFrame:
    """The rows of some cells: one a metric, or a single empty one with the reason."""
    rows: list[dict[str, object]] = []
    # Accuracies on the same videos, whose intervals are found together.
    waiting: dict[tuple[object, ...], list[tuple[dict[str, object], PerVideo]]] = {}
    for cell in chosen:
        for metric, stored, reason in _measurable(cell, config, reader):
            row = _row(cell, config, metric, stored, reason)
            rows.append(row)
            if reason:
                continue
            splits = by_split(stored)
            mean, std = accuracy(metric, splits)
            comparable = config.reproduces_paper and not cell.on_other_videos
            delta = mean - row["paper"] if comparable else np.nan  # type: ignore[operator]
            row |= {
                "measured": round(mean, DECIMALS),
                "std": round(std, DECIMALS),
                "delta": round(delta, DECIMALS),
            }
            key = (cell.benchmark, metric is IN_DOMAIN, metric.by_class)
            waiting.setdefault(key, []).append((row, per_video(metric, splits)))
    for measured in waiting.values():
        found = intervals([sample for _, sample in measured])
        for (row, _), (low, high) in zip(measured, found, strict=True):
            row |= {"ci_low": round(low, DECIMALS), "ci_high": round(high, DECIMALS)}
    counts = ("videos_evaluated", "videos_expected")
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(counts, "Int64"))


def _measurable(
    cell: Cell, config: Config, reader: StoredScores
) -> Iterator[tuple[Metric, list[Scores], str]]:
    """The metrics of a cell with the scores they take, or with the reason why there are none."""
    runs = cell_runs(cell, config)
    stored, reason = reader.read(runs, "test")
    if reason:
        yield TOP1, stored, reason
        return
    for metric in TEST_METRICS:
        if metric.k == 1 or metric.k < stored[0].scores.shape[1]:
            yield metric, stored, ""
    if reader.has_any(runs, "val"):
        stored, reason = reader.read(runs, "val")
        if any(scores.videos_expected for scores in stored) or not stored:  # else: none held out
            yield IN_DOMAIN, stored, reason


def _row(
    cell: Cell,
    config: Config,
    metric: Metric,
    stored: list[Scores],
    reason: str,
) -> dict[str, object]:
    """A row of the CSV, its measurement still empty; `reason` says why it stays so."""
    runs = cell_runs(cell, config)
    one_a_split = {scores.split: scores for scores in stored}.values()
    # The paper has one number a cell: its accuracy, which is top-1.
    paper = cell.paper if metric is TOP1 and cell.paper is not None else np.nan
    return {
        **vars(cell),
        "configuration": config.name,
        "metric": metric.name,
        **dict.fromkeys(("measured", "std", "ci_low", "ci_high", "delta"), np.nan),
        "seeds": len({run.seed for run in runs}),
        "splits": len({run.split for run in runs}),
        "paper": paper,
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
        "class_map": distinct(s.class_map.replace(" ", ":") for s in stored if s.class_map),
        "checkpoint": distinct(
            word[:DIGEST_LENGTH] for scores in stored for word in scores.checkpoint.split(",")
        ),
        "runs": [run.path for run in runs],
    }
    return ";".join(f"{key}={','.join(values)}" for key, values in parts.items() if values)
