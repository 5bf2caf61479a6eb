"""The paper's tables as data, every row with its published accuracies, and a configuration's own.

What runs a table needs follows from either alike. Imports neither pandas nor torch: Snakemake reads
it for every job.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from rev2net.config import Config, TableSettings
from rev2net.errors import UserError
from rev2net.experiments import parent, seeds_and_splits
from rev2net.runs.identity import RGB_FLOW, RGB_RGBDIFF, Run


@dataclass(frozen=True)
class Row:
    """One line of a table: method, input, and the paper's accuracy for each of its benchmarks."""

    method: str
    input: str
    accuracy: tuple[float | None, ...]  # percent; None where the paper has none
    init: str | None = None  # where not that of the table's other rows
    adapt: str | None = None  # likewise
    on_other_videos: bool = False  # measured by its authors on another list than ours here


@dataclass(frozen=True)
class Table:
    """One table."""

    title: str
    benchmarks: tuple[str, ...]  # its columns
    # Whose initialisation its runs have; None: every row says its own, and its adaptation.
    start: Literal["cross", "within", "kinetics"] | None
    rows: tuple[Row, ...]

    @property
    def is_papers(self) -> bool:
        """Whether the paper has this table."""
        return self.start is not None


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


# The paper's benchmarks: how it heads their columns, and the formats of their datasets.
BENCHMARKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ucf101": ("UCF101", ("ucf101",)),
    "hmdb51": ("HMDB51", ("hmdb51",)),
    "kinetics400": ("Kinetics", ("kinetics400",)),
    "hmdb-ucf": ("HMDB→UCF", ("hmdb51", "ucf101")),
    "ucf-hmdb": ("UCF→HMDB", ("ucf101", "hmdb51")),
}

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


def benchmark_label(name: str, config: Config) -> str:
    """What heads a benchmark's column: its own label, the paper's, or else its datasets.

    Of several benchmarks on the same datasets each has its name behind them.
    """
    benchmark = config.benchmarks.get(name)
    if benchmark is None:  # named by a result that is older than the configuration
        return name
    if benchmark.label is not None:
        return benchmark.label
    if name in BENCHMARKS and _formats(name, config) == BENCHMARKS[name][1]:
        return BENCHMARKS[name][0]
    label = "→".join(benchmark.datasets)
    alike = [one for one in config.benchmarks.values() if one.datasets == benchmark.datasets]
    return label if len(alike) == 1 else f"{label} ({name})"


def table_label(name: str) -> str:
    """A table as people call it.

    >>> table_label("table5"), table_label("transfer")
    ('Table 5', 'Table “transfer”')
    """
    return f"Table {name[5:]}" if re.fullmatch(r"table\d+", name) else f"Table “{name}”"


def words_apart(init: str, adapt: str, beside: Collection[tuple[str, str]]) -> list[str]:
    """What of start and adaptation tells a row from those `beside` it with its method and input.

    >>> words_apart("scratch", "none", [("scratch", "none"), ("scratch", "mkmmd")])
    ['(source only)']
    """
    inits, adapts = ({pair[place] for pair in beside} for place in (0, 1))
    words = [f"({init})"] if len(inits) > 1 else []
    if len(adapts) > 1:
        words.append("(source only)" if adapt == "none" else f"({adapt})")
    return words


def find_table(name: str, config: Config) -> Table:
    """A table of the paper or of the configuration; raises UserError where there is none."""
    if name in config.tables:
        return _own_table(config.tables[name])
    if name not in TABLES:
        known = ", ".join([*TABLES, *config.tables])
        raise UserError(f"unknown table {name!r}; the tables are {known}")
    return TABLES[name]


def configured_tables(config: Config) -> list[str]:
    """The tables that can be made: the paper's that the configuration has the data of, its own.

    A table of the paper takes all of its benchmarks, and those of the runs that its own start from.
    """
    papers = [
        name
        for name in TABLES
        if _lacks(name, config) is None
        and all(
            start.benchmark in config.benchmarks
            for run in table_runs(name, config)
            for stream, _ in run.streams
            if (start := parent(stream, config)) is not None
        )
    ]
    return [*papers, *config.tables]


def default_tables(config: Config) -> list[str]:
    """The same for where at least one is meant: raises UserError where there is none."""
    if not (found := configured_tables(config)):
        raise UserError(
            f"configuration {config.name!r} has no table: its `tables` is empty, and it lacks a "
            "benchmark of each of the paper's"
        )
    return found


