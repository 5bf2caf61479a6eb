"""What every row takes for what: accuracy by class, and a confusion matrix of those on RGB.

All splits and seeds of a row together.
"""

from collections.abc import Iterator, Sequence

import numpy as np

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
from rev2net.runs.record import StoredRun, by_benchmark, first_of_each, label, same_row
from rev2net.runs.scores import read_scores


def confusion_section(stored: Sequence[StoredRun]) -> Section:
    """The matrices of every benchmark."""

    def matrices(runs: list[StoredRun]) -> Iterator[Picture]:
        for one in runs:
            files = [other.folder.scores("test") for other in same_row(stored, one.run)]
            scores = [read_scores(path) for path in files if path.exists()]
            if one.run.input != "rgb" or not any(map(len, scores)):
                continue
            names = scores[0].class_names
            count_CC = count_confusions(
                np.concatenate([found.label for found in scores]),
                np.concatenate([found.scores.argmax(axis=1) for found in scores]),
                len(names),
            )
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


def _by_class(stored: Sequence[StoredRun]) -> Iterator[Grid]:
    """Of each benchmark, the accuracy of every row in every class; shown when asked for."""
    for runs in by_benchmark(first_of_each(stored)).values():
        rows: list[list[str] | str] = []
        for one in runs:
            files = [other.folder.scores("test") for other in same_row(stored, one.run)]
            scores = [read_scores(path) for path in files if path.exists()]
            if not any(map(len, scores)):
                continue
            rows.append(label(one, runs))
            names = scores[0].class_names
            found = per_class(
                np.concatenate([each.scores for each in scores]),
                np.concatenate([each.label for each in scores]),
            )
            for name, result in zip(names, found, strict=True):
                other = "" if result.confused_with is None else names[result.confused_with]
                taken = f"{other} ({result.confusions})" if other else ""
                rows.append([name, taken, str(result.videos), number(result.accuracy)])
        if rows:
            head = ["Class", "Most taken for", "Test videos", "Accuracy"]
            place = runs[0].place
            yield Grid(f"{place}: every row by class.", head, rows, words=2, folded=True)
