"""The sections of the report that are made of words and numbers."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from rev2net import digests
from rev2net.config import Config, digest
from rev2net.paper.tables import BENCHMARK_LABELS, CONTRADICTIONS, TABLES, configured_tables
from rev2net.report.blocks import Block, Fragment, Grid, Prose, Section, number, signed
from rev2net.report.findings import findings, leaders, verdict_word, why_undecided
from rev2net.runs.folder import WorkFolder
from rev2net.runs.record import StoredRun, needed_trainings
from rev2net.tables.render import html
from rev2net.tables.stored import distinct
from rev2net.tables.verdicts import CONTRADICTION, NOT_MEASURED, evidence

SHOWN_PROBLEMS = 12  # unusable videos listed by name


def table_frames(config: Config, results: Path) -> dict[str, pd.DataFrame]:
    """The finished tables by name."""
    return {
        name: frame
        for name in configured_tables(config)
        if (frame := read_table(results / f"{name}.csv")) is not None
    }


def read_table(path: Path) -> pd.DataFrame | None:
    """A CSV of ours, None where there is none; raises UserError where it was damaged."""
    if not path.exists():
        return None
    digests.check_text(path)
    return pd.read_csv(path)


def claims_frame(results: Path) -> pd.DataFrame | None:
    """The measured claims, without the paper's contradictions, which are no measurement."""
    frame = read_table(results / "claims.csv")
    return None if frame is None else frame[frame["verdict"] != CONTRADICTION]


def overview(
    config: Config,
    stored: Sequence[StoredRun],
    frames: dict[str, pd.DataFrame],
    claims: pd.DataFrame | None,
) -> Section:
    """Who wins, in sentences; then what that rests on."""
    blocks: list[Block] = [Prose(findings(claims))]
    if lines := leaders(frames):
        blocks += [Prose(["Highest of each column:"]), Prose(lines, as_list=True)]
    trained = f"Trainings finished: {len(stored)} of {len(needed_trainings(config))}"
    cells = [frame.loc[frame["metric"] == "top1", "measured"] for frame in frames.values()]
    measured, wanted = sum(map(pd.Series.count, cells)), sum(map(len, cells))
    tables = f"cells of the tables measured: {measured} of {wanted}"
    blocks.append(Prose([f"{trained}; {tables}." if frames else f"{trained}."]))
    missing = [] if claims is not None else ["Who wins: `snakemake results/claims.csv` tests it."]
    return Section("overview", "What was found", blocks=blocks, missing=missing)


def tables_section(config: Config, frames: dict[str, pd.DataFrame]) -> Section:
    """Every finished table, measured beside the paper's."""
    missing = [
        f"{_title(name)}: `snakemake results/{name}.csv` makes it."
        for name in configured_tables(config)
        if name not in frames
    ]
    for name in TABLES:
        if name not in configured_tables(config):
            missing.append(f"{_title(name)}: configuration “{config.name}” lacks its benchmarks.")
    blocks = [Fragment(Markup(html(frame, config))) for frame in frames.values()]
    lead = "Top-1 accuracy in %. Left what was measured here, right what the paper reports."
    return Section("tables", "Tables", lead, blocks, missing)


def claims_section(config: Config, claims: pd.DataFrame | None) -> Section:
    """Every claim with its comparisons and verdicts."""
    lead = (
        "A claim holds where the interval of the difference, Holm-corrected over the comparisons "
        "of its table, lies on the claimed side; it fails on the other side, and is undecided "
        "else; one seed decides nothing. Differences are in points, first minus second, paired "
        "over source groups; detectable is the true difference that a test set and number of "
        "seeds like these find four times in five. "
        f"Evidence about the paper: {evidence(config)}."
    )
    if claims is None:
        made = ["Claims: `snakemake results/claims.csv` makes them."]
        return Section("claims", "Do the paper's claims hold here?", lead, missing=made)
    rows: list[Sequence[str] | str] = []
    unmeasured = []
    for _, group in claims.groupby("claim", sort=False):
        first = group.iloc[0]
        done = group[group["verdict"] != NOT_MEASURED]
        table = _title(first["table"])
        place = table if first["source"] == table else f"{first['source']}, {table}"
        title = f"{first['statement']} ({place})"
        if not len(done):
            unmeasured.append(title)
            continue
        rows.append(f"{title}: {_tally(group['verdict'])}")
        rows += [
            [
                f"{row['first']} − {row['second']}",
                BENCHMARK_LABELS.get(row["benchmark"], row["benchmark"]),
                verdict_word(row["verdict"]),
                signed(row["difference"]),
                f"[{signed(row['ci_low'])}, {signed(row['ci_high'])}]",
                number(row["p_holm"], 3),
                signed(row["paper_difference"]),
                f"{row['groups']:.0f}",
                f"{row['seeds']:.0f}",
                number(row["detectable"]),
                why_undecided(row),
            ]
            for _, row in done.iterrows()
        ]
    head = ["Comparison", "Benchmark", "Verdict", "Here", "Interval", "p (Holm)", "Paper"]
    head += ["Groups", "Seeds", "Detectable", "Why undecided"]
    blocks = [Grid("", head, rows, words=3, last_word=True)] if rows else []
    missing = []
    if unmeasured:
        reason = "Their runs are not finished; claims.csv says which are missing."
        missing = [f"{'; '.join(unmeasured)}. {reason}"]
    return Section("claims", "Do the paper's claims hold here?", lead, blocks, missing)