def has_tables_of_the_paper(config: Config) -> bool:
    """Whether anything that is measured here stands beside a number of the paper."""
    return any(name in TABLES for name in configured_tables(config))


def cells(name: str, config: Config) -> list[Cell]:
    """The cells of a table under a configuration, row by row.

    Raises UserError for an unknown table and for one whose benchmarks are not configured.
    """
    table = find_table(name, config)
    if table.is_papers and (lacking := _lacks(name, config)) is not None:
        raise UserError(
            f"{lacking}; the tables of configuration {config.name!r} are "
            f"{', '.join(configured_tables(config)) or 'none'}"
        )
    methods = config.all_methods
    trained = [(row, *words) for row in table.rows for words in _variants(table, row, config)]
    found = []
    for row, init, adapt, source_only in trained:
        words = ["(source only)"] if source_only else []
        if not table.is_papers:
            same = [t[1:3] for t in trained if (t[0].method, t[0].input) == (row.method, row.input)]
            words = words_apart(init, adapt, same)
        label = " ".join([methods[row.method].label, *words])
        for benchmark, value in zip(table.benchmarks, row.accuracy, strict=True):
            averaged = averaged_runs(benchmark, row.method, row.input, init, adapt, config)
            found.append(
                Cell(
                    name,
                    label,
                    row.method,
                    row.input,
                    init,
                    adapt,
                    benchmark,
                    # The paper's rows are adapted ones; a source-only row stands beside.
                    None if source_only else value,
                    averaged,
                    row.on_other_videos,
                )
            )
    return found


def averaged_runs(
    benchmark: str, method: str, input_: str, init: str, adapt: str, config: Config
) -> tuple[Run, ...]:
    """Every split and seed of a benchmark."""
    return tuple(
        Run(benchmark, method, input_, init, adapt, split, seed)
        for split, seed in seeds_and_splits(benchmark, config)
    )


def _own_table(settings: TableSettings) -> Table:
    """A table of the configuration: of rows without numbers of the paper."""
    nothing = (None,) * len(settings.benchmarks)
    rows = tuple(
        Row(row.method, row.input, nothing, row.init or settings.init, row.adapt or settings.adapt)
        for row in settings.rows
    )
    title = " ".join(settings.title.split())  # on one line
    return Table(title, settings.benchmarks, None, rows)


def _formats(benchmark: str, config: Config) -> tuple[str, ...]:
    """The formats of a benchmark's datasets: source before target."""
    return tuple(config.datasets[name].format for name in config.benchmarks[benchmark].datasets)


def _lacks(name: str, config: Config) -> str | None:
    """What data a configuration has not of a table of the paper, in words; None: it has all."""
    for benchmark in TABLES[name].benchmarks:
        if benchmark not in config.benchmarks:
            return f"{name} needs benchmark {benchmark!r}"
        needed, found = BENCHMARKS[benchmark][1], _formats(benchmark, config)
        if found != needed:
            sides = ("source", "target") if len(needed) == 2 else ("dataset",)
            words = " and ".join(map(" ".join, zip(sides, needed, strict=True)))
            return (
                f"{name} needs {words} (formats) in benchmarks.{benchmark}, which has "
                f"{' to '.join(found)}"
            )
    return None


def _variants(table: Table, row: Row, config: Config) -> list[tuple[str, str, bool]]:
    """How a row of a table is trained: initialisation, adaptation, source only or not."""
    cross = config.cross_dataset_tables
    init = {
        None: "",
        "kinetics": "kinetics",
        "within": config.within_dataset_tables.init,
        "cross": cross.init,
    }[table.start]
    adapt = cross.adapt if table.start == "cross" else "none"
    variants = [(row.init or init, row.adapt or adapt, False)]
    if table.start == "cross" and cross.source_only and adapt != "none":
        variants.append((row.init or init, "none", True))
    return variants


def table_runs(name: str, config: Config) -> list[Run]:
    """All runs of a table's cells, fused ones included."""
    return sorted({run for cell in cells(name, config) for run in cell.runs})


def all_runs(config: Config) -> list[Run]:
    """The runs of every table; UserError where there is none."""
    return sorted({run for table in default_tables(config) for run in table_runs(table, config)})
