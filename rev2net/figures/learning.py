"""Learning curves: every term of one training's loss over its steps, and its gradient's share."""

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from rev2net.figures.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREEN,
    MUTED,
    ORANGE,
    PURPLE,
    SKY,
    YELLOW,
    panel,
    save,
)


class Pen(NamedTuple):
    """How a loss term is drawn, in every panel alike; the dashes tell it in grey print too."""

    label: str
    color: str
    dashes: tuple[float, ...] = ()  # line, gap, … in points


TERMS: dict[str, Pen] = {
    "classification": Pen("classification", BLACK),
    "flow": Pen("flow", ORANGE),
    "frames": Pen("reversed frames", BLUE),
    "feature_discrepancy": Pen("feature discrepancy (Eq. 1)", GREEN, (5, 2)),
    "latent_discrepancy": Pen("latent discrepancy (Eq. 2)", PURPLE, (2, 1.5)),
    "mask": Pen("mask", YELLOW, (1, 1.5)),
    "domain": Pen("domain adaptation", SKY, (6, 1.5, 1, 1.5)),
}
LINEAR = 0.01  # below it the axis is linear: MK-MMD's unbiased estimate falls below 0
TICKS = (-1, -0.1, 0, 0.01, 0.1, 1, 10, 100)
SHARES = (0.01, 1000.0)  # percent, of the axis of gradient shares; what is beyond is at its edge
SMOOTHED = 9  # logged values averaged into a drawn one
HALF_A_LEGEND = 20  # letters of a name that two columns have room for


def loss_terms(log: Container[str]) -> dict[str, Pen]:
    """The terms among a log's columns, in the order of the legend."""
    return {name: pen for name, pen in TERMS.items() if name in log}


def learning_curves(title: str, log: Mapping[str, ArrayLike], limits: tuple[float, float]) -> bytes:
    """One panel, SVG: the unweighted terms of `log` over its "step"; `limits` of the value axis."""
    with panel(3.1, 2.1, title) as (figure, axes):
        for name, pen in loss_terms(log).items():
            value = np.asarray(log[name], float)
            axes.plot(log["step"], value, color=pen.color, alpha=0.18, linewidth=0.8)
            _draw(axes, pen, log["step"], smooth(value), linewidth=1.4)
        axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.5)
        axes.set_ylim(limits)
        axes.set_yticks([tick for tick in TICKS if limits[0] <= tick <= limits[1]])
        _over_steps(axes, log["step"], "{x:g}", at=0)
        return save(figure)


def shared_terms(log: Container[str]) -> dict[str, Pen]:
    """The terms whose gradient shares a log has."""
    return {name: pen for name, pen in TERMS.items() if f"{name}_share_deep" in log}


def share_curves(title: str, log: Mapping[str, ArrayLike]) -> bytes:
    """One panel, SVG: each term's gradient on 3b-5c (strong) and on the stem (faint), over steps.

    In percent of the classification's on the same batch, as logged; the grey line is 100 %.
    """
    with panel(3.1, 2.1, title) as (figure, axes):
        for name, pen in shared_terms(log).items():
            for part, alpha, linewidth in (("stem", 0.35, 0.9), ("deep", 1.0, 1.4)):
                share = np.clip(np.asarray(log[f"{name}_share_{part}"], float), *SHARES)
                _draw(axes, pen, log["step"], share, alpha=alpha, linewidth=linewidth)
        axes.set_yscale("log")
        axes.set_ylim(SHARES)
        _over_steps(axes, log["step"], "{x:g} %", at=100)
        return save(figure)


def _draw(axes: Axes, pen: Pen, step: ArrayLike, value: ArrayLike, **style: Any) -> None:
    line = axes.plot(step, value, color=pen.color, **style)[0]
    if pen.dashes:
        line.set_dashes(pen.dashes)


