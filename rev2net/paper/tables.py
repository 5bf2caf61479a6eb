"""The paper's tables as data: every row with its published accuracies, and the runs it needs.

Imports neither pandas nor torch: Snakemake reads it for every job.
"""

from dataclasses import dataclass
from typing import Literal

from rev2net.config import Config
from rev2net.errors import UserError
from rev2net.experiments import method_label, parent, seeds_and_splits
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF, Run


@dataclass(frozen=True)
class Row:
    """One line of a table: method, input, and the paper's accuracy for each of its benchmarks."""

    method: str
    input: str
    accuracy: tuple[float | None, ...]  # percent; None where the paper has none
    init: str | None = None  # where not that of the table's other rows
    on_other_videos: bool = False  # measured by its authors on another list than ours here


@dataclass(frozen=True)
class Table:
    """One table of the paper."""

    title: str
    benchmarks: tuple[str, ...]  # its columns
    start: Literal["cross", "within", "kinetics"]  # whose initialisation its runs have
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Cell:
    """One number of a table."""

    table: str
    row: str
    method: str
    input: str
    init: str
    adapt: str
    benchmark: str
    paper: float | None  # percent; None where the paper has none
    runs: tuple[Run, ...]  # that it averages: every split and seed of its benchmark
    on_other_videos: bool = False  # the paper's number is not of the videos that are tested here


BENCHMARK_LABELS = {
    "ucf101": "UCF101",
    "hmdb51": "HMDB51",
    "kinetics400": "Kinetics",
    "hmdb-ucf": "HMDB→UCF",
    "ucf-hmdb": "UCF→HMDB",
}  # in the order of the columns

_CROSS = ("hmdb-ucf", "ucf-hmdb")
_WITHIN = ("ucf101", "hmdb51")

_TABLE1 = (
    Row("tsn", "rgb", (58.5, 40.1)),
    Row("tsn", "flow", (33.2, 23.0)),
    Row("tsn", RGB_FLOW, (60.9, 40.3)),
    Row("tsm", "rgb", (58.9, 41.2)),
    Row("tsm", "flow", (35.1, 24.0)),
    Row("tsm", RGB_FLOW, (61.2, 41.5)),
    Row("i3d", "rgb", (56.4, 41.0)),
    Row("i3d", "flow", (45.0, 31.1)),
    Row("i3d", RGB_FLOW, (57.9, 41.5)),
)
TABLES: dict[str, Table] = {
    "table1": Table("Cross-dataset accuracy of two-stream networks", _CROSS, "cross", _TABLE1),
    "table2": Table(
        "Accuracy within UCF101 and HMDB51, not pre-trained on videos",
        _WITHIN,
        "within",
        (
            Row("tsn", "rgb", (86.4, 53.7)),
            Row("actionflownet", "rgb", (83.9, 56.4), init="scratch"),  # from raw video alone
            Row("i3d", "rgb", (84.5, 49.8)),
            # The paper files it under RGB: its second input is made of RGB frames too.
            Row("off", RGB_RGBDIFF, (93.3, None)),
            Row("rev2net-noframe", "rgb", (93.8, 69.6)),
            Row("rev2net-noflow", "rgb", (93.1, 67.5)),
            Row("rev2net-noddp", "rgb", (93.3, 69.7)),
            Row("rev2net", "rgb", (94.6, 71.1)),
            Row("tsn", RGB_FLOW, (94.0, 69.4)),
            Row("i3d", RGB_FLOW, (93.4, 66.4)),
            Row("off", RGB_FLOW, (96.0, 74.2)),
            Row("rev2net", RGB_FLOW, (97.1, 78.0)),
        ),
    ),
    "table3": Table(
        "Accuracy within UCF101 and HMDB51, pre-trained on Kinetics",
        _WITHIN,
        "kinetics",
        (
            Row("tsm", "rgb", (94.5, 70.7)),
            Row("stm", "rgb", (96.2, 72.2)),
            Row("i3d", "rgb", (95.6, 74.8)),
            Row("rev2net", "rgb", (97.7, 78.3)),
            Row("i3d", RGB_FLOW, (98.0, 80.7)),
            Row("rev2net", RGB_FLOW, (98.7, 81.9)),
        ),
    ),
    "table4": Table(
        "Accuracy on Kinetics",
        ("kinetics400",),
        "within",
        (
            # Of Kinetics' test list, whose labels are not published; here its validation list.
            Row("i3d", "rgb", (71.1,), on_other_videos=True),
            Row("tsm", "rgb", (72.5,)),
            Row("rev2net-noddp", "rgb", (72.7,)),
            Row("rev2net", "rgb", (73.3,)),
            Row("i3d", RGB_FLOW, (74.2,), on_other_videos=True),
            Row("rev2net-noddp", RGB_FLOW, (74.1,)),
            Row("rev2net", RGB_FLOW, (74.8,)),
        ),
    ),
    "table5": Table(
        "Cross-dataset accuracy of Rev2Net and the compared networks",
        _CROSS,
        "cross",
        (
            *(row for row in _TABLE1 if row.input == "rgb"),
            *(row for row in _TABLE1 if row.input == RGB_FLOW),
            Row("rev2net", "rgb", (63.1, 46.8)),
        ),
    ),
}

