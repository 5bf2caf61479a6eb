"""Test the paper's claims on stored scores: `claims.csv`, one row a comparison.

The rule was fixed before any measurement (PROTOCOLS section 2): differences are paired over source
groups, scores averaged over seeds first, and Holm-corrected over the claims of a table. A claim
holds where the corrected interval lies on the claimed side, fails where it lies on the other, and
is undecided else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rev2net.claims import CLAIMS, TOLERANCE, Claim, RowKey, paper_difference
from rev2net.config import Config
from rev2net.evaluation.statistics import (
    Difference,
    Interval,
    holm,
    holm_confidence,
    paired_differences,
)
from rev2net.experiments import INPUT_LABELS, METHODS, Run
from rev2net.paper import CONTRADICTIONS, cell_runs, cells, configured_tables
from rev2net.tables.measure import TOP1, per_video
from rev2net.tables.stored import StoredScores, by_split

# fmt: off
COLUMNS = [
    "claim", "statement", "source", "table", "benchmark", "first", "second", "kind",
    "paper_difference", "difference", "ci_low", "ci_high", "p_value", "p_holm", "verdict",
    "configuration", "evidence", "seeds", "splits", "note",
]
# fmt: on
NOT_MEASURED = "not measured"
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
        done = [comparison for comparison in compared if comparison in found]
        p_values = [_p_value(comparison, found[comparison]) for comparison in done]
        adjusted, confidences = holm(p_values), holm_confidence(p_values)
        corrected = {
            comparison: (p_values[n], adjusted[n], confidences[n])
            for n, comparison in enumerate(done)
        }
        for comparison in compared:
            row = _row(comparison, config)
            if comparison in found:
                difference = found[comparison]
                p_value, p_holm, confidence = corrected[comparison]
                interval = difference.interval(confidence)
                row |= {
                    "difference": round(difference.value, 2),
                    "ci_low": round(interval.low, 2),
                    "ci_high": round(interval.high, 2),
                    "p_value": round(p_value, 5),
                    "p_holm": round(p_holm, 5),
                    "verdict": verdict(comparison.claim, interval),
                }
            else:
                row |= {"verdict": NOT_MEASURED, "note": notes[comparison]}
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
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seeds": "Int64", "splits": "Int64"})


def verdict(claim: Claim, interval: Interval) -> str:
    """Whether a claim holds, fails or is undecided, from its corrected interval."""
    if claim.kind == "better":
        low, high = interval.low, interval.high
        return "holds" if low > 0 else "fails" if high < 0 else "undecided"
    if interval.low > -TOLERANCE and interval.high < TOLERANCE:
        return "holds"
    return "fails" if interval.low > TOLERANCE or interval.high < -TOLERANCE else "undecided"


def _comparisons(table: str, config: Config) -> Iterator[_Comparison]:
    benchmarks = list(dict.fromkeys(cell.benchmark for cell in cells(table, config)))
    for claim in CLAIMS:
        if claim.table == table:
            for pair in claim.pairs:
                for benchmark in benchmarks:
                    yield _Comparison(claim, pair, benchmark)


def _differences(
    table: str, compared: list[_Comparison], config: Config, reader: StoredScores
) -> tuple[dict[_Comparison, Difference], dict[_Comparison, str]]:
    """The measured differences, and why the others are missing; one resampling a benchmark."""
    runs = {
        (cell.method, cell.input, cell.benchmark): cell_runs(cell, config)
        for cell in reversed(cells(table, config))  # the adapted row is first: it stays
    }
    found: dict[_Comparison, Difference] = {}
    notes: dict[_Comparison, str] = {}
    for benchmark in dict.fromkeys(comparison.benchmark for comparison in compared):
        here = [comparison for comparison in compared if comparison.benchmark == benchmark]
        values: dict[RowKey, NDArray[np.float64]] = {}
        reasons: dict[RowKey, str] = {}
        for key in dict.fromkeys(key for comparison in here for key in comparison.pair):
            stored, reason = reader.read(runs[*key, benchmark], "test")
            if reason:
                reasons[key] = reason
            else:  # the reader has seen that groups and order are those of all rows
                values[key], group, stratum = per_video(TOP1, by_split(stored))
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
            first_SN, second_SN = (
                np.stack([values[comparison.pair[side]] for comparison in measured])
                for side in (0, 1)
            )
            differences = paired_differences(first_SN - second_SN, group, stratum)
            found |= dict(zip(measured, differences, strict=True))
    return found, notes


def _p_value(comparison: _Comparison, difference: Difference) -> float:
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
        "seeds": len({run.seed for run in example}),
        "splits": len({run.split for run in example}),
    }


def evidence(config: Config) -> str:
    """What a verdict says about the paper under this configuration."""
    if config.mini is not None:
        return "none: synthetic mini benchmark, an exercise of the machinery"
    if not config.reproduces_paper:
        return "none: not the paper's data and training"
    return "reproduction"


def _label(key: RowKey) -> str:
    return f"{METHODS[key[0]].label} {INPUT_LABELS[key[1]]}"
