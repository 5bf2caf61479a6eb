"""A confusion matrix for every row on RGB, all splits and seeds together."""

from collections.abc import Iterator, Sequence

import numpy as np

from rev2net.figures.confusion import confusion_matrix, count_confusions, most_confused
from rev2net.paper.tables import benchmark_label
from rev2net.report.blocks import Picture, Section, galleries, picture, section
from rev2net.runs.record import StoredRun, label, same_row
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
            row, place = label(one.run, runs), benchmark_label(one.run.benchmark)
            confused = most_confused(count_CC, names, 2)
            pairs = ", ".join(f"{a} → {b} {share:.0f} %" for a, b, share in confused)
            worst = f"Most confused: {pairs or 'nothing'}"
            alt = f"Confusion matrix of {row} on {place}. {worst}"
            yield picture(confusion_matrix(row, count_CC, names), alt, f"{worst}.")

    return section(
        "confusion",
        "Confusion matrices",
        "RGB rows; percent of a true class, over all finished splits and seeds of the row.",
        galleries(stored, matrices, printed=5),
        "Confusion matrices: `rev2net stage evaluate` writes the scores.",
    )
