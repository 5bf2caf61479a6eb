"""What of each dataset was usable, and how each benchmark is split."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rev2net.config import Config
from rev2net.digests import read_json
from rev2net.experiments import shard_folder
from rev2net.needs import images_needed
from rev2net.paper.tables import benchmark_label
from rev2net.report.blocks import Block, Grid, Section, read_rows
from rev2net.runs.folder import WorkFolder

SHOWN_PROBLEMS = 12  # unusable videos listed by name
STATES = ("ok", "short", "broken", "missing")


def data_section(config: Config, root: Path) -> Section:
    """The ledgers in numbers, the videos that are not ok by name, and the splits."""
    rows, problems, missing = [], [], []
    for dataset, kind in images_needed(config.benchmarks, config):
        path = shard_folder(WorkFolder(root), dataset, kind, config).ledger
        ledger = read_rows(path)
        if ledger is None:
            missing.append(f"{dataset}: the workflow writes {path} with its {kind} shards.")
            continue
        count = Counter(ledger["status"])
        images = ledger.loc[ledger["status"] == "ok", "decoded"].astype(int).sum()
        counts = (len(ledger), *(count[state] for state in STATES), images)
        rows.append([dataset, kind, *(f"{number:,}" for number in counts)])
        bad = ledger.loc[ledger["status"] != "ok", ["video_id", "kind", "status", "message"]]
        problems += [[dataset, *row] for row in bad.fillna("").to_numpy().tolist()]
    blocks: list[Block] = []
    if rows:
        head = ["Dataset", "Kind", "Videos", *STATES, "Frames of ok"]
        blocks.append(Grid("Videos by what became of them (the ledgers).", head, rows, words=2))
    if problems:
        caption = f"Videos that are not ok: {len(problems)}"
        if len(problems) > SHOWN_PROBLEMS:
            caption += f", of which the first {SHOWN_PROBLEMS}; all stand in the ledgers"
        head = ["Dataset", "Video", "Kind", "Status", "Message"]
        blocks.append(Grid(caption + ".", head, problems[:SHOWN_PROBLEMS], words=5))
    splits = [
        row
        for name in config.benchmarks
        for row in _parts(root / "splits" / name, benchmark_label(name, config))
    ]
    if splits:
        head = ["Benchmark", "Split", "Protocol", "Part", "Expected", "Usable", "Groups", "Classes"]
        blocks.append(Grid("Splits: videos and source groups.", head, splits, words=4))
    else:
        missing.append(f"Splits: the workflow writes {root / 'splits'} before any training.")
    return Section("data", "Datasets", "", blocks, missing)


def _parts(benchmark: Path, label: str) -> Iterator[list[str]]:
    """The parts of each split of a benchmark, from the JSON beside it."""
    for path in sorted(benchmark.glob("split*.json")):
        summary = read_json(path)
        words = [label, str(summary["split"]), str(summary["protocol"])]
        for part, counts in summary["parts"].items():
            numbers = [f"{counts[key]:,}" for key in ("expected", "usable", "groups")]
            yield [*words, part, *numbers, str(len(summary["class_names"]))]