def contradictions_section() -> Section:
    """Where the paper disagrees with itself."""
    lead = "Found in the paper's own text and tables; they are mended nowhere here."
    blocks = [Prose(CONTRADICTIONS, as_list=True)]
    return Section("contradictions", "Contradictions inside the paper", lead, blocks)


def data_section(config: Config, root: Path) -> Section:
    """What of each dataset was usable, and how each benchmark is split."""
    rows, problems, missing = [], [], []
    for dataset in config.datasets:
        path = WorkFolder(root).shards(dataset).ledger
        if not path.exists():
            missing.append(f"{dataset}: the workflow writes {path} with its shards.")
            continue
        digests.check_text(path)
        with open(path, newline="", encoding="utf-8") as file:
            ledger = list(csv.DictReader(file))
        for kind in ("rgb", "flow"):
            of_kind = [row for row in ledger if row["kind"] == kind]
            count = Counter(row["status"] for row in of_kind)
            images = sum(int(row["decoded"]) for row in of_kind if row["status"] == "ok")
            states = [f"{count[s]:,}" for s in ("ok", "short", "broken", "missing")]
            rows.append([dataset, kind, f"{len(of_kind):,}", *states, f"{images:,}"])
        problems += [
            [dataset, row["video_id"], row["kind"], row["status"], row["message"]]
            for row in ledger
            if row["status"] != "ok"
        ]
    blocks: list[Block] = []
    if rows:
        head = ["Dataset", "Kind", "Videos", "ok", "short", "broken", "missing", "Frames of ok"]
        blocks.append(Grid("Videos by what became of them (the ledger).", head, rows, words=2))
    if problems:
        caption = f"Videos that are not ok: {len(problems)}"
        if len(problems) > SHOWN_PROBLEMS:
            caption += f", of which the first {SHOWN_PROBLEMS}; all stand in the ledger"
        head = ["Dataset", "Video", "Kind", "Status", "Message"]
        blocks.append(Grid(caption + ".", head, problems[:SHOWN_PROBLEMS], words=5))
    splits = [row for name in BENCHMARK_LABELS for row in _split_rows(root / "splits" / name, name)]
    if splits:
        head = ["Benchmark", "Split", "Protocol", "Part", "Expected", "Usable", "Groups", "Classes"]
        blocks.append(Grid("Splits: videos and source groups.", head, splits, words=4))
    else:
        missing.append(f"Splits: the workflow writes {root / 'splits'} before any training.")
    return Section("data", "Datasets", "", blocks, missing)


def provenance_section(config: Config, stored: Sequence[StoredRun]) -> Section:
    """What made these numbers: code, versions, machine, seeds, time."""
    records = [one.record for one in stored]
    versions = [f"{k} {v}" for record in records for k, v in record.get("versions", {}).items()]
    hours = sum(float(record.get("seconds", 0)) for record in records) / 3600
    facts = [
        ["Configuration", f"{config.name} (digest {digest(config)})"],
        ["Commit of the trainings", ", ".join(distinct(_texts(records, "commit"))) or "–"],
        ["Versions", ", ".join(distinct(versions)) or "–"],
        ["Device", ", ".join(distinct(_texts(records, "device"))) or "–"],
        ["Seeds", ", ".join(map(str, config.seeds))],
        ["Splits", ", ".join(map(str, config.splits))],
        ["Training time", f"{hours:.2f} hours in {len(records)} trainings"],
    ]
    blocks: list[Block] = [Grid("How this was made.", ["", ""], facts, words=2)]
    if stored:
        head = ["Run", "Commit", "Device", "Parameters, M", "Steps", "Minutes"]
        rows = [
            [
                one.run.path,
                str(one.record.get("commit", "–")),
                str(one.record.get("device", "–")),
                number(one.record.get("parameters", float("nan")) / 1e6, 2),
                str(one.record.get("settings", {}).get("optimisation", {}).get("steps", "–")),
                number(float(one.record.get("seconds", float("nan"))) / 60, 1),
            ]
            for one in stored
        ]
        blocks.append(Grid("Every training.", head, rows, words=3, folded=True))
    lead = "The provenance of each cell stands in the CSV of its table."
    missing = [] if stored else ["Trainings: `snakemake results/table5.csv`, for example."]
    return Section("provenance", "Environment and provenance", lead, blocks, missing)


def _split_rows(folder: Path, benchmark: str) -> list[list[str]]:
    """The parts of each split of a benchmark, from the JSON beside it."""
    rows = []
    for path in sorted(folder.glob("split*.json")):
        digests.check_text(path)
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for part, counts in summary["parts"].items():
            rows.append(
                [
                    BENCHMARK_LABELS[benchmark],
                    str(summary["split"]),
                    str(summary["protocol"]),
                    part,
                    f"{counts['expected']:,}",
                    f"{counts['usable']:,}",
                    f"{counts['groups']:,}",
                    str(len(summary["class_names"])),
                ]
            )
    return rows


def _title(table: str) -> str:
    return table.replace("table", "Table ")


def _tally(verdicts: Iterable[str]) -> str:
    """How often each verdict was given, in words."""
    counts = Counter(map(verdict_word, verdicts))
    names = {"holds": "hold", "fails": "fail", "undecided": "undecided", NOT_MEASURED: NOT_MEASURED}
    return ", ".join(
        f"{counts[verdict]} {name}" for verdict, name in names.items() if counts[verdict]
    )


def _texts(records: Sequence[dict[str, Any]], key: str) -> list[str]:
    return [str(record[key]) for record in records if key in record]
