"""Run identity and the rows of the tables."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rev2net import experiments
from rev2net.config import load
from rev2net.errors import UserError
from rev2net.experiments import METHODS, Run

ROOT = Path(__file__).resolve().parent.parent
MINI = load(ROOT / "config.yaml")

runs = st.builds(
    Run,
    st.sampled_from(["ucf101", "hmdb51", "kinetics400", "hmdb-ucf", "ucf-hmdb"]),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["rgb", "flow", "rgb+flow"]),
    st.sampled_from(["scratch", "imagenet", "kinetics"]),
    st.sampled_from(["none", "mkmmd", "dann"]),
    st.integers(1, 3),
    st.integers(0, 10**6),
)


@given(runs)
def test_a_run_is_its_path(run: Run) -> None:
    assert Run.parse(run.path) == run


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("hmdb-ucf/i3d", "is not <benchmark>/<method>"),
        ("hmdb-ucf/i4d/rgb.scratch.mkmmd/split1.seed0", "method 'i4d' is none of tsn, tsm, i3d"),
        ("ucf-ucf/i3d/rgb.scratch.mkmmd/split1.seed0", "benchmark 'ucf-ucf' is none of"),
    ],
)
def test_a_path_outside_the_vocabulary_is_refused(path: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Run.parse(path)


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
    for cell in experiments.cells("table5", MINI):
        found.setdefault((cell.method, cell.input), {})[cell.benchmark] = cell.paper
    assert list(found) == list(PAPER_TABLE_5)
    for key, (hmdb_ucf, ucf_hmdb) in PAPER_TABLE_5.items():
        assert found[key] == {"hmdb-ucf": hmdb_ucf, "ucf-hmdb": ucf_hmdb}


def test_table_1_adds_the_flow_streams() -> None:
    flow = [c for c in experiments.cells("table1", MINI) if c.input == "flow"]
    assert [(c.method, c.paper) for c in flow if c.benchmark == "hmdb-ucf"] == [
        ("tsn", 33.2),
        ("tsm", 35.1),
        ("i3d", 45.0),
    ]


def test_table_5_takes_14_trainings_a_seed() -> None:
    streams = {s for run in experiments.table_runs("table5", MINI) for s in run.streams}
    assert len(streams) == 14


def test_source_only_rows_stand_beside_the_adapted_ones_without_a_paper_value() -> None:
    tables = MINI.cross_dataset_tables.model_copy(update={"source_only": True})
    both = MINI.model_copy(update={"cross_dataset_tables": tables})
    cells = experiments.cells("table5", both)
    assert len(cells) == 2 * len(experiments.cells("table5", MINI))
    assert all((cell.paper is None) == (cell.adapt == "none") for cell in cells)


def test_official_split_1_is_one_split_whatever_the_others_average_over() -> None:
    three = MINI.model_copy(update={"splits": (1, 2, 3)})
    assert {run.split for run in experiments.table_runs("table5", three)} == {1}
    benchmarks = {
        name: benchmark.model_copy(update={"protocol": "all-videos"})
        for name, benchmark in three.benchmarks.items()
    }
    free = three.model_copy(update={"benchmarks": benchmarks})
    assert {run.split for run in experiments.table_runs("table5", free)} == {1, 2, 3}


def test_an_ablation_is_rev2nets_recipe_less_what_it_goes_without() -> None:
    full = experiments.train_settings(
        Run("hmdb-ucf", "rev2net", "rgb", "scratch", "mkmmd", 1, 0), MINI
    )
    without = experiments.train_settings(
        Run("hmdb-ucf", "rev2net-noddp", "rgb", "scratch", "mkmmd", 1, 0), MINI
    )
    assert full.loss.feature_discrepancy > 0
    assert without.loss == full.loss.model_copy(
        update={"feature_discrepancy": 0.0, "latent_discrepancy": 0.0}
    )
    assert without.network == full.network


def test_rev2nets_second_stream_is_an_i3d_on_flow() -> None:
    run = Run("ucf101", "rev2net", "rgb+flow", "imagenet", "none", 1, 0)
    assert [(s.method, s.input) for s in run.streams] == [("rev2net", "rgb"), ("i3d", "flow")]


def test_the_test_protocol_is_no_part_of_what_a_training_depends_on() -> None:
    run = Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0)
    recipe = MINI.recipes["i3d.rgb"]
    other = recipe.model_copy(update={"test": recipe.test.model_copy(update={"clips": 7})})
    changed = MINI.model_copy(update={"recipes": {**MINI.recipes, "i3d.rgb": other}})
    assert experiments.train_settings(run, changed) == experiments.train_settings(run, MINI)
    assert experiments.evaluate_settings(run, changed) != experiments.evaluate_settings(run, MINI)


def test_an_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'table5'"):
        experiments.cells("tabel5", MINI)
