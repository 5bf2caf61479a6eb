"""Estimates against sums done by hand."""

import json
from pathlib import Path

import pytest

from rev2net import config as configuration
from rev2net import experiments
from rev2net.config import Config, MethodSettings, WeightsSource, WithinDataset
from rev2net.errors import UserError
from rev2net.models.cost import measure
from rev2net.plan.estimate import Plan, Stage, estimate, find_warnings
from rev2net.plan.facts import benchmark_facts, dataset_facts
from rev2net.plan.jobs import needed_jobs
from rev2net.plan.rates import Rate, Rates, rate_name
from rev2net.plan.work import evaluation_work, training_work
from rev2net.runs.folder import WorkFolder
from rev2net.runs.identity import Run

ROOT = Path(__file__).resolve().parents[2]


def rates(**values: float) -> Rates:
    """Round figures, so that sums can be done by hand."""
    chosen = {
        "open": 0.5,
        "decode": 0.1,
        "encode": 0.3,
        "encode_flow": 0.2,
        "flow": 2.0,
        "read": 0.01,
        "start": 1.0,
        "start_training": 5.0,
        "rgb_bytes": 100_000,
        "flow_bytes": 20_000,
    }
    chosen |= {key: value for key, value in values.items() if key in chosen}
    fixed = {key: Rate(value=value, source="given") for key, value in chosen.items()}
    every = ("tsn", "tsm", "stm", "off", "actionflownet", "i3d", "rev2net")
    speed = Rate(value=values.get("training", 1e9), source="given")
    return Rates(training=dict.fromkeys(every, speed), **fixed)


def stage(plan: Plan, name: str) -> Stage:
    (found,) = [stage for stage in plan.stages if stage.name == name]
    return found


@pytest.fixture
def paper() -> Config:
    return configuration.load(ROOT / "configs/paper.yaml")


@pytest.fixture
def mini() -> Config:
    return configuration.load(ROOT / "config.yaml")


def test_shards_by_hand(paper: Config, tmp_path: Path) -> None:
    """UCF101 alone: 13,320 videos of 180 frames, 320x240, stored at 341x256, in 96 shards."""
    benchmark = {"ucf101": paper.benchmarks["ucf101"]}
    only = paper.model_copy(
        update={"benchmarks": benchmark, "search": paper.search, "splits": (1,), "seeds": (0,)}
    )
    jobs = needed_jobs([], only)
    jobs.trainings.add(Run("ucf101", "tsn", "rgb", "imagenet", "none", 1, 0))
    plan = estimate(jobs, only, rates(), tmp_path)
    decode = 0.5 + 180 * 0.0768 * 0.1
    stored = 341 * 256 / 1e6
    seconds = 96 * 1.0 + 13_320 * (decode + 180 * stored * 0.3)
    frames = stage(plan, "decode_frames")
    assert frames.jobs == 96
    assert frames.core_hours == pytest.approx(seconds / 3600)
    assert frames.disk == pytest.approx(13_320 * 180 * (600 + stored * 100_000))
    seconds = 96 * 1.0 + 13_320 * (decode + 179 * stored * (2.0 + 0.2))
    flow = stage(plan, "compute_flow")
    assert flow.core_hours == pytest.approx(seconds / 3600)
    assert flow.longest == pytest.approx(seconds / 3600 / 96)
    assert flow.disk == pytest.approx(13_320 * 179 * (600 + stored * 20_000))


def of_the_demo(multiply_adds: int) -> int:
    """Of clips of 40 pixels: networks are measured at 48 and more, which is scaled by pixels."""
    return round((40 / 48) ** 2 * multiply_adds)


def test_a_training_by_hand(mini: Config) -> None:
    """I3D: 16 labelled and 16 unlabelled clips of 8 frames; a step is three forward passes."""
    run = Run("hmdb-ucf", "i3d", "rgb", "scratch", "mkmmd", 1, 0)
    cost = measure("i3d", length=8, size=48, width=0.25)
    work = training_work(run, experiments.train_settings(run, mini), 100)
    assert work.multiply_adds == 200 * 3 * 32 * of_the_demo(cost.multiply_adds)
    assert work.images == 200 * 32 * 8
    assert work.disk == 4 * cost.parameters


def test_decoders_see_the_labelled_half_and_read_its_flow(mini: Config) -> None:
    run = Run("hmdb-ucf", "rev2net", "rgb", "scratch", "mkmmd", 1, 0)
    cost = measure("rev2net", length=8, size=48, width=0.25)
    work = training_work(run, experiments.train_settings(run, mini), 100)
    decoded, plain = map(of_the_demo, (cost.training_multiply_adds, cost.multiply_adds))
    step = 3 * 16 * (decoded + plain)
    assert work.multiply_adds == 200 * step
    assert work.images == 200 * (32 + 16) * 8


