"""Whether claims hold here, comparison by comparison; where the paper contradicts itself."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from rev2net.config import Config
from rev2net.paper.claims import OWN
from rev2net.paper.tables import (
    CONTRADICTIONS,
    benchmark_label,
    has_tables_of_the_paper,
    table_label,
)
from rev2net.report.blocks import Grid, Prose, Section, number, signed
from rev2net.tables.verdicts import FEWEST_GROUPS, NOT_MEASURED, UNDECIDED, evidence


def claims_section(config: Config, claims: pd.DataFrame | None) -> Section:
    """Every claim with its comparisons and verdicts."""
    lead = (
        "A claim holds where the interval of the difference, Holm-corrected over the comparisons "
        "of its table, lies on the claimed side; it fails on the other side, and is undecided "
        "else; one seed decides nothing. Differences are in points, first minus second, paired "
        "over source groups; detectable is the true difference that a test set and number of "
        "seeds like these find four times in five."
    )
    title = "Do the claims hold here?"
    if beside_the_papers := has_tables_of_the_paper(config):
        lead += f" Evidence about the paper: {evidence(config)}."
        title = "Do the paper's claims hold here?"
    if claims is None or not len(claims):
        made = "Claims: `snakemake results/claims.csv` makes them."
        if claims is not None:
            made = "Claims: the configuration has none; its key `claims` names them."
        return Section("claims", title, lead, missing=[made])
    rows: list[Sequence[str] | str] = []
    unmeasured = []
    for _, group in claims.groupby("claim", sort=False):
        first = group.iloc[0]
        done = group[group["verdict"] != NOT_MEASURED]
        table = table_label(first["table"])
        place = table if first["source"] in (table, OWN) else f"{first['source']}, {table}"
        statement = f"{first['statement']} ({place})"
        if not len(done):
            unmeasured.append(statement)
            continue
        rows.append(f"{statement}: {_tally(group['verdict'])}")
        rows += [
            [
                f"{row['first']} − {row['second']}",
                benchmark_label(row["benchmark"], config),
                verdict_word(row["verdict"]),
                signed(row["difference"]),
                f"[{signed(row['ci_low'])}, {signed(row['ci_high'])}]",
                number(row["p_holm"], 3),
                *([signed(row["paper_difference"])] if beside_the_papers else []),
                f"{row['groups']:.0f}",
                f"{row['seeds']:.0f}",
                number(row["detectable"]),
                why_undecided(row),
            ]
            for _, row in done.iterrows()
        ]
    head = ["Comparison", "Benchmark", "Verdict", "Here", "Interval", "p (Holm)"]
    head += ["Paper"] if beside_the_papers else []
    head += ["Groups", "Seeds", "Detectable", "Why undecided"]
    blocks = [Grid("", head, rows, words=3, last_word=True)] if rows else []
    reason = "Their runs are not finished; claims.csv says which are missing."
    missing = [f"{'; '.join(unmeasured)}. {reason}"] if unmeasured else []
    return Section("claims", title, lead, blocks, missing)


def contradictions_section() -> Section:
    """Where the paper disagrees with itself."""
    lead = "Found in the paper's own text and tables; they are mended nowhere here."
    blocks = [Prose(CONTRADICTIONS, as_list=True)]
    return Section("contradictions", "Contradictions inside the paper", lead, blocks)


def verdict_word(verdict: str) -> str:
    """A verdict without its reason in brackets.

    >>> verdict_word("undecided (one seed)"), verdict_word("not measured")
    ('undecided', 'not measured')
    """
    return verdict.partition(" (")[0]


def why_undecided(row: "pd.Series[Any]") -> str:
    """Why the comparison of a row of `claims.csv` is undecided; empty where it is decided."""
    word, _, given = str(row["verdict"]).partition(" (")
    if word != UNDECIDED:
        return ""
    reasons = [given.removesuffix(")")] if given else []
    low, high, groups = row["ci_low"], row["ci_high"], row["groups"]
    if row["kind"] == "equal" and groups < FEWEST_GROUPS:
        reasons.append(f"{FEWEST_GROUPS} groups needed")
    elif row["kind"] == "equal":
        reasons.append("interval leaves ±1 point")
    elif low <= 0 <= high:
        reasons.append("interval holds 0")
    elif not given:
        reasons.append("p-value does not agree with the interval")
    return "; ".join(reasons)


def _tally(verdicts: Iterable[str]) -> str:
    """How often each verdict was given, in words."""
    counts = Counter(map(verdict_word, verdicts))
    names = {"holds": "hold", "fails": "fail", "undecided": "undecided", NOT_MEASURED: NOT_MEASURED}
    return ", ".join(
        f"{counts[verdict]} {name}" for verdict, name in names.items() if counts[verdict]
    )
