"""What was found: who wins and why so much of it is undecided, in sentences; then the tables.

Every sentence is taken from the tables and from `claims.csv`: its verdicts, its intervals, and its
`detectable` differences (points that as many groups and seeds would show four times in five).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from rev2net.config import METHODS, Config
from rev2net.experiments import INPUT_LABELS
from rev2net.paper.claims import OWN
from rev2net.paper.tables import (
    TABLES,
    benchmark_label,
    configured_tables,
    has_tables_of_the_paper,
    table_label,
)
from rev2net.report.blocks import Block, Prose, Result, Section, number, signed
from rev2net.report.paper_claims import verdict_word
from rev2net.runs.record import StoredRun, needed_trainings
from rev2net.tables.render import counted, layout_of, rounded
from rev2net.tables.verdicts import NOT_MEASURED, UNDECIDED

OURS = METHODS["rev2net"].label
LISTED = 4  # decided comparisons named in a sentence


def overview(
    config: Config,
    stored: Sequence[StoredRun],
    frames: dict[str, pd.DataFrame],
    claims: pd.DataFrame | None,
) -> Section:
    """Who wins, in sentences; then what that rests on."""
    blocks: list[Block] = [Prose(findings(claims, config))]
    if lines := leaders(frames, config):
        blocks += [Prose(["Highest of each column:"]), Prose(lines, as_list=True)]
    trained = f"Trainings finished: {len(stored)} of {len(needed_trainings(config))}"
    cells = [frame.loc[frame["metric"] == "top1", "measured"] for frame in frames.values()]
    measured, wanted = sum(map(pd.Series.count, cells)), sum(map(len, cells))
    tables = f"cells of the tables measured: {measured} of {wanted}"
    blocks.append(Prose([f"{trained}; {tables}." if frames else f"{trained}."]))
    missing = [] if claims is not None else ["Who wins: `snakemake results/claims.csv` tests it."]
    return Section("overview", "What was found", blocks=blocks, missing=missing)


def tables_section(config: Config, frames: dict[str, pd.DataFrame]) -> Section:
    """Every finished table; of the others, what makes them."""
    configured, missing = configured_tables(config), []
    beside_the_papers = has_tables_of_the_paper(config)
    others = [name for name in TABLES if name not in configured] if beside_the_papers else []
    for name in [*configured, *others]:
        if name not in configured:
            words = f"configuration “{config.name}” lacks its benchmarks."
            missing.append(f"{table_label(name)}: {words}")
        elif name not in frames:
            missing.append(f"{table_label(name)}: `snakemake results/{name}.csv` makes it.")
    blocks = [Result(layout_of(frame, config)) for frame in frames.values()]
    lead = "Top-1 accuracy in %."
    if beside_the_papers:
        lead += " Left what was measured here, right what the paper reports."
    return Section("tables", "Tables", lead, blocks, missing)


def findings(claims: pd.DataFrame | None, config: Config) -> list[str]:
    """Paragraphs: the paper's claims, those of the configuration, and what is undecided."""
    if claims is None or not len(measured := claims[claims["verdict"] != NOT_MEASURED]):
        return []
    # As the report and the tables call them.
    named = claims.assign(
        benchmark=[benchmark_label(str(name), config) for name in claims["benchmark"]]
    )
    own = named["source"] == OWN
    paragraphs = [
        _on_the_papers(named[~own]),
        _on_its_own(named[own]),
        _undecided_sentence(measured),
    ]
    return [*filter(None, paragraphs)]


def _on_the_papers(claims: pd.DataFrame) -> str:
    """Rev2Net against its rivals and its ablations, and the other pairs."""
    if not len(claims):
        return ""
    measured = claims[claims["verdict"] != NOT_MEASURED]
    first, second = (measured[side].str.startswith(OURS) for side in ("first", "second"))
    better = measured["kind"] == "better"
    return _joined(
        _claims_sentence(claims, "the paper"),
        _duels(f"{OURS} against the other networks", measured[better & first & ~second]),
        _duels(f"{OURS} against its own ablations", measured[better & first & second]),
        _duels("Other pairs that the paper ranks", measured[better & ~first]),
        _duels("Pairs that the paper has as equal", measured[~better], "equal", "different"),
    )


def _on_its_own(claims: pd.DataFrame) -> str:
    """The pairs of the configuration's claims."""
    if not len(claims):
        return ""
    measured = claims[claims["verdict"] != NOT_MEASURED]
    better = measured["kind"] == "better"
    return _joined(
        _claims_sentence(claims, "the configuration"),
        _duels("Pairs that it ranks", measured[better]),
        _duels("Pairs that it has as equal", measured[~better], "equal", "different"),
    )


def leaders(frames: dict[str, pd.DataFrame], config: Config) -> list[str]:
    """A line a column of the finished tables: its highest accuracy, and who is within its range."""
    lines = []
    for name, frame in frames.items():
        top1 = frame[(frame["metric"] == "top1") & frame["measured"].notna()]
        for benchmark, rows in top1.groupby("benchmark", sort=False):
            place = f"{table_label(name)}, {benchmark_label(str(benchmark), config)}"
            shown = [rounded(value) for value in rows["measured"]]
            if len(rows) > 1 and len(set(shown)) == 1:
                lines.append(f"{place}: all {len(rows)} rows are equal at {shown[0]:.1f} %.")
                continue
            first = int(rows["measured"].to_numpy().argmax())
            best, others = rows.iloc[first], rows.drop(index=rows.index[first])
            level = shown.count(max(shown)) - 1
            who = f"{best['row']} {INPUT_LABELS[best['input']]}"
            who += f" and {counted(level, 'other')}" if level else ""
            line = f"{place}: {who} with {rounded(best['measured']):.1f} %"
            if not pd.isna(best["ci_low"]):
                line += f" [{rounded(best['ci_low']):.1f}, {rounded(best['ci_high']):.1f}]"
                within = int((others["ci_high"] >= best["ci_low"]).sum())
                if len(others):
                    line += f"; {within} of {len(others)} other intervals reach into its own"
            lines.append(f"{line}.")
    return lines


