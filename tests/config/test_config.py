"""Configurations: closed, complete, and refused in one line that says what is allowed."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from rev2net import config
from rev2net.config import Config, FramesSettings, load, parse_settings, validate
from rev2net.errors import UserError
from rev2net.experiments import METHODS, parent, train_settings
from rev2net.paper.tables import configured_tables, table_runs
from rev2net.plan.facts import benchmark_facts
from rev2net.runs.identity import Run

ROOT = Path(__file__).resolve().parents[2]
FILES = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    assert load(path).name == ("mini" if path.name == "config.yaml" else path.stem)


def test_names_differ_so_that_configurations_never_overwrite_each_other() -> None:
    names = [load(path).name for path in FILES]
    assert len(set(names)) == len(names)


def changed(**values: object) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "config.yaml").read_text()), **values}


MINI = yaml.safe_load((ROOT / "config.yaml").read_text())
DATASET, RECIPE = MINI["datasets"]["ucf101"], MINI["recipes"]["i3d.rgb"]
TABLE = {"title": "Mine", "benchmarks": ["hmdb-ucf"], "rows": ["i3d.rgb"]}
SCHEDULE = RECIPE["optimisation"]
NO_LENGTH = {key: value for key, value in SCHEDULE.items() if key != "steps"}


def dropping(milestones: list[float]) -> dict[str, object]:
    return {**NO_LENGTH, "schedule": "step", "epochs": 90, "milestones": milestones}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sedes": [0]}, ["unknown key 'sedes'", "did you mean 'seeds'"]),
        ({"seeds": []}, ["seeds", "at least 1 item"]),
        ({"splits": [0]}, ["splits", "greater than or equal to 1", "found 0"]),
        ({"name": "../x"}, ["name", "found '../x'"]),
        ({"seeds": [0, 0]}, ["stands twice"]),
        ({"seeds": [-1]}, ["seeds", "found -1"]),
        (
            {"datasets": {**MINI["datasets"], "ucf101": {**DATASET, "root": "data"}}},
            ["datasets.ucf101.root is 'data'", "give no root"],
        ),
        (
            {"datasets": {**MINI["datasets"], "ucf101": {**DATASET, "format": "folders"}}},
            ["datasets.ucf101: lists is given; it is for format ucf101"],
        ),
        (
            {"datasets": {**MINI["datasets"], "mine": {"format": "list", "shards": 1}}},
            ["datasets.mine: lists: this key is required of format list"],
        ),
        (
            {"mini": None},
            ["datasets.ucf101.root: this key is required without `mini`"],
        ),
        (
            {"methods": {"i3d": {"network": "mine:Network"}}},
            ["methods.i3d", "give another name"],
        ),
        (
            {"methods": {"mine": {"network": "mine.py"}}},
            ["methods.mine.network", "found 'mine.py'"],
        ),
        (
            {"methods": {"mine": {"network": "i4d", "recipe": "i3d"}}},
            ["methods.mine.network: 'i4d'", "did you mean 'i3d'", "or package.module:Class"],
        ),
        (
            {"methods": {"mine": {"network": "i3d"}}},
            ["methods.mine: no recipe 'mine.<input>'", "recipes has tsn.rgb, "],
        ),
        (
            {"adaptations": {"dann": "mine:term"}},
            ["adaptations.dann", "give another name"],
        ),
        ({"tables": {"table1": TABLE}}, ["tables.table1: this name is taken"]),
        ({"tables": {"search": TABLE}}, ["tables.search: this name is taken"]),
        (
            {"tables": {"mine": {**TABLE, "rows": ["i3d.rgb", "i4d.rgb"]}}},
            ["tables.mine: method 'i4d' is none of tsn, tsm"],
        ),
        (
            {"tables": {"mine": {**TABLE, "rows": ["i3d.rbg"]}}},
            ["tables.mine.rows.0", "input 'rbg' is none of rgb, flow"],
        ),
        (
            {"tables": {"mine": {**TABLE, "rows": ["i3d.rgb.scratch.coral"]}}},
            ["adapt 'coral' is none of none, mkmmd, dann"],
        ),
        (
            {"tables": {"mine": {**TABLE, "benchmarks": ["home"]}}},
            ["tables.mine.benchmarks: 'home' is not configured"],
        ),
        ({"reproduces_paper": True}, ["reproduces_paper", "synthetic"]),
        ({"initial_weights": {"imagenet.tsn.rbg": {"file": "x"}}}, ["imagenet.tsn.rbg"]),
        (
            {
                "benchmarks": {**MINI["benchmarks"], "all": {"dataset": "kinetics400"}},
                "splits": [1, 2],
            },
            ["benchmarks.all.splits: 2, but kinetics400 has split 1 only"],
        ),
        (
            {"datasets": {"ucf101": DATASET}},
            ["benchmarks.hmdb51: dataset 'hmdb51' is not configured", "datasets has ucf101"],
        ),
        ({"recipes": {"i3d.rgb.hmdb5": RECIPE}}, ["recipes.i3d.rgb.hmdb5", "ucf101, hmdb51"]),
        (
            {"recipes": {"i3d.rgb.imagnet": RECIPE}},
            ["recipes.i3d.rgb.imagnet: 'imagnet' is none of scratch, imagenet, kinetics"],
        ),
        (
            {"recipes": {"i3d.rgb.hmdb51.scratch": RECIPE}},
            ["'hmdb51' is none of scratch, imagenet, kinetics"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": {**SCHEDULE, "epochs": 3}}}},
            ["recipes.i3d.rgb.optimisation: epochs is 3", "steps 200; give one of the two"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": NO_LENGTH}}},
            ["optimisation: epochs or steps: one of the two is required"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": dropping([40, 90])}}},
            ["milestones has 90; allowed are rising numbers of epochs below 90"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": dropping([40, 30])}}},
            ["milestones has 30; allowed are rising"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": dropping([0.43])}}},
            ["milestones", "greater than or equal to 1, found 0.43"],
        ),
        (
            {"recipes": {"i3d.rgb": {**RECIPE, "optimisation": {**SCHEDULE, "restarts": [90]}}}},
            ["restarts with schedule 'cosine'; they are for 'step'"],
        ),
    ],
)
def test_a_wrong_key_or_value_is_one_line_with_what_is_allowed(
    values: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        validate(Config, changed(**values), "config.yaml")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("config.yaml: ")
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("protocol", "official-splt1", "or 'lists-or-groups', found 'official-splt1'"),
        ("class_set", "full", "renders the set 'small' only"),
    ],
)
def test_a_wrong_word_of_a_benchmark_is_named_with_its_place(
    key: str, value: str, words: str
) -> None:
    values = changed()
    benchmarks = values["benchmarks"]
    assert isinstance(benchmarks, dict)
    values["benchmarks"] = {"hmdb-ucf": {**benchmarks["hmdb-ucf"], key: value}}
    with pytest.raises(UserError) as caught:
        validate(Config, values, "config.yaml")
    assert f"benchmarks.hmdb-ucf.{key}" in str(caught.value)
    assert words in str(caught.value)


def test_a_nested_unknown_key_is_named_with_its_place() -> None:
    values = changed()
    values["frames"] = {**values["frames"], "short_sid": 3}
    with pytest.raises(UserError, match=r"frames: unknown key 'short_sid', did you mean"):
        validate(Config, values, "config.yaml")


def test_a_missing_key_is_named() -> None:
    values = changed()
    del values["flow"]
    with pytest.raises(UserError, match="flow: this key is required"):
        validate(Config, values, "config.yaml")


def test_two_resize_rules_are_refused() -> None:
    text = '{"short_side":64,"size":[8,8],"fps":null,"codec":"jpeg","quality":95,"time_limit":1}'
    with pytest.raises(UserError, match="short_side or size, not both"):
        parse_settings(FramesSettings, text)


@pytest.mark.parametrize("section", ["frames", "flow"])
def test_lossless_quality_is_for_webp_alone(section: str) -> None:
    values = changed()
    values[section] |= {"codec": "webp", "quality": 101}
    assert getattr(validate(Config, values, "config.yaml"), section).quality == 101
    values[section]["codec"] = "jpeg"
    with pytest.raises(UserError, match=f"{section}: quality: 101; allowed for jpeg is 1 to 100"):
        validate(Config, values, "config.yaml")


def test_settings_come_from_json_text_or_from_a_file(tmp_path: Path) -> None:
    section = load(ROOT / "config.yaml").frames
    text = config.dump(section)
    (tmp_path / "frames.json").write_text(text)
    assert parse_settings(FramesSettings, text) == section
    assert parse_settings(FramesSettings, str(tmp_path / "frames.json")) == section
    with pytest.raises(UserError, match="No such file"):
        parse_settings(FramesSettings, str(tmp_path / "absent.json"))


def test_the_digest_changes_with_any_setting_and_with_nothing_else() -> None:
    section = load(ROOT / "config.yaml").frames
    assert config.digest(section) == config.digest(section.model_copy())
    assert config.digest(section) != config.digest(section.model_copy(update={"quality": 94}))


# PROTOCOLS: what the methods' own papers fix, read off the reproduction's configuration.
def test_the_reproduction_follows_the_published_protocols() -> None:
    paper = load(ROOT / "configs" / "paper.yaml")
    assert paper.reproduces_paper
    assert paper.frames.short_side == 256
    flow = paper.flow
    assert (flow.tau, flow.lambda_, flow.theta, flow.nscales, flow.warps, flow.epsilon) == (
        0.25,
        0.15,
        0.3,
        5,
        5,
        0.01,
    )
    assert (flow.bound, flow.inner_iterations, flow.outer_iterations) == (20, 30, 10)
    tsn, tsn_flow = paper.recipes["tsn.rgb"], paper.recipes["tsn.flow"]
    assert (tsn.clip.length, tsn.network.options["dropout"]) == (3, 0.8)
    assert tsn_flow.network.options["dropout"] == 0.7
    # Crop scales as in the authors' code: flow and differences leave the smallest out.
    assert tsn.clip.scales == (1.0, 0.875, 0.75, 0.66)
    assert tsn_flow.clip.scales == (1.0, 0.875, 0.75)
    assert (tsn.optimisation.learning_rate, tsn_flow.optimisation.learning_rate) == (1e-3, 5e-3)
    assert (tsn.optimisation.clip_gradient, tsn_flow.optimisation.clip_gradient) == (40, 20)
    assert tsn.network.options["partial_bn"]
    # 25 snippets (one clip of 25 segments) x 10 crops, averaged before the softmax.
    assert (tsn.test.clips, tsn.test.length, tsn.test.crops) == (1, 25, 10)
    assert tsn.test.average == "logit"
    tsm = paper.recipes["tsm.rgb.kinetics"]
    assert (tsm.clip.length, tsm.optimisation.batch) == (8, 64)
    assert (tsm.network.options["dropout"], tsm.network.options["partial_bn"]) == (0.8, True)
    assert tsm.optimisation.learning_rate == 1e-3
    assert (tsm.test.clips, tsm.test.crops, tsm.test.size) == (10, 3, 256)
    i3d = paper.recipes["i3d.rgb"]
    assert (i3d.clip.length, i3d.clip.size, i3d.optimisation.weight_decay) == (64, 224, 1e-7)
    assert i3d.test.whole_video
    assert all(recipe.network.width == 1 for recipe in paper.recipes.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_recipe_builds_its_network_and_takes_its_clips(path: Path) -> None:
    """Options that a network does not know would only be found hours into a run."""
    torch = pytest.importorskip("torch")
    from rev2net.models import build
    from rev2net.models.spec import input_spec

    chosen = load(path)
    for name, recipe in chosen.recipes.items():
        method, modality = name.split(".")[:2]
        spec = input_spec(method, modality)
        with torch.device("meta"):
            options = recipe.network.options
            build(method, 5, in_channels=spec.channels, width=recipe.network.width, **options)
        assert recipe.clip.length >= spec.min_length
        assert min(recipe.clip.size, recipe.test.size) >= spec.min_size
        assert not (recipe.test.whole_video and spec.time_axis == "segments")


VIDEOS = {"ucf101": 9537, "hmdb51": 3570, "kinetics400": 246_534}  # training lists, of split 1


def test_schedules_in_epochs_are_the_published_steps() -> None:
    recipes = load(ROOT / "configs" / "paper.yaml").recipes

    def drops(name: str, dataset: str) -> list[float]:
        """The steps at which the rate drops, and the last."""
        optimisation = recipes[name].optimisation.in_steps(VIDEOS[dataset])
        return [*optimisation.milestones, optimisation.num_steps]

    # TSN: RGB every 1,500 of 3,500 steps on UCF101, every 1,000 of 2,500 on HMDB51; flow 10k and
    # 16k of 18k, 4k and 6k of 7k (Wang 2016).
    assert drops("tsn.rgb.ucf101", "ucf101") == pytest.approx([1500, 3000, 3500], rel=0.01)
    assert drops("tsn.rgb", "hmdb51") == pytest.approx([1000, 2000, 2500], rel=0.01)
    assert drops("tsn.flow.ucf101", "ucf101") == pytest.approx([10000, 16000, 18000], rel=0.01)
    assert drops("tsn.flow", "hmdb51") == pytest.approx([4000, 6000, 7000], rel=0.01)
    # I3D on Kinetics: RGB 97k and 108k of 115k; flow 155k with a second cycle from 115k on, 384
    # clips a step, 6 to a normalisation (its README).
    assert drops("i3d.rgb.kinetics400", "kinetics400") == pytest.approx(
        [97000, 108000, 115000], rel=0.005
    )
    assert drops("i3d.flow.kinetics400", "kinetics400") == pytest.approx(
        [97000, 104500, 140000, 150000, 155000], rel=0.005
    )
    flow = recipes["i3d.flow.kinetics400"].optimisation
    assert flow.in_steps(246_534).restarts == pytest.approx((115000,), rel=0.005)
    assert (flow.batch, flow.batch // flow.accumulate) == (384, 6)
    # Sun-OFF: 20k, 24k and 12k steps on UCF101 (its solver files).
    for name, steps in (("off.rgb", 20000), ("off.flow", 24000), ("off.rgbdiff", 12000)):
        assert drops(name, "ucf101") == pytest.approx([steps], rel=0.005)
    # I3D fine-tuned: 5,000 steps on 16 GPUs of 6 clips, on UCF101.
    small = recipes["i3d.rgb"].optimisation
    assert small.epochs == pytest.approx(5000 * 16 * 6 / 9537, rel=0.01)


def test_methods_have_their_published_rates_and_epochs() -> None:
    recipes = load(ROOT / "configs" / "paper.yaml").recipes
    assert recipes["tsn.flow"].optimisation.multipliers.first_convolution == 5
    # RGB differences: 7 segments, 180 epochs, /10 at 80 and 160 (the authors' PyTorch code).
    difference = recipes["tsn.rgbdiff"]
    assert (difference.clip.length, difference.clip.scales) == (7, (1.0, 0.875, 0.75))
    assert difference.optimisation.epochs == 180
    assert difference.optimisation.milestones == (80, 160)
    assert recipes["i3d.rgb.kinetics400"].optimisation.learning_rate == 0.1
    # Rev2Net is trained as its I3D; its fresh decoders at one rate on Kinetics and after it.
    ours, its = (recipes[f"{name}.rgb.kinetics400"].optimisation for name in ("rev2net", "i3d"))
    assert ours.model_copy(update={"multipliers": its.multipliers}) == its
    after = recipes["rev2net.rgb"].optimisation.learning_rate
    assert ours.learning_rate * ours.multipliers.decoders == pytest.approx(after)
    # TSM from ImageNet, on Kinetics too: all batch normalisation trained, dropout 0.5, 50 epochs,
    # /10 at 20 and 40, head x5, biases x2; Kinetics lr 0.02 for 128 clips (Lin 2019, its code).
    for name, rate, batch in (
        ("tsm.rgb.imagenet", 0.01, 64),
        ("tsm.flow.imagenet", 0.01, 64),
        ("tsm.rgb.imagenet.kinetics400", 0.02, 128),
    ):
        tsm = recipes[name]
        assert (tsm.optimisation.learning_rate, tsm.optimisation.batch) == (rate, batch)
        assert (tsm.optimisation.epochs, tsm.optimisation.milestones) == (50, (20, 40))
        assert tsm.network.options == {"dropout": 0.5}
        assert (tsm.optimisation.multipliers.head, tsm.optimisation.multipliers.biases) == (5, 2)
    tuned = recipes["tsm.rgb.kinetics"].optimisation
    assert (tuned.learning_rate, tuned.epochs, tuned.milestones) == (1e-3, 25, (10, 20))
    # STM: Kinetics 0.01, /10 at 30, 40 and 45 of 50 epochs; fine-tuned with 1e-3, 25 epochs, /10
    # after 15, all batch normalisation trained (Jiang 2019).
    stm = recipes["stm.rgb.imagenet.kinetics400"].optimisation
    assert (stm.learning_rate, stm.epochs, stm.milestones) == (0.01, 50, (30, 40, 45))
    fine = recipes["stm.rgb.kinetics"]
    assert (fine.optimisation.learning_rate, fine.optimisation.epochs) == (1e-3, 25)
    assert fine.optimisation.milestones == (15,)
    assert "partial_bn" not in fine.network.options
    assert (fine.test.clips, fine.test.crops, fine.test.size) == (10, 3, 256)
    # Sun-OFF: 7 segments, lr 0.02 with cosine restarts, dropout 0.8, tested on 25 (Sun 2018).
    off = recipes["off.rgb"]
    assert (off.clip.length, off.optimisation.learning_rate) == (7, 0.02)
    assert (off.optimisation.schedule, off.network.options["dropout"]) == ("cosine", 0.8)
    assert off.optimisation.cycles > 1
    assert off.test.length == 25
    # ActionFlowNet: end-point error (Ng 2018).
    assert recipes["actionflownet.rgb"].loss.flow_norm == "epe"


def test_no_run_of_the_reproduction_is_trained_for_too_few_or_too_many_epochs(
    tmp_path: Path,
) -> None:
    """Cross-dataset runs have those of HMDB51's recipe, the same for both directions."""
    chosen = load(ROOT / "configs" / "paper.yaml")
    rows = {run for name in configured_tables(chosen) for run in table_runs(name, chosen)}
    runs = {stream for row in rows for stream, _ in row.streams}
    parents = {start for run in runs if (start := parent(run, chosen)) is not None}
    epochs = {}
    for run in runs | parents:
        videos = benchmark_facts(run.benchmark, run.split, chosen, tmp_path).train
        optimisation = train_settings(run, chosen).optimisation
        steps = optimisation.in_steps(videos).num_steps
        epochs[run] = steps * optimisation.batch / videos
    assert {run.method for run in epochs} == set(METHODS)
    assert 5 <= min(epochs.values()) <= max(epochs.values()) <= 400
    for run, number in epochs.items():
        if "-" in run.benchmark:
            here = replace(run, benchmark="hmdb51", adapt="none")
            assert number == pytest.approx(epochs.get(here, number), rel=0.01)
    tsn = Run("hmdb-ucf", "tsn", "rgb", "imagenet", "mkmmd", 1, 0)
    assert epochs[tsn] == pytest.approx(90, rel=0.01)
    assert epochs[replace(tsn, input="flow")] == pytest.approx(251, rel=0.01)


