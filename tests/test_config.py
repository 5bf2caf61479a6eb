"""Configurations: closed, complete, and refused in one line that says what is allowed."""

import re
from pathlib import Path

import pytest
import yaml

from rev2net import config
from rev2net.config import Config, FramesSettings, load, parse_settings, validate
from rev2net.errors import UserError

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_configuration_is_valid(path: Path) -> None:
    assert load(path).name == ("mini" if path.name == "config.yaml" else path.stem)


def test_names_differ_so_that_configurations_never_overwrite_each_other() -> None:
    names = [load(path).name for path in FILES]
    assert len(set(names)) == len(names)


def changed(**values: object) -> dict[str, object]:
    return {**yaml.safe_load((ROOT / "config.yaml").read_text()), **values}


MINI = yaml.safe_load((ROOT / "config.yaml").read_text())
DATASET, RECIPE = MINI["datasets"]["ucf101"], MINI["recipes"]["i3d.rgb"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sedes": [0]}, ["unknown key 'sedes'", "did you mean 'seeds'"]),
        ({"seeds": []}, ["seeds", "at least 1 item"]),
        ({"splits": [4]}, ["splits", "1, 2 or 3", "found 4"]),
        ({"name": "../x"}, ["name", "found '../x'"]),
        ({"seeds": [0, 0]}, ["stands twice"]),
        ({"seeds": [-1]}, ["seeds", "found -1"]),
        ({"name": "mine"}, ["datasets.ucf101.root", "'work/mine/datasets/ucf101'"]),
        ({"reproduces_paper": True}, ["reproduces_paper", "synthetic"]),
        ({"initial_weights": {"imagenet.tsn.rbg": {"file": "x"}}}, ["imagenet.tsn.rbg"]),
        (
            {"benchmarks": {"kinetics400": {"dataset": "kinetics400", "validation_fraction": 0}}},
            ["kinetics400.splits", "one official split, give [1]"],
        ),
        (
            {"benchmarks": {"ucf101": {"dataset": "hmdb51", "validation_fraction": 0}}},
            ["benchmarks.ucf101 needs dataset ucf101"],
        ),
        (
            {"datasets": {"ucf101": DATASET}},
            ["benchmarks.hmdb51 uses dataset 'hmdb51'", "datasets has ucf101"],
        ),
        ({"recipes": {"i3d.rgb.hmdb5": RECIPE}}, ["recipes.i3d.rgb.hmdb5", "ucf101, hmdb51"]),
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


def test_a_benchmark_runs_in_the_direction_of_its_name() -> None:
    values = changed()
    turned = {**values["benchmarks"]["hmdb-ucf"], "source": "ucf101", "target": "hmdb51"}  # type: ignore[index]
    values["benchmarks"] = {"hmdb-ucf": turned}
    with pytest.raises(UserError, match="hmdb-ucf needs source hmdb51 and target ucf101"):
        validate(Config, values, "config.yaml")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("protocol", "official-splt1", "or 'all-videos-tested', found 'official-splt1'"),
        ("class_set", "smal", "found 'smal'"),
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
    values["frames"] = {**values["frames"], "short_sid": 3}  # type: ignore[dict-item]
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
    assert (tsn_flow.network.options["dropout"], tsn_flow.optimisation.steps) == (0.7, 18000)
    assert (tsn.optimisation.learning_rate, tsn_flow.optimisation.learning_rate) == (1e-3, 5e-3)
    assert (tsn.optimisation.clip_gradient, tsn_flow.optimisation.clip_gradient) == (40, 20)
    assert tsn.network.options["partial_bn"]
    # 25 snippets (one clip of 25 segments) x 10 crops, averaged before the softmax.
    assert (tsn.test.clips, tsn.test.length, tsn.test.crops) == (1, 25, 10)
    assert tsn.test.average == "logit"
    tsm = paper.recipes["tsm.rgb"]
    assert (tsm.clip.length, tsm.optimisation.batch) == (8, 64)
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


def test_small_datasets_and_kinetics_have_the_published_schedules() -> None:
    recipes = load(ROOT / "configs" / "paper.yaml").recipes

    def drops(name: str) -> list[float]:
        """The steps at which the rate drops, and the last."""
        optimisation = recipes[name].optimisation
        return [
            *(milestone * optimisation.steps for milestone in optimisation.milestones),
            optimisation.steps,
        ]

    # TSN on HMDB51: every 1,000 of 2,500 iterations; flow 4k and 6k of 7k (Wang 2016).
    assert drops("tsn.rgb.hmdb51") == pytest.approx([1000, 2000, 2500])
    assert drops("tsn.flow.hmdb51") == pytest.approx([4000, 6000, 7000], rel=1e-3)
    assert recipes["tsn.flow"].optimisation.multipliers.first_convolution == 5
    # I3D on Kinetics: lr 0.1, /10 at 97k and 108k of 115k (Carreira 2017).
    assert recipes["i3d.rgb.kinetics400"].optimisation.learning_rate == 0.1
    assert drops("i3d.rgb.kinetics400") == pytest.approx([97000, 108000, 115000], rel=1e-3)
    assert recipes["rev2net.rgb.kinetics400"].optimisation == (
        recipes["i3d.rgb.kinetics400"].optimisation
    )
    # TSM on Kinetics: lr 0.02, steps 20 and 40 of 50 epochs, wd 1e-4, dropout 0.5 (Lin 2019).
    tsm = recipes["tsm.rgb.kinetics400"]
    assert (tsm.optimisation.learning_rate, tsm.optimisation.batch) == (0.02, 128)
    assert tsm.optimisation.milestones == (0.4, 0.8)
    assert (tsm.optimisation.weight_decay, tsm.network.options) == (1e-4, {"dropout": 0.5})
    # STM: Kinetics 0.01, /10 at 30, 40 and 45 of 50 epochs; fine-tuned with 1e-3, 25 epochs, /10
    # after 15, all batch normalisation trained (Jiang 2019).
    assert recipes["stm.rgb.kinetics400"].optimisation.learning_rate == 0.01
    assert recipes["stm.rgb.kinetics400"].optimisation.milestones == (0.6, 0.8, 0.9)
    stm = recipes["stm.rgb"]
    assert (stm.optimisation.learning_rate, stm.optimisation.milestones) == (1e-3, (0.6,))
    assert "partial_bn" not in stm.network.options
    assert (stm.test.clips, stm.test.crops, stm.test.size) == (10, 3, 256)
    # Sun-OFF: 7 segments, lr 0.02 with cosine restarts, dropout 0.8, tested on 25 (Sun 2018).
    off = recipes["off.rgb"]
    assert (off.clip.length, off.optimisation.learning_rate) == (7, 0.02)
    assert (off.optimisation.schedule, off.network.options["dropout"]) == ("cosine", 0.8)
    assert off.optimisation.cycles > 1
    assert off.test.length == 25
    # ActionFlowNet: end-point error (Ng 2018).
    assert recipes["actionflownet.rgb"].loss.flow_norm == "epe"


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
