"""The compared methods, run identity, and what a run starts from."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from rev2net import experiments
from rev2net.config import Config, Recipe, WeightsSource, dump, load, validate
from rev2net.errors import UserError
from rev2net.experiments import METHODS, scores_digest, train_settings
from rev2net.runs.identity import Run

ROOT = Path(__file__).resolve().parent.parent
MINI = load(ROOT / "config.yaml")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "hmdb-ucf/i4d/rgb.scratch.mkmmd/split1.seed0",
            "method 'i4d' is none of tsn, tsm, stm, off",
        ),
        ("ucf-ucf/i3d/rgb.scratch.mkmmd/split1.seed0", "benchmark 'ucf-ucf' is none of"),
    ],
)
def test_a_path_outside_the_vocabulary_is_refused(path: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        experiments.check_run(Run.parse(path), MINI)


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


def test_mk_mmd_is_refused_single_clips_before_anything_is_made() -> None:
    run = Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0)
    recipe = MINI.recipes["i3d.rgb"]
    in_parts = recipe.optimisation.model_copy(update={"accumulate": recipe.optimisation.batch})
    recipes = MINI.recipes | {"i3d.rgb": recipe.model_copy(update={"optimisation": in_parts})}
    one_by_one = MINI.model_copy(update={"recipes": recipes})
    with pytest.raises(UserError, match=r"recipes.i3d.rgb.optimisation: 1 clip passes at a time"):
        train_settings(run, one_by_one)
    train_settings(replace(run, adapt="none"), one_by_one)


def test_rev2nets_second_stream_is_an_i3d_on_flow() -> None:
    run = Run("ucf101", "rev2net", "rgb+flow", "imagenet", "none", 1, 0)
    assert [(s.method, s.input) for s, _ in run.streams] == [("rev2net", "rgb"), ("i3d", "flow")]


def test_streams_are_weighted_as_their_papers_say() -> None:
    def weights(method: str, input_: str) -> dict[tuple[str, str], float]:
        run = Run("ucf101", method, input_, "imagenet", "none", 1, 0)
        return {(stream.method, stream.input): weight for stream, weight in run.streams}

    assert weights("tsn", "rgb+flow") == {("tsn", "rgb"): 1.0, ("tsn", "flow"): 1.5}
    assert weights("i3d", "rgb+flow") == {("i3d", "rgb"): 1.0, ("i3d", "flow"): 1.0}
    # Sun-OFF's network adds to its TSN, 2:1 in each input.
    assert weights("off", "rgb+rgbdiff") == {
        ("off", "rgb"): 2.0,
        ("tsn", "rgb"): 1.0,
        ("off", "rgbdiff"): 2.0,
        ("tsn", "rgbdiff"): 1.0,
    }
    assert weights("off", "rgb+flow")["off", "flow"] == 3.0


def test_a_fused_run_is_under_its_methods_name_first() -> None:
    for method in METHODS:
        run = Run("ucf101", method, "rgb+flow", "imagenet", "none", 1, 0)
        assert run.streams[0][0].method == method  # what the fused scores file says of itself


def test_sun_off_starts_from_the_tsn_of_its_own_input_and_split() -> None:
    run = Run("ucf101", "off", "rgbdiff", "scratch", "none", 1, 0)
    assert experiments.parent(run, MINI) == replace(run, method="tsn")
    source = experiments.train_settings(run, MINI).initial_weights
    assert source is not None
    assert source.file == (
        "work/mini/runs/ucf101/tsn/rgbdiff.scratch.none/split1.seed0/checkpoint.pt"
    )


def test_a_kinetics_start_is_a_run_of_ours_unless_published_weights_are_given() -> None:
    run = Run("hmdb51", "i3d", "flow", "kinetics", "none", 2, 5)
    trained = Run("kinetics400", "i3d", "flow", "scratch", "none", 1, 0)
    assert experiments.parent(run, MINI) == trained  # seed 5 was never run on Kinetics
    published = WeightsSource(file="flow_imagenet.pt")
    given = MINI.model_copy(update={"initial_weights": {"kinetics.i3d.flow": published}})
    assert experiments.parent(run, given) is None
    assert experiments.train_settings(run, given).initial_weights == published


def test_a_kinetics_start_takes_the_same_seed_where_there_is_one() -> None:
    seeds = MINI.model_copy(update={"seeds": (0, 5)})
    run = Run("hmdb51", "i3d", "flow", "kinetics", "none", 2, 5)
    start = experiments.parent(run, seeds)
    assert start is not None
    assert start.seed == 5


def test_a_benchmark_may_have_a_recipe_of_its_own() -> None:
    own = MINI.recipes["i3d.rgb"].model_copy(
        update={
            "optimisation": MINI.recipes["i3d.rgb"].optimisation.model_copy(update={"steps": 7})
        }
    )
    config = MINI.model_copy(update={"recipes": {**MINI.recipes, "i3d.rgb.hmdb51": own}})
    here = Run("hmdb51", "i3d", "rgb", "scratch", "none", 1, 0)
    assert experiments.train_settings(here, config).optimisation.steps == 7
    there = replace(here, benchmark="ucf101")
    assert experiments.train_settings(there, config).optimisation.steps != 7


def test_a_start_may_have_a_recipe_of_its_own_and_a_benchmark_goes_before_it() -> None:
    plain = MINI.recipes["i3d.rgb"]

    def lasting(steps: int) -> Recipe:
        optimisation = plain.optimisation.model_copy(update={"steps": steps})
        return plain.model_copy(update={"optimisation": optimisation})

    names = ("i3d.rgb.kinetics", "i3d.rgb.hmdb51", "i3d.rgb.kinetics.hmdb51")
    config = MINI.model_copy(
        update={"recipes": {name: lasting(steps) for steps, name in enumerate(names, start=1)}}
    )

    def steps(benchmark: str, init: str) -> int | None:
        run = Run(benchmark, "i3d", "rgb", init, "none", 1, 0)
        # A published checkpoint, so that the run has no parent to look for.
        weights = {"initial_weights": {"kinetics.i3d.rgb": WeightsSource(file="x.pt")}}
        return experiments.train_settings(run, config.model_copy(update=weights)).optimisation.steps

    assert steps("ucf101", "kinetics") == 1
    assert steps("hmdb51", "scratch") == 2
    assert steps("hmdb51", "kinetics") == 3
    with pytest.raises(UserError, match=r"no recipe 'i3d\.rgb' for start 'scratch' on ucf101"):
        steps("ucf101", "scratch")


def test_the_test_protocol_is_no_part_of_what_a_training_depends_on() -> None:
    run = Run("hmdb-ucf", "tsn", "rgb", "scratch", "mkmmd", 1, 0)
    recipe = MINI.recipes["tsn.rgb"]
    other = recipe.model_copy(update={"test": recipe.test.model_copy(update={"clips": 7})})
    changed = MINI.model_copy(update={"recipes": {**MINI.recipes, "tsn.rgb": other}})
    assert experiments.train_settings(run, changed) == experiments.train_settings(run, MINI)
    assert experiments.evaluate_settings(run, changed) != experiments.evaluate_settings(run, MINI)


@pytest.mark.parametrize("key", ["time_limit", "loader_workers", "checkpoint_every", "url"])
def test_what_changes_no_number_is_no_other_run(key: str) -> None:
    """Such as more loader processes: finished runs stay, and unfinished ones go on."""
    run = Run("hmdb51", "tsn", "rgb", "imagenet", "none", 1, 0)
    text = (ROOT / "configs/paper.yaml").read_text()
    other = re.sub(rf"\b{key}: (\d+|\S+//)", lambda found: f"{found[0]}7", text)
    before, after = (validate(Config, yaml.safe_load(each), key) for each in (text, other))
    assert train_settings(run, after).of_numbers == train_settings(run, before).of_numbers
    assert scores_digest(run, after) == scores_digest(run, before)
    assert dump(after) != dump(before)
