"""Test claims on stored scores: `claims.csv`, one row a comparison.

The rule was fixed before any measurement: differences are paired over source groups, seeds and
groups both count as drawn, and they are Holm-corrected over all comparisons of a table. A claim
holds where the corrected interval lies on the claimed side, fails where it lies on the other, and
is undecided else, with one seed always (docs/decisions.md).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rev2net.config import Config
from rev2net.evaluation.statistics import (
    CONFIDENCE,
    Difference,
    Interval,
    holm,
    holm_confidence,
    paired_differences,
)
from rev2net.experiments import INPUT_LABELS
from rev2net.paper.claims import OWN, TOLERANCE, Claim, claims, compared
from rev2net.paper.tables import (
    CONTRADICTIONS,
    Cell,
    default_tables,
    has_tables_of_the_paper,
)
from rev2net.tables.build import TOP1, PerVideo, StoredScores, by_split, per_video

# fmt: off
COLUMNS = [
    "claim", "statement", "source", "table", "benchmark", "first", "second", "kind",
    "paper_difference", "difference", "ci_low", "ci_high", "p_value", "p_holm", "detectable",
    "verdict", "configuration", "evidence", "seeds", "splits", "groups", "family", "note",
]
# fmt: on
MOST = 100.0  # points that two accuracies can differ by
FEWEST_GROUPS = 20  # source groups for a claim of no difference
UNDECIDED, NOT_MEASURED = "undecided", "not measured"
ONE_SEED = f"{UNDECIDED} (one seed)"  # of what trainings differ by nothing is known
NOT_THE_PAPERS = "none: a claim of the configuration"
CONTRADICTION = "contradiction"  # the verdict of a row where the paper disagrees with itself


@dataclass(frozen=True)
class _Comparison:
    """One claim on one pair of rows and one benchmark."""

    claim: Claim
    first: Cell
    second: Cell

    @property
    def published(self) -> float | None:
        """The paper's own difference, points; None where it has no number."""
        first, second = self.first.paper, self.second.paper
        return None if first is None or second is None else round(first - second, 1)

    @property
    def has_common_network(self) -> bool:
        """Whether the rows have a training in common, as two streams and one of them do."""
        first, second = (
            {stream for run in cell.runs for stream, _ in run.streams}
            for cell in (self.first, self.second)
        )
        return bool(first & second)


def measure_claims(config: Config, root: str | Path) -> pd.DataFrame:
    """Every claim on every benchmark of its table, from the scores below `root`.

    Comparisons without finished runs stay empty, and `note` says what is missing. Differences are
    in points of top-1 accuracy, first minus second. Raises UserError as `build` and `claims` do.
    """
    reader = StoredScores(root, config)
    known = claims(config)
    rows: list[dict[str, object]] = []
    for table in default_tables(config):
        comparisons = [
            _Comparison(claim, *cells)
            for claim in known
            if claim.table == table
            for cells in compared(claim, config)
        ]
        found = _differences(comparisons, reader)
        # What is not measured counts too: a verdict cannot vanish when more runs have finished.
        p_values = [_p_value(one.claim, found[one]) for one in comparisons]
        corrected = zip(p_values, holm(p_values), holm_confidence(p_values), strict=True)
        for comparison, (p_value, p_holm, confidence) in zip(comparisons, corrected, strict=True):
            row = _row(comparison, config) | {"family": len(comparisons)}
            difference = found[comparison]
            if isinstance(difference, str):
                row |= {"verdict": NOT_MEASURED, "note": difference}
            else:
                row |= {"p_value": round(p_value, 5), "p_holm": round(p_holm, 5)}
                row |= _measured(comparison, *difference, p_holm, confidence, row["note"])
            rows.append(row)
    if has_tables_of_the_paper(config):
        rows += [
            {
                "claim": f"paper-contradiction-{number}",
                "statement": text,
                "verdict": CONTRADICTION,
                "configuration": config.name,
            }
            for number, text in enumerate(CONTRADICTIONS, start=1)
        ]
    return pd.DataFrame(rows, columns=COLUMNS).astype(
        dict.fromkeys(("seeds", "splits", "groups", "family"), "Int64")
    )


def verdict(claim: Claim, interval: Interval, p_holm: float, num_groups: int, seeds: int) -> str:
    """Whether a claim holds, fails or is undecided, from its corrected interval.

    An interval drawn from few groups is too sure of itself: the p-value, which is not, has to agree
    with it, and a claim of no difference takes a least number of groups. One seed decides nothing.
    """
    if seeds == 1:
        return ONE_SEED
    low, high = interval.low, interval.high
    if claim.kind == "better":
        if p_holm >= 1 - CONFIDENCE:
            return UNDECIDED
        return "holds" if low > 0 else "fails" if high < 0 else UNDECIDED
    if num_groups < FEWEST_GROUPS:
        return UNDECIDED
    if interval.low > -TOLERANCE and interval.high < TOLERANCE:
        return "holds"
    return "fails" if interval.low > TOLERANCE or interval.high < -TOLERANCE else UNDECIDED


