"""Confusion matrices: which class is taken for which."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rev2net.figures.style import INK, SHADES, panel, save

NAMED = 24  # classes up to which they are named at the axes
NUMBERED = 12  # classes up to which the numbers are written


def count_confusions(true: ArrayLike, predicted: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """Videos by true class (row) and best-scored class (column): (C, C)."""
    pair = np.asarray(true, np.int64) * num_classes + np.asarray(predicted, np.int64)
    return np.bincount(pair, minlength=num_classes**2).reshape(num_classes, num_classes)


def most_confused(
    count_CC: NDArray[np.int64], class_names: Sequence[str], pairs: int = 3
) -> list[tuple[str, str, float]]:
    """The pairs (true, predicted, percent of the true class) confused most, worst first."""
    percent_CC = _percent(count_CC)
    np.fill_diagonal(percent_CC, 0)
    order = np.argsort(-percent_CC, axis=None, kind="stable")[:pairs]
    return [
        (class_names[row], class_names[column], float(percent_CC[row, column]))
        for row, column in zip(*np.unravel_index(order, percent_CC.shape), strict=True)
        if percent_CC[row, column] > 0
    ]


def confusion_matrix(title: str, count_CC: NDArray[np.int64], class_names: Sequence[str]) -> bytes:
    """One matrix, SVG: rows are true classes, in percent of the row; a class without videos is
    empty.
    """
    percent_CC = _percent(count_CC)
    num_classes = len(class_names)
    with panel(3.1, 2.9, title) as (figure, axes):
        axes.imshow(percent_CC, cmap=SHADES, vmin=0, vmax=100, aspect="equal")
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        axes.spines[:].set_visible(True)
        axes.tick_params(length=0)
        if num_classes > NAMED:
            axes.set_xticks([])
            axes.set_yticks([])
            return save(figure)
        places = range(num_classes)
        small = 7.5 if num_classes <= NUMBERED else 5
        axes.set_xticks(places, class_names, rotation=45, ha="right", fontsize=small)
        axes.set_yticks(places, class_names, fontsize=small)
        if num_classes <= NUMBERED:
            for row, column in np.argwhere(percent_CC >= 0.5):
                value = percent_CC[row, column]
                color = "white" if value > 55 else INK
                axes.text(
                    column, row, f"{value:.0f}", ha="center", va="center", fontsize=7, color=color
                )
        return save(figure)


def _percent(count_CC: NDArray[np.int64]) -> NDArray[np.float64]:
    total = count_CC.sum(axis=1, keepdims=True)
    return 100 * count_CC / np.maximum(total, 1)