def _claims_sentence(claims: pd.DataFrame, whose: str) -> str:
    """How many claims hold, one verdict a claim."""
    verdicts = [_of_claim(group["verdict"]) for _, group in claims.groupby("claim", sort=False)]
    num_claims, count = len(verdicts), Counter(verdicts)
    decided = count["holds"] + count["fails"]
    if len(count) == 1 and not decided:
        subject = f"all {num_claims} claims of {whose} are"
        if num_claims == 1:
            subject = f"the one claim of {whose} is"
        return f"Nothing is decided: {subject} {verdicts[0]}."
    parts = [
        f"{count['holds']} {'holds' if count['holds'] == 1 else 'hold'} in every comparison",
        f"{count['fails']} {'fails' if count['fails'] == 1 else 'fail'} in one at least",
        *(f"{count[w]} {'is' if count[w] == 1 else 'are'} {w}" for w in (UNDECIDED, NOT_MEASURED)),
    ]
    listed = _listed([part for part in parts if not part.startswith("0 ")])
    start = "Of" if decided else "Nothing is decided: of"
    return f"{start} {whose}'s {counted(num_claims, 'claim')} {listed} here."


def _of_claim(verdicts: Iterable[str]) -> str:
    """The verdict of a claim from those of its comparisons."""
    words = {verdict_word(verdict) for verdict in verdicts}
    if "fails" in words:
        return "fails"
    return words.pop() if len(words) == 1 else UNDECIDED


def _duels(who: str, rows: pd.DataFrame, holds: str = "better", fails: str = "worse") -> str:
    """How comparisons of one kind end, and the clearest of the decided ones."""
    if not len(rows):
        return ""
    word = rows["verdict"].map(verdict_word)
    won, lost = rows[word == "holds"], rows[word == "fails"]
    counts = {holds: len(won), fails: len(lost), UNDECIDED: len(rows) - len(won) - len(lost)}
    ended = [f"{count} {name}" for name, count in counts.items() if count]
    every = "all " if len(ended) == 1 < len(rows) else ""
    sentence = f"{who}: {every}{_listed(ended)}."
    for verb, decided in ((holds.capitalize(), won), (fails.capitalize(), lost)):
        if len(decided):
            order = decided["difference"].abs().sort_values(ascending=False).index
            shown = [_duel(decided.loc[index]) for index in order[:LISTED]]
            more = f", and {len(order) - LISTED} more" if len(order) > LISTED else ""
            sentence += f" {verb}: {'; '.join(shown)}{more}."
    return sentence


def _duel(row: "pd.Series[Any]") -> str:
    pair = f"{row['first']} against {row['second']} on {row['benchmark']}"
    return (
        f"{pair}, {signed(row['difference'])} points "
        f"[{signed(row['ci_low'])}, {signed(row['ci_high'])}]"
    )


def _undecided_sentence(measured: pd.DataFrame) -> str:
    """Why comparisons are undecided: the groups and seeds they rest on, and what these can show."""
    rows = measured[measured["verdict"].map(verdict_word) == UNDECIDED]
    if not len(rows):
        return ""
    half = (rows["ci_high"] - rows["ci_low"]) / 2
    verb = "is" if len(rows) == 1 else "are"
    sentence = (
        f"{len(rows)} of {counted(len(measured), 'measured comparison')} {verb} undecided: on "
        f"{_range(rows['groups'], 'source group')} and {_range(rows['seeds'], 'seed')} an "
        f"interval reaches {_span(half)} points to either side, and only a difference beyond "
        "that is told from none"
    )
    published = rows["paper_difference"].dropna().abs()
    if len(published):
        sentence += f"; the paper's own are {_span(published)} points"
    sentence += "."
    if rows["detectable"].notna().any():
        sentence += (
            f" A true difference of {_span(rows['detectable'].dropna())} points would be found "
            "four times in five."
        )
    given = [
        text.removesuffix(")")
        for verdict in rows["verdict"]
        if (text := str(verdict).partition(" (")[2])
    ]
    if given:
        counts = [f"{given.count(reason)} for {reason}" for reason in dict.fromkeys(given)]
        sentence += f" Undecided whatever the interval: {_listed(counts)}."
    return f"{sentence} More seeds and more source groups decide more."


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _range(values: "pd.Series[Any]", noun: str) -> str:
    """Whole numbers from the least to the most.

    >>> _range(pd.Series([1, 1]), "seed"), _range(pd.Series([6, 40]), "group")
    ('1 seed', '6 to 40 groups')
    """
    low, high = int(values.min()), int(values.max())
    return counted(low, noun) if low == high else f"{low} to {high} {noun}s"


def _span(values: "pd.Series[Any]") -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def _listed(parts: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