# Where the paper disagrees with itself; shown beside the tables, mended nowhere.
CONTRADICTIONS = (
    "Tables 1 and 5 head their columns HMDB→UCF, UCF→HMDB. The text gives the gain of 11.9 % to "
    "UCF→HMDB, but 63.1 / 56.4 = +11.9 % stands in the first column and 46.8 / 41.0 = +14.1 % in "
    "the second. The tables here follow the paper's table. Both gains are relative.",
    "The text says that Rev2Net without the discrepancy penalty is worse than with the frame "
    "decoder alone. In Table 2 it is not: 93.3 against 93.1 on UCF101, 69.7 against 67.5 on "
    "HMDB51. It is worse only than the flow decoder alone, on UCF101 (93.8).",
    "In Table 4 Rev2Net w/o DDP, RGB + Flow (74.1) is below I3D, RGB + Flow (74.2).",
    "Table 2 mixes rows measured on split 1 (I3D and presumably TSN on RGB) with rows averaged "
    "over three splits.",
)


def benchmark_label(name: str) -> str:
    """A benchmark as the paper heads its column.

    >>> benchmark_label("hmdb-ucf")
    'HMDB→UCF'
    """
    return BENCHMARK_LABELS.get(name, name)


def table_label(name: str) -> str:
    """A table as people call it.

    >>> table_label("table5")
    'Table 5'
    """
    return name.replace("table", "Table ")


def configured_tables(config: Config) -> list[str]:
    """The tables of whose benchmarks the configuration has every one, those of parents too."""
    return [
        name
        for name, table in TABLES.items()
        if set(table.benchmarks) <= set(config.benchmarks)
        and all(
            start.benchmark in config.benchmarks
            for run in table_runs(name, config)
            for stream, _ in run.streams
            if (start := parent(stream, config)) is not None
        )
    ]


def cells(name: str, config: Config) -> list[Cell]:
    """The cells of a table under a configuration, row by row.

    Raises UserError for an unknown table and for one whose benchmarks are not configured.
    """
    if name not in TABLES:
        raise UserError(f"unknown table {name!r}; the tables are {', '.join(TABLES)}")
    table = TABLES[name]
    for benchmark in table.benchmarks:
        if benchmark not in config.benchmarks:
            raise UserError(
                f"{name} needs benchmark {benchmark!r}, which configuration {config.name!r} does "
                f"not have; its tables are {', '.join(configured_tables(config)) or 'none'}"
            )
    return [
        # The paper's rows are adapted ones; a source-only row stands beside, without its value.
        Cell(
            name,
            method_label(row.method) + (" (source only)" if source_only else ""),
            row.method,
            row.input,
            row.init or init,
            adapt,
            benchmark,
            None if source_only else value,
            averaged_runs(benchmark, row.method, row.input, row.init or init, adapt, config),
            row.on_other_videos,
        )
        for row in table.rows
        for init, adapt, source_only in _variants(table, config)
        for benchmark, value in zip(table.benchmarks, row.accuracy, strict=True)
    ]


def averaged_runs(
    benchmark: str, method: str, input_: str, init: str, adapt: str, config: Config
) -> tuple[Run, ...]:
    """Every split and seed of a benchmark."""
    return tuple(
        Run(benchmark, method, input_, init, adapt, split, seed)
        for split, seed in seeds_and_splits(benchmark, config)
    )


def _variants(table: Table, config: Config) -> list[tuple[str, str, bool]]:
    """How each row of a table is trained: initialisation, adaptation, source only or not."""
    if table.start == "kinetics":
        return [("kinetics", "none", False)]
    if table.start == "within":
        return [(config.within_dataset_tables.init, "none", False)]
    chosen = config.cross_dataset_tables
    variants: list[tuple[str, str, bool]] = [(chosen.init, chosen.adapt, False)]
    if chosen.source_only and chosen.adapt != "none":
        variants.append((chosen.init, "none", True))
    return variants


def table_runs(name: str, config: Config) -> list[Run]:
    """All runs of a table's cells, fused ones included."""
    return sorted({run for cell in cells(name, config) for run in cell.runs})


def scores_needed(target: str, config: Config) -> list[tuple[Run, str]]:
    """The scores, run and part, that a table, `claims` or `fusion` is made of.

    A table is of test scores, with those of validation videos for its weights beside them; claims
    are tested on the test scores of every table, fusion is swept over validation scores of the
    streams of two-stream rows. Raises UserError for a table that the configuration cannot make.
    """
    if target not in ("claims", "fusion"):
        return [(run, part) for run in table_runs(target, config) for part in ("test", "val")]
    runs = {run for table in configured_tables(config) for run in table_runs(table, config)}
    if target == "claims":
        return [(run, "test") for run in sorted(runs)]
    streams = {stream for run in runs if run.input == RGB_FLOW for stream, _ in run.streams}
    return [(stream, "val") for stream in sorted(streams)]