@pytest.mark.parametrize(
    ("was", "becomes", "line"),
    [
        ("fps: null", "fps: yes", "frames: fps: found true, expected another kind of value"),
        ("short_side: ", "short_side: on #", "frames: short_side: found true, expected another"),
        ("median_filtering: ", "median_filtering: yes #", "median_filtering: found true"),
        ("seeds: ", "seeds: [no] #", "seeds: found false, expected another kind of value"),
    ],
)
def test_yes_and_no_are_no_numbers(tmp_path: Path, was: str, becomes: str, line: str) -> None:
    path = tmp_path / "config.yaml"
    text = (ROOT / "config.yaml").read_text()
    assert was in text
    path.write_text(text.replace(was, becomes, 1))
    with pytest.raises(UserError, match=re.escape(line)):
        config.load(path)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    text = (ROOT / "config.yaml").read_text().rstrip()
    path.write_text(f"{text}\nseeds: [0]\n")
    line = text.count("\n") + 2
    with pytest.raises(UserError, match=rf"config\.yaml:{line}: key 'seeds' stands twice"):
        config.load(path)
    with pytest.raises(UserError, match=r"not JSON .key 'clips' stands twice"):
        config.parse_settings(config.TestSettings, '{"clips": 1, "crops": 1, "clips": 2}')


def test_a_configuration_in_another_encoding_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"name: caf\xe9\n")
    with pytest.raises(UserError, match=r"config\.yaml: not text in UTF-8"):
        config.load(path)


@pytest.mark.parametrize("value", ["Infinity", "NaN", "true", "-1"])
def test_a_rate_is_a_positive_finite_number(value: str) -> None:
    text = config.dump(load(ROOT / "config.yaml").frames).replace('"fps":null', f'"fps":{value}')
    with pytest.raises(UserError, match="--settings: fps: "):
        parse_settings(FramesSettings, text)


def test_a_value_that_holds_itself_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("seeds: &all [*all]\n")
    with pytest.raises(UserError, match="holds itself"):
        load(path)


def test_the_configuration_that_the_tables_read_keeps_the_order_of_its_file() -> None:
    paper = load(ROOT / "configs/paper.yaml")
    again = config.parse_settings(Config, config.dump_as_written(paper))
    assert again == paper
    assert list(again.benchmarks) == list(paper.benchmarks) != sorted(paper.benchmarks)
    assert config.digest(again) == config.digest(paper)
