"""Test the paper's claims on stored scores: `claims.csv`, one row a comparison.

The rule was fixed before any measurement: differences are paired over source groups, seeds and
groups both count as drawn, and they are Holm-corrected over all comparisons of a table. A claim
holds where the corrected interval lies on the claimed side, fails where it lies on the other, and
is undecided else, with one seed always (docs/decisions.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rev2net.config import Config
from rev2net.evaluation.statistics import (
    CONFIDENCE,
    Difference,
    Interval,
    holm,
    holm_confidence,
    paired_differences,
)
from rev2net.experiments import INPUT_LABELS, METHODS
from rev2net.paper.claims import CLAIMS, TOLERANCE, Claim, RowKey, paper_difference
from rev2net.paper.tables import CONTRADICTIONS, cell_runs, cells, configured_tables
from rev2net.runs.identity import Run
from rev2net.tables.measure import TOP1, per_video
from rev2net.tables.stored import StoredScores, by_split

# fmt: off
COLUMNS = [
    "claim", "statement", "source", "table", "benchmark", "first", "second", "kind",
    "paper_difference", "difference", "ci_low", "ci_high", "p_value", "p_holm", "detectable",
    "verdict", "configuration", "evidence", "seeds", "splits", "groups", "family", "note",
]
# fmt: on
FEWEST_GROUPS = 20  # source groups for a claim of no difference
NOT_MEASURED = "not measured"
ONE_SEED = "undecided (one seed)"  # of what trainings differ by nothing is known
CONTRADICTION = "contradiction"  # the verdict of a row where the paper disagrees with itself


@dataclass(frozen=True)
class _Comparison:
    """One claim on one pair of rows and one benchmark."""

    claim: Claim
    pair: tuple[RowKey, RowKey]
    benchmark: str


def measure_claims(config: Config, root: str | Path) -> pd.DataFrame:
    """Every claim on every benchmark of its table, from the scores below `root`.

    Comparisons without finished runs stay empty, and `note` says what is missing. Differences are
    in points of top-1 accuracy, first minus second. Raises UserError as `build` does.
    """
    reader = StoredScores(root, config)
    rows = []
    for table in configured_tables(config):
        compared = list(_comparisons(table, config))
        found, notes = _differences(table, compared, config, reader)
        # What is not measured counts too: a verdict cannot vanish when more runs have finished.
        p_values = [_p_value(one, found[one]) if one in found else 1.0 for one in compared]
        corrected = zip(p_values, holm(p_values), holm_confidence(p_values), strict=True)
        for comparison, (p_value, p_holm, confidence) in zip(compared, corrected, strict=True):
            row = _row(comparison, config)
            if comparison in found:
                difference, num_groups = found[comparison]
                interval = difference.interval(confidence)
                seeds = int(row["seeds"])  # type: ignore[call-overload]
                row |= {
                    "difference": round(difference.value, 2),
                    "ci_low": round(interval.low, 2),
                    "ci_high": round(interval.high, 2),
                    "p_value": round(p_value, 5),
                    "p_holm": round(p_holm, 5),
                    "groups": num_groups,
                    "verdict": verdict(comparison.claim, interval, p_holm, num_groups, seeds),
                    **_reach(comparison, difference, interval, confidence, seeds, row["note"]),
                }
            else:
                row |= {"verdict": NOT_MEASURED, "note": notes[comparison]}
            row["family"] = len(compared)
            rows.append(row)
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
            return "undecided"
        return "holds" if low > 0 else "fails" if high < 0 else "undecided"
    if num_groups < FEWEST_GROUPS:
        return "undecided"
    if interval.low > -TOLERANCE and interval.high < TOLERANCE:
        return "holds"
    return "fails" if interval.low > TOLERANCE or interval.high < -TOLERANCE else "undecided"


def _reach(
    comparison: _Comparison,
    difference: Difference,
    interval: Interval,
    confidence: float,
    seeds: int,
    note: object,
) -> dict[str, object]:
    """What the test can find at all: its power in points, and notes where that is too little."""
    notes = [str(note)] if note else []
    if seeds == 1:
        return {"note": "; ".join([*notes, "the interval is for these trained networks"])}
    if comparison.claim.kind == "better":
        return {"detectable": round(difference.detectable(confidence), 2)}
    reach = (interval.high - interval.low) / 2
    if reach >= TOLERANCE:
        notes.append(
            f"this test set and {seeds} seeds cannot decide it: the interval reaches {reach:.1f} "
            f"points to either side, {TOLERANCE:g} is allowed"
        )
    found = round(difference.confirmable(confidence), 2)
    return {"detectable": found, "note": "; ".join(notes) or None}


def _comparisons(table: str, config: Config) -> Iterator[_Comparison]:
    benchmarks = list(dict.fromkeys(cell.benchmark for cell in cells(table, config)))
    for claim in CLAIMS:
        if claim.table == table:
            for pair in claim.pairs:
                for benchmark in benchmarks:
                    yield _Comparison(claim, pair, benchmark)


def _differences(
    table: str, compared: list[_Comparison], config: Config, reader: StoredScores
) -> tuple[dict[_Comparison, tuple[Difference, int]], dict[_Comparison, str]]:
    """The measured differences with their numbers of groups, and why the others are missing.

    One resampling a benchmark serves all of its comparisons.
    """
    runs = {
        (cell.method, cell.input, cell.benchmark): cell_runs(cell, config)
        for cell in reversed(cells(table, config))  # the adapted row is first: it stays
    }
    found: dict[_Comparison, tuple[Difference, int]] = {}
    notes: dict[_Comparison, str] = {}
    for benchmark in dict.fromkeys(comparison.benchmark for comparison in compared):
        here = [comparison for comparison in compared if comparison.benchmark == benchmark]
        values: dict[RowKey, NDArray[np.float64]] = {}
        streams: dict[RowKey, set[Run]] = {}
        reasons: dict[RowKey, str] = {}
        for key in dict.fromkeys(key for comparison in here for key in comparison.pair):
            stored, reason = reader.read(runs[*key, benchmark], "test")
            if reason:
                reasons[key] = reason
            else:  # the reader has seen that groups and order are those of all rows
                values[key], group, stratum, _ = per_video(TOP1, by_split(stored))
                streams[key] = {
                    stream for run in runs[*key, benchmark] for stream, _ in run.streams
                }
        measured = []
        for comparison in here:
            missing = [reasons[key] for key in comparison.pair if key in reasons]
            if missing:
                notes[comparison] = missing[0]
            elif len(set(group)) < 2:
                notes[comparison] = "a comparison takes at least two source groups"
            else:
                measured.append(comparison)
        if measured:
            first_QSN, second_QSN = (
                np.stack([values[comparison.pair[side]] for comparison in measured])
                for side in (0, 1)
            )
            # Rows with a network in common, such as two streams and one of them, differ less.
            common = [bool(streams[one.pair[0]] & streams[one.pair[1]]) for one in measured]
            differences = paired_differences(
                first_QSN, second_QSN, group, stratum, share_seeds=common
            )
            num_groups = len(set(group))
            found |= {
                comparison: (difference, num_groups)
                for comparison, difference in zip(measured, differences, strict=True)
            }
    return found, notes


def _p_value(comparison: _Comparison, measured: tuple[Difference, int]) -> float:
    difference, _ = measured
    if comparison.claim.kind == "better":
        return difference.p_value
    return difference.equivalence_p_value(TOLERANCE)


def _row(comparison: _Comparison, config: Config) -> dict[str, object]:
    claim, pair, benchmark = comparison.claim, comparison.pair, comparison.benchmark
    example: list[Run] = cell_runs(
        next(cell for cell in cells(claim.table, config) if cell.benchmark == benchmark), config
    )
    return {
        "claim": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "table": claim.table,
        "benchmark": benchmark,
        "first": _label(pair[0]),
        "second": _label(pair[1]),
        "kind": claim.kind,
        "paper_difference": paper_difference(claim, pair, benchmark),
        "configuration": config.name,
        "evidence": evidence(config),
        "note": _paper_against_itself(comparison),
        "seeds": len({run.seed for run in example}),
        "splits": len({run.split for run in example}),
    }


def _paper_against_itself(comparison: _Comparison) -> str | None:
    """Where the paper's own numbers do not bear the claim out."""
    published = paper_difference(comparison.claim, comparison.pair, comparison.benchmark)
    if published is None:
        return "the paper has no number to compare"
    if comparison.claim.kind == "better":
        return None if published > 0 else "the paper's own numbers say otherwise"
    return None if abs(published) <= TOLERANCE else "the paper's own numbers differ by more"


def evidence(config: Config) -> str:
    """What a verdict says about the paper under this configuration."""
    if config.mini is not None:
        return "none: synthetic mini benchmark, an exercise of the machinery"
    if not config.reproduces_paper:
        return "none: not the paper's data and training"
    return "reproduction (class list and protocol of the cross-dataset tables are ours)"


def _label(key: RowKey) -> str:
    return f"{METHODS[key[0]].label} {INPUT_LABELS[key[1]]}"
