"""The paper's tables as data, against what the paper prints."""

from pathlib import Path

import pytest

from rev2net.config import load
from rev2net.errors import UserError
from rev2net.paper import tables as paper

ROOT = Path(__file__).resolve().parents[2]
MINI = load(ROOT / "config.yaml")


# The paper's Tables 1 and 5, read from its text: (method, input) -> HMDB->UCF, UCF->HMDB.
PAPER_TABLE_5 = {
    ("tsn", "rgb"): (58.5, 40.1),
    ("tsm", "rgb"): (58.9, 41.2),
    ("i3d", "rgb"): (56.4, 41.0),
    ("tsn", "rgb+flow"): (60.9, 40.3),
    ("tsm", "rgb+flow"): (61.2, 41.5),
    ("i3d", "rgb+flow"): (57.9, 41.5),
    ("rev2net", "rgb"): (63.1, 46.8),
}


def test_table_5_has_the_papers_rows_and_numbers() -> None:
    found: dict[tuple[str, str], dict[str, float | None]] = {}
    for cell in paper.cells("table5", MINI):
        found.setdefault((cell.method, cell.input), {})[cell.benchmark] = cell.paper
    assert list(found) == list(PAPER_TABLE_5)
    for key, (hmdb_ucf, ucf_hmdb) in PAPER_TABLE_5.items():
        assert found[key] == {"hmdb-ucf": hmdb_ucf, "ucf-hmdb": ucf_hmdb}


def test_table_1_adds_the_flow_streams() -> None:
    flow = [c for c in paper.cells("table1", MINI) if c.input == "flow"]
    assert [(c.method, c.paper) for c in flow if c.benchmark == "hmdb-ucf"] == [
        ("tsn", 33.2),
        ("tsm", 35.1),
        ("i3d", 45.0),
    ]


def test_table_5_takes_14_trainings_a_seed() -> None:
    streams = {s for run in paper.table_runs("table5", MINI) for s, _ in run.streams}
    assert len(streams) == 14


def test_source_only_rows_stand_beside_the_adapted_ones_without_a_paper_value() -> None:
    tables = MINI.cross_dataset_tables.model_copy(update={"source_only": True})
    both = MINI.model_copy(update={"cross_dataset_tables": tables})
    cells = paper.cells("table5", both)
    assert len(cells) == 2 * len(paper.cells("table5", MINI))
    assert all((cell.paper is None) == (cell.adapt == "none") for cell in cells)


def test_official_split_1_is_one_split_whatever_the_others_average_over() -> None:
    three = MINI.model_copy(update={"splits": (1, 2, 3)})
    assert {run.split for run in paper.table_runs("table5", three)} == {1}
    benchmarks = {
        name: benchmark.model_copy(update={"protocol": "all-videos"})
        for name, benchmark in three.benchmarks.items()
        if "-" in name
    }
    free = three.model_copy(update={"benchmarks": benchmarks})
    assert {run.split for run in paper.table_runs("table5", free)} == {1, 2, 3}


# The paper's Tables 2 to 4, read from its text; R+F is its word for two streams. Sun-OFF's RGB row
# stands here under the inputs that its number was measured with.
RGB, BOTH = "rgb", "rgb+flow"
PAPER_TABLES: dict[str, dict[tuple[str, str], tuple[float | None, ...]]] = {
    "table2": {
        ("tsn", RGB): (86.4, 53.7),
        ("actionflownet", RGB): (83.9, 56.4),
        ("i3d", RGB): (84.5, 49.8),
        ("off", "rgb+rgbdiff"): (93.3, None),
        ("rev2net-noframe", RGB): (93.8, 69.6),
        ("rev2net-noflow", RGB): (93.1, 67.5),
        ("rev2net-noddp", RGB): (93.3, 69.7),
        ("rev2net", RGB): (94.6, 71.1),
        ("tsn", BOTH): (94.0, 69.4),
        ("i3d", BOTH): (93.4, 66.4),
        ("off", BOTH): (96.0, 74.2),
        ("rev2net", BOTH): (97.1, 78.0),
    },
    "table3": {
        ("tsm", RGB): (94.5, 70.7),
        ("stm", RGB): (96.2, 72.2),
        ("i3d", RGB): (95.6, 74.8),
        ("rev2net", RGB): (97.7, 78.3),
        ("i3d", BOTH): (98.0, 80.7),
        ("rev2net", BOTH): (98.7, 81.9),
    },
    "table4": {
        ("i3d", RGB): (71.1,),
        ("tsm", RGB): (72.5,),
        ("rev2net-noddp", RGB): (72.7,),
        ("rev2net", RGB): (73.3,),
        ("i3d", BOTH): (74.2,),
        ("rev2net-noddp", BOTH): (74.1,),
        ("rev2net", BOTH): (74.8,),
    },
}


@pytest.mark.parametrize("table", PAPER_TABLES)
def test_tables_2_to_4_have_the_papers_rows_and_numbers(table: str) -> None:
    found: dict[tuple[str, str], list[float | None]] = {}
    for cell in paper.cells(table, MINI):
        found.setdefault((cell.method, cell.input), []).append(cell.paper)
    assert {key: tuple(values) for key, values in found.items()} == PAPER_TABLES[table]


def test_table_3_starts_from_kinetics_and_the_others_do_not() -> None:
    inits = {name: {cell.init for cell in paper.cells(name, MINI)} for name in paper.TABLES}
    assert inits == {
        "table1": {"scratch"},
        "table2": {"scratch"},
        "table3": {"kinetics"},
        "table4": {"scratch"},
        "table5": {"scratch"},
    }


def test_kinetics_is_one_split_whatever_the_others_average_over() -> None:
    three = MINI.model_copy(update={"splits": (1, 2, 3)})
    assert {run.split for run in paper.table_runs("table4", three)} == {1}
    assert {run.split for run in paper.table_runs("table2", three)} == {1, 2, 3}


def test_a_table_without_its_benchmarks_is_refused_and_not_offered() -> None:
    cross = MINI.model_copy(
        update={"benchmarks": {k: v for k, v in MINI.benchmarks.items() if "-" in k}}
    )
    assert paper.configured_tables(cross) == ["table1", "table5"]
    with pytest.raises(UserError, match=r"table3 needs benchmark 'ucf101'.* are table1, table5$"):
        paper.cells("table3", cross)


@pytest.mark.parametrize("name", ["tabel5", "table6", "claim"])
def test_an_unknown_table_is_told_which_there_are(name: str) -> None:
    with pytest.raises(UserError, match=f"{name}.* table1, table2, table3, table4, table5$"):
        paper.cells(name, MINI)
