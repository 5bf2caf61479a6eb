"""Collect the runs of the coarse-to-fine search: `search.csv`, one row a point, the choice marked.

Only validation videos are read, which are held out of the training list by whole groups.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from rev2net.config import Config, CrossDataset, TrainSettings, digest, parse_settings
from rev2net.errors import UserError
from rev2net.evaluation import metrics
from rev2net.evaluation.statistics import bootstrap_intervals
from rev2net.runs.folder import WorkFolder
from rev2net.runs.scores import Scores, disagreement, read_scores
from rev2net.search import Point, points, search_settings, space_of
from rev2net.tables.build import by_split, read_own_scores

WEIGHTS = ("share", "flow", "frames", "feature_discrepancy", "latent_discrepancy")
# fmt: off
COLUMNS = [
    "space", "stage", "point", *WEIGHTS, "learning_rate", "top1_val", "ci_low", "ci_high", "spread",
    "loss_val", "videos", "chosen", "trials", "benchmark", "split", "seeds", "configuration",
]
# fmt: on


def collect(config: Config, root: str | Path) -> pd.DataFrame:
    """The points of the search, all finished, best first in each space and benchmark.

    Chosen is the highest accuracy, of the mean over seeds; of equal ones the lowest cross-entropy.
    Accuracies in percent, intervals over source groups and seeds, `spread` the standard deviation
    over seeds. Raises UserError for a run that is missing or that scored other videos than its
    neighbours.
    """
    first: dict[str, tuple[Path, Scores]] = {}
    runs: dict[tuple[str, str, str], list[tuple[Point, Path, Scores]]] = {}
    for point in points(config):
        path = WorkFolder(Path(root)).point(point.run.path, point.name).scores("val")
        scores = read_own_scores(path, point.run, "val", config)
        _check_alike(*first.setdefault(point.run.benchmark, (path, scores)), path, scores)
        key = (point.run.benchmark, space_of(point.run), point.name)
        runs.setdefault(key, []).append((point, path, scores))
    rows = [_row(of_point, config) for of_point in runs.values()]
    frame = pd.DataFrame(_best_first(rows), columns=COLUMNS)
    frame = frame.sort_values(["benchmark", "space"], kind="stable", ignore_index=True)
    searched = ["benchmark", "space"]
    frame["chosen"] = ~frame.duplicated(searched)
    frame["trials"] = frame.groupby(searched)["point"].transform("size")
    return frame


def best_values(coarse: Sequence[Path], keys: Iterable[str]) -> dict[str, float]:
    """The searched settings of the best coarse point, chosen as `collect` chooses.

    `coarse`: the scores files of all coarse points of a space on a benchmark, of every seed. Raises
    UserError where one is not there or its point was trained with other settings.
    """
    of_points: dict[str, list[tuple[Path, Scores]]] = {}
    for path in coarse:
        of_points.setdefault(path.parent.name, []).append((path, read_scores(path)))
    every = [one for of_point in of_points.values() for one in of_point]
    for path, scores in every:
        _check_alike(*every[0], path, scores)
    found = [{"point": name, **_measured(of_point)} for name, of_point in of_points.items()]
    best = _best_first(found)[0]
    return {key: float(str(best[key])) for key in keys}


def _check_alike(first: Path, expected: Scores, path: Path, scores: Scores) -> None:
    """Raise UserError where points scored other videos than the first, or none."""
    if not len(scores):
        raise UserError(f"{path}: no video; raise search.validation_fraction")
    if difference := disagreement(expected, scores, ("split_digest", "videos_expected")):
        raise UserError(f"{first} and {path} do not belong together: {difference}")


def _best_first(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    frame = pd.DataFrame(rows).sort_values(
        ["top1_val", "loss_val", "point"], ascending=[False, True, True]
    )
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def recipes_found(frame: pd.DataFrame, config: Config) -> str:
    """The chosen settings as YAML that a configuration takes in by `recipes_from`.

    What was found on a benchmark is for the start that the search had, on that benchmark and on
    those across datasets that train on the same one: a choice that rests on the labels of a target
    would be none, and another benchmark within the dataset may test on what this one held out.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in frame[frame["chosen"]].to_dict("records"):
        keys = search_settings(config).spaces[row["space"]].coarse
        parts: dict[str, dict[str, float]] = {}
        for key in keys:
            part = "loss" if key in WEIGHTS else "optimisation"
            parts.setdefault(part, {})[key] = float(f"{row[key]:.4g}")
        source = config.benchmarks[row["benchmark"]].datasets[0]
        for name, benchmark in config.benchmarks.items():
            trained_alike = isinstance(benchmark, CrossDataset) and benchmark.source == source
            if name == row["benchmark"] or trained_alike:
                found[f"{row['space']}.{config.within_dataset_tables.init}.{name}"] = parts
    head = (
        f"# Chosen on validation videos by the search of configuration {config.name!r}: the\n"
        "# trials are in search.csv beside this file. A configuration runs with it by the line\n"
        f"# recipes_from: results/{config.name}/search.yaml\n"
    )
    return head + yaml.safe_dump(found, sort_keys=True, default_flow_style=None)


def _row(runs: list[tuple[Point, Path, Scores]], config: Config) -> dict[str, object]:
    """A point, over its seeds."""
    point = runs[0][0]
    return {
        "space": space_of(point.run),
        "stage": point.stage,
        "point": point.name,
        **_measured([(path, scores) for _, path, scores in runs]),
        "benchmark": point.run.benchmark,
        "split": point.run.split,
        "seeds": " ".join(str(each.run.seed) for each, *_ in runs),
        "configuration": config.name,
    }


def _measured(runs: list[tuple[Path, Scores]]) -> dict[str, object]:
    """What a point's scores come to, and the settings that may be searched; over its seeds."""
    for path, scores in runs:
        settings = parse_settings(TrainSettings, str(path.with_name("settings.json")))
        if scores.settings.split(".")[0] != digest(settings.of_numbers):
            raise UserError(f"{path}: trained with other settings than settings.json beside it")
    (split,) = by_split([scores for _, scores in runs])
    hits_SN = 100.0 * np.stack([metrics.hits(seed, split.label_N) for seed in split.scores_SNC])
    low, high = bootstrap_intervals(hits_SN[None], split.group_N)[0]
    return {
        **{name: getattr(settings.loss, name) for name in WEIGHTS},
        "learning_rate": settings.optimisation.learning_rate,
        "top1_val": round(float(hits_SN.mean()), 2),
        "ci_low": round(low, 2),
        "ci_high": round(high, 2),
        "spread": round(float(hits_SN.mean(1).std(ddof=1)), 2) if len(runs) > 1 else None,
        "loss_val": round(float(np.mean([_cross_entropy(each) for _, each in runs])), 4),
        "videos": len(split.label_N),
    }


def _cross_entropy(scores: Scores) -> float:
    """Mean over videos of -log of the true class's probability."""
    values_NC = scores.scores.astype(np.float64)
    if scores.space == "logit":
        values_NC = np.exp(values_NC - values_NC.max(axis=1, keepdims=True))
    probability_NC = values_NC / values_NC.sum(axis=1, keepdims=True)
    truth_N = probability_NC[np.arange(len(scores)), scores.label]
    return float(-np.log(np.maximum(truth_N, 1e-12)).mean())
