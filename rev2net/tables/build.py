"""Build a table: the stored scores of every cell's runs to one tidy row a cell and metric.

Every number is computed here from scores files, which are read once and checked against each other;
nothing is carried over from a training's log. A cell whose runs are not all there stays empty and
says why.

Shapes: S seeds, N videos, C classes, K splits.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rev2net.config import Config, digest
from rev2net.errors import UserError
from rev2net.evaluation import metrics
from rev2net.evaluation.statistics import bootstrap_intervals
from rev2net.experiments import scores_digest
from rev2net.paper.tables import Cell, cells
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import Scores, disagreement, read_checkpoint, read_scores

# fmt: off
COLUMNS = [
    "table", "row", "method", "input", "init", "adapt", "benchmark", "configuration", "metric",
    "measured", "std", "ci_low", "ci_high", "seeds", "splits", "paper", "delta",
    "videos_evaluated", "videos_expected", "protocol", "provenance",
]
# fmt: on
DECIMALS = 4  # of percent: those of a table, one, are rounded from more than two
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


def build(table: str, config: Config, root: str | Path) -> pd.DataFrame:
    """The tidy frame of a table from the scores below `root`, columns as in docs/formats.md.

    Raises UserError for an unknown table and for scores files that are broken, belong to another
    run than their folder says, or have other videos, classes or labels than their neighbours.
    """
    return measure_cells(cells(table, config), config, StoredScores(root, config))


def measure_cells(chosen: list[Cell], config: Config, reader: "StoredScores") -> pd.DataFrame:
    """The rows of some cells: one a metric, or a single empty one with the reason."""
    rows: list[dict[str, object]] = []
    # Accuracies on the same videos, whose intervals are found together: quicker, and each gets
    # what it gets alone.
    waiting: dict[tuple[object, ...], list[tuple[dict[str, object], PerVideo]]] = {}
    for cell in chosen:
        for metric, stored, reason in _measurable(cell, reader):
            row = _row(cell, config, metric, stored, reason)
            rows.append(row)
            if reason:
                continue
            splits = by_split(stored)
            mean, std = accuracy(metric, splits)
            comparable = config.reproduces_paper and not cell.on_other_videos
            delta = mean - row["paper"] if comparable else np.nan  # type: ignore[operator]
            found = {"measured": mean, "std": std, "delta": delta}
            row |= {name: round(value, DECIMALS) for name, value in found.items()}
            key = (cell.benchmark, metric is IN_DOMAIN, metric.by_class)
            waiting.setdefault(key, []).append((row, per_video(metric, splits)))
    for measured in waiting.values():
        value_RSN = np.stack([values.value_SN for _, values in measured])
        _, group_N, stratum_N, split_N = measured[0][1]
        intervals = bootstrap_intervals(value_RSN, group_N, stratum_N, split=split_N)
        for (row, _), (low, high) in zip(measured, intervals, strict=True):
            row |= {"ci_low": round(low, DECIMALS), "ci_high": round(high, DECIMALS)}
    counts = ("videos_evaluated", "videos_expected")
    return pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(counts, "Int64"))


def _measurable(cell: Cell, reader: "StoredScores") -> Iterator[tuple[Metric, list[Scores], str]]:
    """The metrics of a cell with the scores they take, or with the reason why there are none."""
    stored, reason = reader.read(cell.runs, "test")
    if reason:
        yield TOP1, stored, reason
        return
    for metric in TEST_METRICS:
        if metric.k == 1 or metric.k < stored[0].scores.shape[1]:
            yield metric, stored, ""
    if any(reader.path(run, "val").exists() for run in cell.runs):
        stored, reason = reader.read(cell.runs, "val")
        if any(scores.videos_expected for scores in stored) or not stored:  # else: none held out
            yield IN_DOMAIN, stored, reason


def _row(
    cell: Cell, config: Config, metric: Metric, stored: list[Scores], reason: str
) -> dict[str, object]:
    """A row of the CSV, its measurement still empty; `reason` says why it stays so."""
    one_a_split = {scores.split: scores for scores in stored}.values()
    # The paper has one number a cell: its accuracy, which is top-1.
    paper = cell.paper if metric is TOP1 and cell.paper is not None else np.nan
    return {
        **vars(cell),
        "configuration": config.name,
        "metric": metric.name,
        **dict.fromkeys(("measured", "std", "ci_low", "ci_high", "delta"), np.nan),
        "seeds": len({run.seed for run in cell.runs}),
        "splits": len({run.split for run in cell.runs}),
        "paper": paper,
        "videos_evaluated": sum(map(len, one_a_split)) if stored else None,
        "videos_expected": sum(s.videos_expected for s in one_a_split) if stored else None,
        "protocol": " | ".join(distinct(scores.protocol for scores in stored)),
        "provenance": _provenance(cell, config, stored, reason),
    }


def _provenance(cell: Cell, config: Config, stored: list[Scores], reason: str) -> str:
    """`key=value,value;…`: why the cell is empty, if it is, and what it was made from.

    `notes`, which are sentences, stand last.
    """
    parts = {
        "empty": [reason] if reason else [],
        "commit": distinct(word for scores in stored for word in scores.commit.split(",")),
        "config": [digest(config)],
        "split": distinct(scores.split_digest[:DIGEST_LENGTH] for scores in stored),
        "class_map": distinct(s.class_map.replace(" ", ":") for s in stored if s.class_map),
        "checkpoint": distinct(
            word[:DIGEST_LENGTH] for scores in stored for word in scores.checkpoint.split(",")
        ),
        "runs": [run.path for run in cell.runs],
    }
    words = [f"{key}={','.join(values)}" for key, values in parts.items() if values]
    if notes := distinct(scores.notes for scores in stored if scores.notes):
        words.append(f"notes={'; '.join(notes)}")
    return ";".join(words)


class StoredScores:
    """Reads scores files and checks that those of one benchmark and split belong together."""

    # What all rows of a split share, so that no two of them are measured on different videos.
    SHARED = ("configuration", "split_digest", "class_map", "videos_expected")

    def __init__(self, root: str | Path, config: Config) -> None:
        self._root = Path(root)
        self._config = config
        self._first: dict[tuple[str, int, str], tuple[Path, Scores]] = {}

    def path(self, run: Run, part: str) -> Path:
        return WorkFolder(self._root).run(run).scores(part)

    def read(self, runs: Sequence[Run], part: str) -> tuple[list[Scores], str]:
        """The scores of all runs; or why they cannot be measured."""
        missing = [path for run in runs if not (path := self.path(run, part)).exists()]
        if missing:
            name = missing[0].relative_to(self._root)
            return [], f"missing {len(missing)} of {len(runs)} scores files, first {name}"
        stored = [self._read_one(run, part) for run in runs]
        return stored, "" if all(map(len, stored)) else "no usable video"

    def _read_one(self, run: Run, part: str) -> Scores:
        path = self.path(run, part)
        scores = read_own_scores(path, run, part, self._config)
        if scores.settings != scores_digest(run, self._config):
            raise UserError(
                f"{path}: made with other settings than configuration {self._config.name!r} has "
                "now; make it again with snakemake"
            )
        self._check_streams(run, part, path, scores)
        first_path, first = self._first.setdefault((run.benchmark, run.split, part), (path, scores))
        difference = disagreement(first, scores, self.SHARED)
        if difference:
            raise UserError(f"{first_path} and {path} do not belong together: {difference}")
        return scores

    def _check_streams(self, run: Run, part: str, path: Path, scores: Scores) -> None:
        """Refuse fused scores of streams that have been made again since."""
        if len(run.streams) == 1:
            return
        for (stream, _), used in zip(run.streams, scores.checkpoint.split(","), strict=True):
            beside = self.path(stream, part)
            if beside.exists() and read_checkpoint(beside) != used:
                raise UserError(
                    f"{path}: fused of another version of {beside}; make it again with snakemake"
                )


def read_own_scores(path: Path, run: Run, part: str, config: Config) -> Scores:
    """A scores file that has to be of this run; raises UserError for another's."""
    scores = read_scores(path)
    for key, value in {**vars(run), "part": part, "configuration": config.name}.items():
        if (found := getattr(scores, key)) != value:
            raise UserError(f"{path}: {key} is {found!r}, {value!r} expected there")
    return scores