def test_the_network_below_sun_off_has_no_backward_pass(mini: Config) -> None:
    run = Run("ucf101", "off", "rgb", "scratch", "none", 1, 0)
    off = of_the_demo(measure("off", length=4, size=48, width=0.25).training_multiply_adds)
    tsn = of_the_demo(measure("tsn", length=4, size=48, width=0.25).multiply_adds)
    work = training_work(run, experiments.train_settings(run, mini), 100)
    assert work.multiply_adds == 340 * 16 * (3 * (off - tsn) + tsn)


def test_evaluation_counts_clips_and_crops(paper: Config) -> None:
    """TSM: 10 clips x 3 crops of 8 segments at 256 pixels, trained at 224."""
    run = Run("ucf101", "tsm", "rgb", "imagenet", "none", 1, 0)
    settings = experiments.train_settings(run, paper)
    test = experiments.evaluate_settings(run, paper).test
    work = evaluation_work(run, settings, test, 101, videos=10, frames=180)
    direct = measure("tsm", length=8, size=256).multiply_adds
    assert work.multiply_adds == pytest.approx(10 * 30 * direct, rel=0.02)
    assert work.images == 10 * 10 * 8


def test_whole_videos_are_read_once_each(paper: Config) -> None:
    run = Run("ucf101", "i3d", "rgb", "imagenet", "none", 1, 0)
    settings = experiments.train_settings(run, paper)
    test = experiments.evaluate_settings(run, paper).test
    work = evaluation_work(run, settings, test, 101, videos=10, frames=128)
    direct = measure("i3d", length=128, size=224).multiply_adds
    assert work.multiply_adds == pytest.approx(10 * direct, rel=0.02)
    assert work.images == 10 * 128


def test_loader_processes_hide_reading_behind_computing(paper: Config, tmp_path: Path) -> None:
    """Six of them: reading counts only where it takes longer than six times the computing."""
    jobs = needed_jobs(["table4"], paper)

    def hours(**values: float) -> float:
        return stage(estimate(jobs, paper, rates(**values), tmp_path), "train_run").gpu_hours

    computing = hours(training=1e9, read=1e-9)
    assert hours(training=1e9, read=1e-3) == pytest.approx(computing)
    reading = hours(training=1e18, read=0.01)
    assert hours(training=1e18, read=0.02) == pytest.approx(2 * reading, rel=0.01)


def test_what_is_there_already_replaces_published_figures(paper: Config, tmp_path: Path) -> None:
    published = dataset_facts("ucf101", paper, tmp_path)
    assert (published.videos, published.source) == (13_320, "published")
    work = tmp_path / "work/paper"
    shards = experiments.shard_folder(WorkFolder(work), "ucf101", "rgb", paper)
    index = experiments.data_folder(WorkFolder(work), "ucf101", paper).index
    index.parent.mkdir(parents=True)
    index.write_text("video_id,class\na,x\nb,y\nc,y\n")
    lines = ["video_id,kind,announced,decoded,status,message,content", "a,rgb,10,10,ok,,"]
    lines += ["b,rgb,,0,broken,x,", "c,rgb,20,20,ok,,"]
    shards.ledger.write_text("\n".join(lines) + "\n")
    facts = dataset_facts("ucf101", paper, tmp_path)
    assert (facts.videos, facts.frames, facts.source) == (3, 10.0, "index and ledger")
    (work / "splits/ucf101").mkdir(parents=True)
    summary = {"class_names": ["x", "y"], "parts": {"train": {"usable": 1}, "test": {"usable": 2}}}
    (work / "splits/ucf101/split1.json").write_text(json.dumps(summary))
    assert benchmark_facts("ucf101", 1, paper, tmp_path).scored == 2


def test_data_that_are_there_cost_nothing(paper: Config, tmp_path: Path) -> None:
    """Whichever configuration had them made: here the frames of UCF101, and no flow yet."""
    work = WorkFolder(tmp_path / "work/other")
    index = experiments.shard_folder(work, "ucf101", "rgb", paper).index
    index.parent.mkdir(parents=True)
    index.touch()
    experiments.data_folder(work, "ucf101", paper).index.write_text("video_id,class\na,x\n")
    plan = estimate(needed_jobs(["table5"], paper), paper, rates(), tmp_path)
    of = {name: dataset.shards for name, dataset in paper.datasets.items()}
    assert stage(plan, "decode_frames").jobs == of["hmdb51"]
    assert stage(plan, "compute_flow").jobs == of["hmdb51"] + of["ucf101"]
    assert (stage(plan, "index_dataset").jobs, stage(plan, "merge_shards").jobs) == (1, 3)


