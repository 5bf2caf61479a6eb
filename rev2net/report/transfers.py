"""What transfers: accuracy on the source's held-out videos against that on the target's."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rev2net.config import Config, CrossDataset
from rev2net.experiments import INPUT_LABELS
from rev2net.figures.learning import Pen
from rev2net.figures.style import INPUT_COLORS
from rev2net.figures.transfer import Transfer, transfer_gap
from rev2net.paper.tables import Cell, averaged_runs, configured_tables, find_table
from rev2net.report.blocks import Gallery, Section, picture, section
from rev2net.runs.record import StoredRun, first_by_benchmark, label
from rev2net.tables.build import IN_DOMAIN, TOP1, StoredScores, measure_cells


def transfer_section(config: Config, root: Path, stored: Sequence[StoredRun]) -> Section:
    """In-domain against cross-dataset accuracy of every network that is finished.

    Measured as the tables do, whether or not a table has the row: the streams of a two-stream row
    are networks of their own.
    """
    lead = (
        "The full bar is the accuracy on the target dataset with its 95 % interval, its pale rest "
        "reaches the accuracy on held-out videos of the source; beside it the difference in "
        "points."
    )
    reader = StoredScores(root, config)
    found = {
        runs[0].place: _transfers(runs, config, reader)
        for name, runs in first_by_benchmark(stored).items()
        if isinstance(config.benchmarks[name], CrossDataset)
    }
    pictures = []
    for place, rows in found.items():
        if rows:
            alt = "; ".join(
                f"{row.label} {row.input} {row.in_domain:.1f} % in the source, "
                f"{row.across:.1f} % in the target"
                for row in rows
            )
            pictures.append(picture(transfer_gap(place, rows), alt))
    shown = sorted({row.input for rows in found.values() for row in rows}, reverse=True)
    colors = {kind: Pen(INPUT_LABELS[kind], INPUT_COLORS[kind]) for kind in shown}
    return section(
        "transfer",
        "What transfers: RGB against flow",
        lead,
        [Gallery("", pictures, colors, wide=True, printed=2)] if pictures else [],
        _made(config),
    )


def _made(config: Config) -> str:
    """What measures a transfer: the tables that have a pair of datasets."""
    across = [
        f"results/{name}.csv"
        for name in configured_tables(config)
        if any(
            isinstance(config.benchmarks[benchmark], CrossDataset)
            for benchmark in find_table(name, config).benchmarks
        )
    ]
    if not across:
        return "Transfer gap: no table has a benchmark from a source to a target."
    return f"Transfer gap: `snakemake {' '.join(across)}` measures it."


def _transfers(runs: Sequence[StoredRun], config: Config, reader: StoredScores) -> list[Transfer]:
    """The networks of one benchmark that have both accuracies, each model's together."""
    rows = measure_cells(list(_cells(runs, config)), config, reader)
    measured = rows[rows["measured"].notna()]
    across = measured[measured["metric"] == TOP1.name]
    inside = measured[measured["metric"] == IN_DOMAIN.name][["row", "input", "measured"]]
    both = across.merge(inside, on=["row", "input"], suffixes=("", "_inside"))
    columns = ["row", "input", "measured_inside", "measured", "ci_low", "ci_high"]
    found = [Transfer(*values) for values in both[columns].itertuples(index=False)]
    order = list(both["row"])
    return sorted(found, key=lambda row: order.index(row.label))


def _cells(runs: Sequence[StoredRun], config: Config) -> Iterator[Cell]:
    """A cell a network, as the tables have them; one model's inputs have one row."""
    for one in runs:
        run, model = one.run, one.method.label
        row = label(one, runs).replace(f"{model} {INPUT_LABELS[run.input]}", model)
        words = (run.benchmark, run.method, run.input, run.init, run.adapt)
        averaged = averaged_runs(*words, config)
        yield Cell(
            "", row, run.method, run.input, run.init, run.adapt, run.benchmark, None, averaged
        )
