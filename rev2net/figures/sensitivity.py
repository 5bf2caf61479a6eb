"""What a search found: accuracy over the loss weights, and over the weight of a flow stream."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from rev2net.figures.style import BLUE, INK, MUTED, ORANGE, RULE, SHADES, panel, save


def setting_panel(
    title: str,
    value: ArrayLike,
    accuracy: ArrayLike,
    fine: ArrayLike,
    chosen: int,
    limits: tuple[float, float],
) -> bytes:
    """One setting of a search, SVG: every trial (N,), the best at each value joined by a line.

    `accuracy` in percent; `fine` marks the trials of the fine grid, `chosen` is the row taken;
    `limits` of the accuracy axis. A value of 0 stands at the left end of the logarithmic axis.
    """
    value_N, accuracy_N = np.asarray(value, float), np.asarray(accuracy, float)
    fine_N = np.asarray(fine, bool)
    positive = value_N[value_N > 0]
    zero = positive.min() / 10 if len(positive) else 1.0
    place_N = np.where(value_N > 0, value_N, zero)
    places = np.unique(place_N)
    with panel(3.1, 2.2, title) as (figure, axes):
        best = [accuracy_N[place_N == place].max() for place in places]
        axes.plot(places, best, color=RULE, linewidth=1.2, zorder=1)
        for rows, marker, name in ((~fine_N, "o", "coarse"), (fine_N, "^", "fine")):
            if rows.any():
                axes.scatter(
                    place_N[rows], accuracy_N[rows], s=16, marker=marker, color=BLUE, alpha=0.55,
                    linewidths=0, label=name,
                )  # fmt: skip
        axes.scatter(
            place_N[chosen], accuracy_N[chosen], s=75, facecolor="none", edgecolor=ORANGE,
            linewidth=1.5, label="chosen",
        )  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(
            lambda place, _: "0" if place <= zero and (value_N == 0).any() else f"{place:g}"
        )
        axes.minorticks_off()
        axes.set_ylim(limits)
        axes.set_ylabel("top-1 on validation, %")
        axes.grid(axis="y")
        figure.legend(loc="outside lower left", ncols=3, handletextpad=0.2, columnspacing=1)
        return save(figure)


def surface_panel(
    names: tuple[str, str],
    first: ArrayLike,
    second: ArrayLike,
    accuracy: ArrayLike,
    chosen: int,
    limits: tuple[float, float],
) -> bytes:
    """Two settings of a search against each other, SVG: the accuracy (percent) at each pair.

    Where trials differ in other settings too, the best of a pair is shown. Both axes are
    logarithmic; a setting of 0 is left out.
    """
    first_N, second_N = np.asarray(first, float), np.asarray(second, float)
    accuracy_N = np.asarray(accuracy, float)
    best: dict[tuple[float, float], float] = {}
    for x, y, value in zip(first_N.tolist(), second_N.tolist(), accuracy_N.tolist(), strict=True):
        if x > 0 and y > 0:
            best[x, y] = max(value, best.get((x, y), value))
    with panel(3.3, 2.9, f"{names[1]} over {names[0]}") as (figure, axes):
        low, high = limits
        for (x, y), value in best.items():
            share = (value - low) / (high - low)
            ring = (x, y) == (first_N[chosen], second_N[chosen])
            axes.scatter(
                x, y, s=330, color=SHADES(share), edgecolor=ORANGE if ring else MUTED,
                linewidth=1.8 if ring else 0.5,
            )  # fmt: skip
            ink = "white" if share > 0.6 else INK
            axes.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=7, color=ink)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.margins(0.18)
        axes.minorticks_off()
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        return save(figure)


def accuracy_limits(accuracy: ArrayLike) -> tuple[float, float]:
    """A value axis around some accuracies, a few points wide at least."""
    values = np.asarray(accuracy, float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = max(1.0, 0.1 * (high - low))
    return low - margin, high + margin


def fusion_panel(
    title: str, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], published: float
) -> bytes:
    """Accuracy (percent) over the flow stream's weight, RGB's being 1: one line a benchmark, SVG.

    `published` is the weight that the method's own paper gives.
    """
    dashes = ("-", "--", ":", "-.")
    with panel(3.1, 2.3, title) as (figure, axes):
        axes.axvline(published, color=MUTED, linewidth=0.8)
        for index, (name, (weight, accuracy)) in enumerate(curves.items()):
            color = (BLUE, ORANGE, INK, MUTED)[index % 4]
            axes.plot(weight, accuracy, dashes[index % 4], color=color, linewidth=1.4, label=name)
        axes.set_xlabel("weight of the flow stream")
        axes.set_ylabel("top-1 on validation, %")
        axes.grid(axis="y")
        axes.legend(loc="best")
        return save(figure)
