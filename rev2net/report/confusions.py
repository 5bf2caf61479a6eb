"""What every row takes for what: accuracy by class, and a confusion matrix of those on RGB.

All splits and seeds of a row together.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rev2net.evaluation.metrics import per_class
from rev2net.figures.confusion import confusion_matrix, count_confusions, most_confused
from rev2net.report.blocks import (
    Grid,
    Picture,
    Section,
    galleries,
    number,
    picture,
    section,
)
from rev2net.runs.record import StoredRun, first_by_benchmark, label, same_row
from rev2net.runs.scores import read_scores


def confusion_section(stored: Sequence[StoredRun]) -> Section:
    """The matrices of every benchmark."""

    def matrices(runs: list[StoredRun]) -> Iterator[Picture]:
        for one in runs:
            if one.run.input != "rgb" or (pooled := _pooled(stored, one)) is None:
                continue
            names, scores_NC, label_N = pooled
            count_CC = count_confusions(label_N, scores_NC.argmax(axis=1), len(names))
            row, place = label(one, runs), one.place
            confused = most_confused(count_CC, names, 2)
            pairs = ", ".join(f"{a} → {b} {share:.0f} %" for a, b, share in confused)
            worst = f"Most confused: {pairs or 'nothing'}"
            alt = f"Confusion matrix of {row} on {place}. {worst}"
            yield picture(confusion_matrix(row, count_CC, names), alt, f"{worst}.")

    return section(
        "confusion",
        "Classes",
        "Matrices of RGB rows: percent of a true class, over all finished splits and seeds of the "
        "row. Below them every row, class by class.",
        [*galleries(stored, matrices, printed=5), *_by_class(stored)],
        "Classes: `rev2net stage evaluate` writes the scores.",
    )


def _pooled(
    stored: Sequence[StoredRun], one: StoredRun
) -> tuple[list[str], NDArray[np.float32], NDArray[np.int64]] | None:
    """Class names, scores and labels of all splits and seeds of a row; None without videos."""
    files = [other.folder.scores("test") for other in same_row(stored, one.run)]
    found = [scores for path in files if path.exists() and len(scores := read_scores(path))]
    if not found:
        return None
    return (
        found[0].class_names,
        np.concatenate([scores.scores for scores in found]),
        np.concatenate([scores.label for scores in found]),
    )


def _by_class(stored: Sequence[StoredRun]) -> Iterator[Grid]:
    """Of each benchmark, the accuracy of every row in every class; shown when asked for."""
    for runs in first_by_benchmark(stored).values():
        rows: list[list[str] | str] = []
        for one in runs:
            if (pooled := _pooled(stored, one)) is None:
                continue
            rows.append(label(one, runs))
            names = pooled[0]
            for name, result in zip(names, per_class(*pooled[1:]), strict=True):
                other = "" if result.confused_with is None else names[result.confused_with]
                taken = f"{other} ({result.confusions})" if other else ""
                rows.append([name, taken, str(result.videos), number(result.accuracy)])
        if rows:
            head = ["Class", "Most taken for", "Test videos", "Accuracy"]
            place = runs[0].place
            yield Grid(f"{place}: every row by class.", head, rows, words=2, folded=True)