def _over_steps(axes: Axes, step: ArrayLike, ticks: str, at: float) -> None:
    """Axes over steps, a grey line at one value, which is worth comparing with."""
    axes.yaxis.set_major_formatter(ticks)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.axhline(at, color=MUTED, linewidth=0.5)
    axes.set_xlim(0, np.max(step, initial=0) or 1)
    axes.set_xlabel("step")
    axes.grid(axis="y")


def accuracy_curves(title: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> bytes:
    """The training accuracies of several rows, SVG: their names with steps and percent, both (N,).

    Each is a running mean over the logged batches; colour and dashes tell the rows apart.
    """
    dashes = ("-", (0, (5, 1.5)), (0, (1, 1)))
    columns = 2 if max(map(len, curves)) <= HALF_A_LEGEND else 1
    with panel(3.6, 2.1 + 0.16 * -(-len(curves) // columns), title) as (figure, axes):
        for index, (name, (step, percent)) in enumerate(curves.items()):
            axes.plot(
                step, smooth(percent), color=CYCLE[index % len(CYCLE)], linewidth=1.3,
                linestyle=dashes[index // len(CYCLE) % len(dashes)], label=name,
            )  # fmt: skip
        axes.set_ylim(0, 101)
        axes.set_xlim(left=0)
        axes.set_xlabel("step")
        axes.set_ylabel("training clips, %")
        axes.grid(axis="y")
        figure.legend(loc="outside lower left", ncols=columns, fontsize=7.5, columnspacing=1)
        return save(figure)


def length_curves(
    title: str,
    epoch: ArrayLike,
    percent: ArrayLike,
    error: ArrayLike,
    chosen: int,
    limits: tuple[float, float],
) -> bytes:
    """Accuracy on held-out source videos over the epochs of one training, SVG; all (N,).

    The band is one standard error (`error`, in points) to either side. The circle is the chosen
    measurement, the grey line stands at the length of the recipe, the last one.
    """
    epoch_N, percent_N = np.asarray(epoch, float), np.asarray(percent, float)
    error_N = np.asarray(error, float)
    with panel(3.1, 2.2, title) as (figure, axes):
        axes.axvline(epoch_N[-1], color=MUTED, linewidth=0.8, label="recipe")
        axes.fill_between(
            epoch_N, percent_N - error_N, percent_N + error_N, color=BLUE, alpha=0.15, linewidth=0
        )
        axes.plot(epoch_N, percent_N, color=BLUE, linewidth=1.4, marker="o", markersize=3)
        axes.scatter(
            epoch_N[chosen], percent_N[chosen], s=75, facecolor="none", edgecolor=ORANGE,
            linewidth=1.5, label="chosen", zorder=3,
        )  # fmt: skip
        axes.set_xlim(0, 1.05 * epoch_N[-1])
        axes.set_ylim(limits)
        axes.set_xlabel("epochs of the source's list")
        axes.set_ylabel("held-out source, %")
        axes.grid(axis="y")
        figure.legend(loc="outside lower left", ncols=2, handletextpad=0.2, columnspacing=1)
        return save(figure)


def common_limits(logs: Sequence[Mapping[str, ArrayLike]]) -> tuple[float, float]:
    """One value axis for panels that stand side by side."""
    values = [smooth(log[name]) for log in logs for name in loss_terms(log)]
    finite = np.concatenate([value[np.isfinite(value)] for value in values] or [np.zeros(1)])
    return min(0.0, float(finite.min(initial=0))) - LINEAR / 2, 1.3 * float(finite.max(initial=1))


def smooth(value: ArrayLike, width: int = SMOOTHED) -> np.ndarray:
    """The centred running mean (N,); windows end where the values end.

    >>> smooth([0, 3, 6, 9], 3).tolist()
    [1.5, 3.0, 6.0, 7.5]
    """
    array = np.asarray(value, float)
    if not array.size:
        return array
    window = np.ones(min(width, len(array)))
    total = np.convolve(array, window, "same")
    return total / np.convolve(np.ones(len(array)), window, "same")