@dataclass(frozen=True)
class SplitScores:
    """The scores of one split by all seeds, videos in one order."""

    scores_SNC: NDArray[np.float32]
    label_N: NDArray[np.int64]
    group_N: list[str]
    coverage: float  # videos scored of those expected


def by_split(stored: list[Scores]) -> list[SplitScores]:
    """Stack the seeds of each split, videos in the order of their names."""
    found = []
    for index in distinct(scores.split for scores in stored):
        seeds = [scores for scores in stored if scores.split == index]
        orders = [np.argsort(np.array(scores.video_id)) for scores in seeds]
        pairs = zip(seeds, orders, strict=True)
        first, order = seeds[0], orders[0]
        found.append(
            SplitScores(
                scores_SNC=np.stack([scores.scores[rows] for scores, rows in pairs]),
                label_N=first.label[order],
                group_N=[first.group[row] for row in order],
                coverage=len(first) / first.videos_expected,
            )
        )
    return found


class PerVideo(NamedTuple):
    """What a resampling takes, split after split, in each the videos in the order of their names.

    `value_SN` in percent, of each seed.
    """

    value_SN: NDArray[np.float64]
    group_N: list[str]
    stratum_N: NDArray[np.int64]  # split, or class in a split
    split_N: NDArray[np.int64]


def accuracy(metric: Metric, splits: list[SplitScores]) -> tuple[float, float]:
    """Mean over splits and seeds, and standard deviation over seeds (NaN for one); percent."""
    accuracy_KS = np.empty((len(splits), len(splits[0].scores_SNC)))
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        for seed, scores_NC in enumerate(split.scores_SNC):
            accuracy_KS[row, seed] = scale * (
                metrics.mean_class(scores_NC, split.label_N)
                if metric.by_class
                else metrics.topk(scores_NC, split.label_N, metric.k)
            )
    of_seed = accuracy_KS.mean(axis=0)
    std = of_seed.std(ddof=1) if len(of_seed) > 1 else np.nan
    return float(of_seed.mean()), float(std)


def per_video(metric: Metric, splits: list[SplitScores]) -> PerVideo:
    """The values whose mean is the accuracy, with their source groups and strata."""
    value, group, stratum, of_split = [], [], [], []
    for row, split in enumerate(splits):
        scale = split.coverage if metric.of_expected else 1.0
        hits_SN = [metrics.hits(scores, split.label_N, metric.k) for scores in split.scores_SNC]
        value.append(100 * scale * np.stack(hits_SN))
        group += split.group_N
        num_classes = split.scores_SNC.shape[2]
        stratum.append(row * num_classes + split.label_N * metric.by_class)
        of_split.append(np.full(len(split.label_N), row))
    return PerVideo(
        np.concatenate(value, axis=1), group, np.concatenate(stratum), np.concatenate(of_split)
    )


T = TypeVar("T", bound=Hashable)


def distinct(values: Iterable[T]) -> list[T]:
    """The values without repetitions, in order of first appearance."""
    return list(dict.fromkeys(values))
