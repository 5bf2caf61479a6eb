"""Where one cell of a table comes from: its runs, splits, weights, videos and code, as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from rev2net.config import Config, TableRow, digest
from rev2net.digests import file_digest, read_json
from rev2net.errors import UserError
from rev2net.experiments import INPUT_LABELS
from rev2net.paper.claims import is_of_row
from rev2net.paper.tables import Cell, cells
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run
from rev2net.runs.scores import read_scores
from rev2net.tables.build import StoredScores, distinct, measure_cells
from rev2net.tables.render import rounded


def find_cell(table: str, row: TableRow, benchmark: str, config: Config) -> Cell:
    """The named cell; raises UserError that lists what the table has."""
    known = cells(table, config)
    found = [cell for cell in known if cell.benchmark == benchmark and is_of_row(cell, row)]
    if found:
        return found[0]
    method, input_ = row.method, row.input
    for word, key in ((method, "method"), (input_, "input"), (benchmark, "benchmark")):
        allowed = distinct(getattr(cell, key) for cell in known)
        if word not in allowed:
            raise UserError(f"{table} has no {key} {word!r}; it has {', '.join(allowed)}")
    rows = distinct(
        f"{cell.method} {cell.input} ({cell.init}, {cell.adapt})"
        for cell in known
        if cell.benchmark == benchmark
    )
    raise UserError(f"{table} has no row {method} {input_}; its rows are {', '.join(rows)}")


def explain(cell: Cell, config: Config, root: str | Path) -> str:
    """Everything stored that the cell's number depends on, a fact a line.

    Raises UserError as `build` does for scores that do not belong there.
    """
    return "\n".join(_lines(cell, config, Path(root))) + "\n"


def _lines(cell: Cell, config: Config, root: Path) -> Iterator[str]:
    runs = cell.runs
    measured = measure_cells([cell], config, StoredScores(root, config))
    first = measured.iloc[0]
    yield f"{cell.table}: {cell.row}, {INPUT_LABELS[cell.input]}, {cell.benchmark}"
    yield f"configuration: {config.name}, digest {digest(config)}"
    for row in measured.to_dict("records"):
        if pd.isna(row["measured"]):
            reason = row["provenance"].removeprefix("empty=").split(";")[0]
            yield f"{row['metric']}: empty ({reason})"
            continue
        interval = f"[{rounded(row['ci_low']):.1f}, {rounded(row['ci_high']):.1f}]"
        if pd.isna(row["ci_low"]):
            interval = "(no interval: fewer than two source groups)"
        std = "" if pd.isna(row["std"]) else f" ±{rounded(row['std']):.1f} over seeds"
        yield f"{row['metric']}: {row['measured']:.2f} %{std} {interval}"
    if cell.paper is not None:
        yield f"the paper's value: {cell.paper:.1f} %"
    if not pd.isna(first["videos_evaluated"]):
        yield f"videos: {first['videos_evaluated']} of {first['videos_expected']} expected"
        yield f"protocol: {first['protocol']}"
    for split in distinct(run.split for run in runs):
        path = WorkFolder(root).split(cell.benchmark, split).with_suffix(".json")
        yield from _split_lines(path, [run for run in runs if run.split == split], root)
    for run in runs:
        if len(run.streams) > 1:
            terms = " + ".join(f"{weight:g} x {stream.path}" for stream, weight in run.streams)
            yield f"fused {run.path} = {terms}"
        for stream, _ in run.streams:
            yield from _run_lines(stream, root)


def _split_lines(path: Path, runs: Sequence[Run], root: Path) -> Iterator[str]:
    """What the scores say of their split, and what the split's own summary adds."""
    stored = [WorkFolder(root).run(run).scores("test") for run in runs]
    used = distinct(read_scores(one).split_digest for one in stored if one.exists())
    if not path.exists():
        yield f"split: {path} is not there; scored on sha256 {', '.join(used) or 'nothing yet'}"
        return
    summary = read_json(path)
    yield f"split: {path.with_suffix('.csv')}, sha256 {summary['digest']}"
    for digest_ in used:
        if digest_ != summary["digest"]:
            raise UserError(
                f"{path}: the scores are of a split with sha256 {digest_[:12]}…, this one has "
                f"{summary['digest'][:12]}…; make them again with snakemake"
            )
    if summary.get("class_map"):
        version = summary.get("class_map_digest", "unknown version")
        yield f"  classes: {summary['class_set']} of {summary['class_map']} ({version})"
    for part, counts in summary["parts"].items():
        yield f"  {part}: {counts['usable']} of {counts['expected']} videos usable"


def _run_lines(run: Run, root: Path) -> Iterator[str]:
    yield f"run {run.path}"
    path = WorkFolder(root).run(run).record
    if not path.exists():
        yield "  not trained yet"
        return
    record = read_json(path)
    try:
        versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
        steps, weights = record["schedule"]["steps"], record["settings"]["initial_weights"]
        yield f"  trained by commit {record['commit']} with {versions}"
        yield f"  seed {run.seed}, {steps} steps on {record['device']}, {record['seconds']:.0f} s"
        start = "fresh weights"
        if weights:
            start = f"{weights['file']}, sha256 {record['initial_weights_digest']}"
        yield f"  started from {start}"
    except KeyError as error:
        raise UserError(f"{path}: no {error}; not a record of this program") from None
    path = WorkFolder(root).run(run).scores("test")
    if not path.exists():
        yield "  not evaluated yet"
        return
    scores = read_scores(path)
    yield f"  checkpoint sha256 {scores.checkpoint}"
    averaged = {"logit": "logits", "probability": "probabilities"}[scores.space]
    yield f"  scores {path} by commit {scores.commit}: {len(scores)} videos, {averaged} averaged"
    checkpoint = WorkFolder(root).run(run).checkpoint
    if checkpoint.exists() and file_digest(checkpoint) != scores.checkpoint:
        yield "  checkpoint.pt was made again since: evaluate it with snakemake"
