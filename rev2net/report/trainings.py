"""What made the numbers: code, versions, machine, seeds, time."""

from collections.abc import Iterable, Sequence

from rev2net.config import Config, digest
from rev2net.paper.tables import configured_tables
from rev2net.report.blocks import Block, Grid, Section, number
from rev2net.runs.record import StoredRun
from rev2net.tables.build import distinct


def provenance_section(config: Config, stored: Sequence[StoredRun]) -> Section:
    """What made these numbers: code, versions, machine, seeds, time."""
    records = [one.record for one in stored]
    versions = [f"{k} {v}" for record in records for k, v in record.get("versions", {}).items()]
    hours = sum(float(record.get("seconds", 0)) for record in records) / 3600
    facts = [
        ["Configuration", f"{config.name} (digest {digest(config)})"],
        ["Commit of the trainings", _listed(record.get("commit") for record in records)],
        ["Versions", _listed(versions)],
        ["Device", _listed(record.get("device") for record in records)],
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
                str(one.record.get("schedule", {}).get("steps", "–")),
                number(float(one.record.get("seconds", float("nan"))) / 60, 1),
            ]
            for one in stored
        ]
        blocks.append(Grid("Every training.", head, rows, words=3, folded=True))
    lead = "The provenance of each cell stands in the CSV of its table."
    made = " ".join(f"results/{name}.csv" for name in configured_tables(config)[-1:])
    missing = [] if stored else [f"Trainings: `snakemake {made}`, for example."]
    return Section("provenance", "Environment and provenance", lead, blocks, missing)


def _listed(values: Iterable[str | None]) -> str:
    return ", ".join(distinct(filter(None, values))) or "–"
