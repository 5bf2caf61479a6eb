"""Learning curves: accuracy in training, every term of the loss, and where gradients go."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rev2net.figures.learning import (
    accuracy_curves,
    common_limits,
    learning_curves,
    loss_terms,
    share_curves,
    shared_terms,
    smooth,
)
from rev2net.report.blocks import Block, Gallery, Picture, Section, picture, section
from rev2net.runs.record import StoredRun, first_by_benchmark, label

Log = Mapping[str, NDArray[np.float64]]


def learning_section(stored: Sequence[StoredRun]) -> Section:
    """Accuracy over the steps, a panel a benchmark; every loss term, a panel a row."""
    lead = (
        "Of the first split and seed. First the accuracy on the clips that were trained on, as "
        "running mean. Then each loss term before weighing; faint as logged, strong as running "
        "mean. Its axis is logarithmic, near 0 linear. Panels of a benchmark share it. "
        'A panel of "gradients" shows where they go: each weighted term\'s gradient on 3b-5c '
        "(strong) and on the stem (faint), in percent of the classification's on the same batch."
    )
    accuracies: list[Picture] = []
    blocks: list[Block] = []
    for runs in first_by_benchmark(stored).values():
        place = runs[0].place
        logs = {label(one, runs): log for one in runs if "step" in (log := one.log())}
        curves = {row: (log["step"], log["top1"]) for row, log in logs.items() if "top1" in log}
        if curves:
            ends = ", ".join(f"{row} {smooth(top1)[-1]:.0f} %" for row, (_, top1) in curves.items())
            alt = f"Accuracy on the training clips of {place}; at the end {ends}"
            accuracies.append(picture(accuracy_curves(place, curves), alt))
        limits = common_limits(list(logs.values()))
        pictures = []
        for row, log in logs.items():
            ends = ", ".join(f"{term} {log[term][-1]:.3g}" for term in loss_terms(log))
            alt = f"Loss terms of {row} over {log['step'][-1]:.0f} steps; at the end {ends}"
            pictures.append(picture(learning_curves(row, log, limits), alt))
        pictures += _shares(logs)
        terms = loss_terms(set().union(*logs.values()))
        if pictures:
            blocks.append(Gallery(place, pictures, terms, printed=5))
    if accuracies:
        blocks.insert(0, Gallery("Accuracy in training", accuracies, printed=5))
    made = "Learning curves: every training writes its metrics.jsonl."
    return section("learning", "Learning curves", lead, blocks, made)


def _shares(logs: Mapping[str, Log]) -> Iterator[Picture]:
    """A panel a run whose log has gradient shares of auxiliary terms."""
    for row, log in logs.items():
        if not set(shared_terms(log)) - {"domain"}:
            continue
        deep = {term: log[f"{term}_share_deep"] for term in shared_terms(log)}
        ranges = ", ".join(f"{term} {of.min():.2g} to {of.max():.2g}" for term, of in deep.items())
        alt = f"Gradient shares of {row} on 3b-5c over the training, in percent: {ranges}"
        yield picture(share_curves(f"{row}: gradients", log), alt)