def _differences(
    compared: list[_Comparison], reader: StoredScores
) -> dict[_Comparison, tuple[Difference, int] | str]:
    """The measured differences with their numbers of groups, and why the others are missing.

    One resampling a benchmark serves all of its comparisons.
    """
    found: dict[_Comparison, tuple[Difference, int] | str] = {}
    for benchmark in dict.fromkeys(one.first.benchmark for one in compared):
        here = [one for one in compared if one.first.benchmark == benchmark]
        values: dict[Cell, PerVideo] = {}
        reasons: dict[Cell, str] = {}
        for cell in dict.fromkeys(cell for one in here for cell in (one.first, one.second)):
            stored, reason = reader.read(cell.runs, "test")
            if reason:
                reasons[cell] = reason
            else:
                values[cell] = per_video(TOP1, by_split(stored))
        measured = []
        for one in here:
            missing = [reasons[cell] for cell in (one.first, one.second) if cell in reasons]
            if missing:
                found[one] = missing[0]
            elif len(set(values[one.first].group_N)) < 2:
                found[one] = "a comparison takes at least two source groups"
            else:
                measured.append(one)
        if measured:
            # The reader has seen that groups and order are those of all rows.
            _, group, stratum, _ = values[measured[0].first]
            differences = paired_differences(
                np.stack([values[one.first].value_SN for one in measured]),
                np.stack([values[one.second].value_SN for one in measured]),
                group,
                stratum,
                # Rows with a network in common differ less.
                share_seeds=[one.has_common_network for one in measured],
            )
            for one, difference in zip(measured, differences, strict=True):
                found[one] = difference, len(set(group))
    return found


def _p_value(claim: Claim, found: tuple[Difference, int] | str) -> float:
    if isinstance(found, str):
        return 1.0
    if claim.kind == "better":
        return found[0].p_value
    return found[0].equivalence_p_value(TOLERANCE)


def _row(comparison: _Comparison, config: Config) -> dict[str, object]:
    claim, runs, published = comparison.claim, comparison.first.runs, comparison.published
    # Where the paper's own numbers do not bear the claim out.
    note = None
    if published is None:
        note = None if claim.source == OWN else "the paper has no number to compare"
    elif claim.kind == "better" and published <= 0:
        note = "the paper's own numbers say otherwise"
    elif claim.kind == "equal" and abs(published) > TOLERANCE:
        note = "the paper's own numbers differ by more"
    return {
        "claim": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "table": claim.table,
        "benchmark": comparison.first.benchmark,
        "first": _label(comparison.first),
        "second": _label(comparison.second),
        "kind": claim.kind,
        "paper_difference": published,
        "configuration": config.name,
        "evidence": NOT_THE_PAPERS if claim.source == OWN else evidence(config),
        "note": note,
        "seeds": len({run.seed for run in runs}),
        "splits": len({run.split for run in runs}),
    }


def _measured(
    comparison: _Comparison,
    difference: Difference,
    num_groups: int,
    p_holm: float,
    confidence: float,
    note: object,
) -> dict[str, object]:
    """A comparison's interval and verdict, and what it could find at all: its power in points."""
    claim, interval = comparison.claim, difference.interval(confidence)
    seeds = len({run.seed for run in comparison.first.runs})
    notes = [str(note)] if note else []
    row: dict[str, object] = {
        "difference": round(difference.value, 2),
        # Accuracies differ by 100 points at most, which an interval from two seeds does not know.
        "ci_low": round(max(interval.low, -MOST), 2),
        "ci_high": round(min(interval.high, MOST), 2),
        "groups": num_groups,
        "verdict": verdict(claim, interval, p_holm, num_groups, seeds),
    }
    if seeds == 1:
        notes.append("the interval is for these trained networks")
    elif claim.kind == "better":
        detectable = difference.detectable(confidence)
        if detectable < MOST:
            row["detectable"] = round(detectable, 2)
        else:
            notes.append(f"{seeds} seeds on this test set find no difference, however large")
    else:
        row["detectable"] = round(difference.confirmable(confidence), 2)
        reach = (interval.high - interval.low) / 2
        if reach >= TOLERANCE:
            notes.append(
                f"this test set and {seeds} seeds cannot decide it: the interval reaches "
                f"{reach:.1f} points to either side, {TOLERANCE:g} is allowed"
            )
    return row | {"note": "; ".join(notes) or None}


def evidence(config: Config) -> str:
    """What a verdict says about the paper under this configuration."""
    if config.mini is not None:
        return "none: synthetic mini benchmark, an exercise of the machinery"
    if not config.reproduces_paper:
        return "none: not the paper's data and training"
    return "reproduction (class list and protocol of the cross-dataset tables are ours)"


def _label(cell: Cell) -> str:
    return f"{cell.row} {INPUT_LABELS[cell.input]}"
