"""Which trainings measure how long a recipe has to be, and at which length."""

from pathlib import Path

import pytest
import yaml

from rev2net.config import Config, CrossDataset, load, validate
from rev2net.errors import UserError
from rev2net.experiments import train_settings
from rev2net.paper.tables import table_runs
from rev2net.schedules import held_out, measured_runs, measured_settings

ROOT = Path(__file__).resolve().parent.parent
PAPER = load(ROOT / "configs/paper.yaml")
SMOKE = (ROOT / "configs/smoke.yaml").read_text()


def with_recipes(text: str, folder: Path, origin: Path = ROOT / "configs/paper.yaml") -> Config:
    (folder / "found.yaml").write_text(text)
    values = yaml.safe_load(origin.read_text()) | {"recipes_from": str(folder / "found.yaml")}
    return validate(Config, values, "test")


def test_every_stream_of_the_cross_dataset_tables_is_measured_by_the_same_rule() -> None:
    needed = {
        (run.benchmark, run.method, run.input)
        for table in ("table1", "table5")
        for fused in table_runs(table, PAPER)
        for run, _ in fused.streams
        if not run.method.startswith("rev2net-")  # ablations train by Rev2Net's recipe
    }
    measured = measured_runs(PAPER)
    assert {(run.benchmark, run.method, run.input) for run in measured} == needed
    assert len({run.path for run in measured}) == len(measured) == 14


def test_a_measured_training_is_the_tables_own_but_for_its_list() -> None:
    for run in measured_runs(PAPER):
        assert measured_settings(run, PAPER) == train_settings(run, PAPER)
        assert (run.init, run.adapt, run.split, run.seed) == ("imagenet", "mkmmd", 1, 0)
    own = PAPER.benchmarks["hmdb-ucf"]
    assert isinstance(own, CrossDataset)
    assert own.validation_fraction == 0
    held = held_out("hmdb-ucf", PAPER)
    assert held == own.model_copy(update={"validation_fraction": 0.2})


def test_what_was_found_is_trained_and_the_recipes_own_length_measured_again(
    tmp_path: Path,
) -> None:
    """Else the rule would shorten what it has shortened."""
    text = (
        "tsn.rgb.hmdb-ucf: {optimisation: {epochs: 63, milestones: [25.2, 50.4]}}\n"
        "tsm.flow.imagenet.hmdb-ucf: {optimisation: {epochs: 30, milestones: [12, 24]}}\n"
    )
    found = with_recipes(text, tmp_path)
    again = validate(Config, found.model_dump(mode="json"), "resolved")  # as stages read it
    assert again == found
    for run in measured_runs(PAPER):
        before, after = train_settings(run, PAPER), train_settings(run, again)
        assert measured_settings(run, again) == before
        if (run.method, run.input, run.benchmark) == ("tsn", "rgb", "hmdb-ucf"):
            assert (after.optimisation.epochs, after.optimisation.milestones) == (63, (25.2, 50.4))
        elif (run.method, run.input, run.benchmark) == ("tsm", "flow", "hmdb-ucf"):
            assert (after.optimisation.epochs, after.optimisation.milestones) == (30, (12, 24))
        else:
            assert after == before


def test_a_rate_that_a_search_found_is_measured_with(tmp_path: Path) -> None:
    text = "i3d.rgb.hmdb-ucf: {optimisation: {learning_rate: 0.02, epochs: 5, milestones: [3]}}"
    found = with_recipes(text, tmp_path)
    (run,) = [
        run
        for run in measured_runs(found)
        if (run.method, run.input, run.benchmark) == ("i3d", "rgb", "hmdb-ucf")
    ]
    optimisation = measured_settings(run, found).optimisation
    assert (optimisation.learning_rate, optimisation.epochs) == (0.02, 50)
    assert optimisation.milestones == (30, 45)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"streams": ["stm.rgb", "tns.rgb"]},
            "schedules.streams: no recipe 'tns.rgb' for hmdb-ucf",
        ),
        ({"streams": ["tsn.sound"]}, "schedules.streams.0: String should match pattern"),
        ({"streams": []}, "at least 1 item"),
        ({"streams": ["tsn.rgb", "tsn.rgb"]}, "streams: tsn.rgb stands twice"),
        ({"streams": ["off.rgb"]}, "'off.rgb' starts from a TSN that was trained on the videos"),
        ({"benchmarks": ["hmdb51"]}, "'hmdb51' is no configured pair of datasets; benchmarks has"),
        ({"benchmarks": ["hmdb-ufc"]}, "'hmdb-ufc' is no configured pair of datasets"),
        ({"points": 1}, "points: Input should be greater than or equal to 2, found 1"),
        ({"validation_fraction": 0}, "validation_fraction: Input should be greater than 0"),
    ],
)
def test_schedules_that_make_no_sense_are_refused_in_one_line(
    change: dict[str, object], words: str
) -> None:
    values = yaml.safe_load(SMOKE)
    values["schedules"] |= change
    with pytest.raises(UserError) as caught:
        validate(Config, values, "smoke.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_benchmark_that_is_not_configured_is_refused() -> None:
    values = yaml.safe_load(SMOKE)
    del values["benchmarks"]["hmdb-ucf"]
    with pytest.raises(UserError, match=r"'hmdb-ucf' is no configured pair .* has ucf-hmdb"):
        validate(Config, values, "smoke.yaml")


def test_lengths_of_recipes_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found\.yaml: 'tns\.rgb\.hmdb-ucf' is no recipe"):
        with_recipes("tns.rgb.hmdb-ucf: {optimisation: {epochs: 3}}", tmp_path)


def test_a_configuration_without_schedules_has_none_to_measure() -> None:
    with pytest.raises(UserError, match="configuration 'mini' has no `schedules`"):
        measured_runs(load(ROOT / "config.yaml"))