def test_published_splits(paper: Config, tmp_path: Path) -> None:
    """hmdb-ucf, 12 classes: trained on 840, scored on UCF101's 571 and HMDB51's own 360."""
    facts = benchmark_facts("hmdb-ucf", 1, paper, tmp_path)
    assert (facts.num_classes, facts.train, facts.scored) == (12, 840, 571 + 360)
    held_out = WithinDataset(dataset="ucf101", validation_fraction=0.1)
    changed = paper.model_copy(update={"benchmarks": {"ucf101": held_out}})
    facts = benchmark_facts("ucf101", 2, changed, tmp_path)
    assert (facts.train, facts.scored) == (9586 - 959, 3734 + 959)


def test_warnings_name_what_is_missing(paper: Config, tmp_path: Path) -> None:
    plan = Plan((Stage("decode_frames", 1, 1, 0, 1e18, 1e9, 1),), {})
    found = find_warnings(plan, paper, tmp_path)
    assert found[0].startswith("disk: 1,100,000,000 GB needed in")
    assert not [line for line in found if line.startswith("initial_weights")]  # they are fetched
    own = {"initial_weights": {"kinetics.i3d.rgb": WeightsSource(file="weights/mine.pt")}}
    lacking = find_warnings(plan, paper.model_copy(update=own), tmp_path)
    assert "initial_weights: no file weights/mine.pt" in lacking
    facts = {"ucf101": dataset_facts("ucf101", paper, tmp_path)}
    missing = "datasets.ucf101.root: no folder data/ucf101"
    assert missing in find_warnings(Plan((), facts), paper, tmp_path)
    (tmp_path / "data/ucf101").mkdir(parents=True)
    assert missing not in find_warnings(Plan((), facts), paper, tmp_path)


def test_memory_beyond_what_is_asked_of_the_scheduler_is_warned_of(
    mini: Config, tmp_path: Path
) -> None:
    fits = Plan((Stage("train_run", 1, 1, 0, 0, 1.4e9, 1),), {})
    assert find_warnings(fits, mini, tmp_path) == []
    too_large = Plan((Stage("train_run", 1, 1, 0, 0, 1.6e9, 1),), {})
    assert "resources.memory_mb is 1500" in find_warnings(too_large, mini, tmp_path)[0]


def test_a_plan_is_compared_with_the_card_and_with_the_time_of_a_job(
    paper: Config, tmp_path: Path
) -> None:
    def warned(memory: float, hours: float) -> list[str]:
        plan = Plan((Stage("train_run", 1, 9, 1, 0, memory, hours),), {})
        return [line for line in find_warnings(plan, paper, tmp_path) if "train_run" in line]

    assert warned(79e9, 35) == []  # a card of 80,000 MB, three attempts of 12 hours
    assert "takes about 81,000 MB; resources.gpu_memory_mb is 80000" in warned(81e9, 35)[0]
    (late,) = warned(79e9, 37)
    assert (
        "the longest job of train_run takes about 37 h, 3 attempts of resources.minutes 720" in late
    )


def test_rates_without_a_network_are_refused(mini: Config, tmp_path: Path) -> None:
    jobs = needed_jobs(["table5"], mini)
    lacking = rates().model_copy(update={"training": {}})
    with pytest.raises(UserError, match="training has no "):
        estimate(jobs, mini, lacking, tmp_path)


def test_a_measured_training_by_hand(paper: Config, tmp_path: Path) -> None:
    """TSN RGB from HMDB51: 840 clips less a fifth, 90 epochs, and ten looks at the 168 held out."""
    chosen = paper.schedules.model_copy(  # type: ignore[union-attr]
        update={"streams": ("tsn.rgb",), "benchmarks": ("hmdb-ucf",)}
    )
    only = paper.model_copy(update={"schedules": chosen})
    plan = estimate(needed_jobs(["schedules"], only), only, rates(read=1e-9), tmp_path)
    clip = measure("tsn", length=3, size=224).multiply_adds
    steps = round(90 * 672 / 128)
    seconds = 5.0 + (steps * 3 * 2 * 128 + 10 * 168) * clip / 1e9
    found = stage(plan, "train_schedule")
    assert (found.jobs, found.longest) == (1, pytest.approx(seconds / 3600, rel=0.01))
    assert found.gpu_hours == pytest.approx(seconds / 3600, rel=0.01)
    assert stage(plan, "split_benchmark").jobs == 1


def test_methods_of_a_configuration_have_rates_of_their_own(mini: Config) -> None:
    """Ablations of ours share a recipe and nearly a network; others may share the recipe alone."""
    methods = {"mine": MethodSettings(network="mine:Network", recipe="i3d")}
    config = mini.model_copy(update={"methods": methods})
    names = {
        method: rate_name(Run("hmdb-ucf", method, "rgb", "scratch", "none", 1, 0), config)
        for method in ("i3d", "rev2net", "rev2net-noflow", "mine")
    }
    assert names == {
        "i3d": "i3d",
        "rev2net": "rev2net",
        "rev2net-noflow": "rev2net",
        "mine": "mine",
    }
