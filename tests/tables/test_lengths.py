"""The rule on curves worked by hand, what is written of it, and how the report shows it."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rev2net.cli import main
from rev2net.config import Config, dump, load, validate
from rev2net.errors import UserError
from rev2net.experiments import Run, train_settings
from rev2net.report.page import render_report
from rev2net.report.schedules import schedules_section
from rev2net.runs.folder import WorkFolder
from rev2net.schedules import measured_runs, measured_settings
from rev2net.tables.lengths import (
    chosen_measurement,
    collect,
    later_gains,
    recipes_shortened,
    standard_errors,
)

PAPER = load(Path(__file__).parents[2] / "configs/paper.yaml").model_copy(
    update={
        "schedules": load(Path(__file__).parents[2] / "configs/paper.yaml").schedules.model_copy(  # type: ignore[union-attr]
            update={"streams": ("tsn.rgb", "tsn.flow", "tsm.rgb"), "benchmarks": ("hmdb-ucf",)}
        )
    }
)
GROUPS, CHANCE = 20, 10.0  # of five videos each
VIDEOS = [5] * GROUPS


def curve(*accuracies: int) -> list[list[int]]:
    """Measurements with so many of 100 videos right, spread evenly over the groups."""
    return [
        [number // GROUPS + (group < number % GROUPS) for group in range(GROUPS)]
        for number in accuracies
    ]


@pytest.mark.parametrize(
    ("accuracies", "chosen"),
    [
        ((30, 50, 60, 70, 80), 4),  # rising: the whole length
        ((30, 60, 80, 60, 40), 2),  # peaked: at the peak
        ((30, 80, 80, 80, 80), 1),  # flat: where it becomes flat
        ((80, 80, 80, 80, 80), 0),
        ((30, 80, 79, 80, 79), 1),  # ties with a dip in between
        ((30, 60, 60, 60, 80), 4),  # a late gain, as after a drop of the rate
        ((10, 10, 10, 10, 10), 4),  # at chance: nothing is learnt, and no reason to stop
        ((10, 10, 10, 11, 10), 4),
    ],
)
def test_the_rule_on_curves_without_noise(accuracies: tuple[int, ...], chosen: int) -> None:
    assert chosen_measurement(curve(*accuracies), VIDEOS, CHANCE) == chosen


def test_a_gain_within_its_standard_error_is_none_and_one_beyond_it_counts() -> None:
    """Of 20 groups of 5: +1 in k of them is k points, with an error of sqrt(k (20 - k) / 19)."""
    base = [3] * GROUPS
    for better, worse in ((1, 0), (2, 0), (3, 2), (8, 5)):
        later = [value + (g < better) - (g >= GROUPS - worse) for g, value in enumerate(base)]
        gain = better - worse
        squares = better * (1 - gain / 20) ** 2 + worse * (1 + gain / 20) ** 2
        squares += (20 - better - worse) * (gain / 20) ** 2
        error = math.sqrt(20 / 19 * squares)  # of 100 videos: a video is a point
        gains = later_gains([base, later], VIDEOS)
        assert gains[0] == pytest.approx(gain - error)
        assert math.isnan(gains[1])
        chosen = chosen_measurement([base, later], VIDEOS, CHANCE)
        assert chosen == (better > 1 and gain > error)  # in one group alone they are equal


def test_videos_of_a_group_count_as_one_draw() -> None:
    """The same gain of 4 videos: in one group it may be luck, in four groups it is clear."""
    base = [1] * GROUPS
    together, apart = [5] + [1] * 19, [2] * 4 + [1] * 16
    assert chosen_measurement([base, together], VIDEOS, CHANCE) == 0
    assert chosen_measurement([base, apart], VIDEOS, CHANCE) == 1


def test_the_standard_error_is_that_of_resampled_groups() -> None:
    """Groups of unequal size, against a bootstrap that knows no formula."""
    rng = np.random.default_rng(0)
    videos = rng.integers(1, 7, 60)
    right = rng.binomial(videos, 0.7)
    drawn = rng.integers(0, 60, (20_000, 60))
    resampled = 100 * right[drawn].sum(axis=1) / videos[drawn].sum(axis=1)
    error = standard_errors(right[None].astype(float), videos.astype(float))[0]
    assert error == pytest.approx(resampled.std(), rel=0.05)


@pytest.mark.parametrize(
    ("levels", "low", "high", "lost"),
    [  # the 10th and 90th percentile of the chosen measurement, and points below the best level
        ([0.3, 0.6] + [0.75] * 8, 3, 7, 0.1),
        ([0.3, 0.6, 0.75, 0.75, 0.72, 0.7, 0.66, 0.62, 0.6, 0.58], 3, 4, 0.1),
        ([0.4, 0.6, 0.7, 0.75, 0.78, 0.79, 0.8, 0.8, 0.8, 0.8], 4, 8, 1.5),
        ([0.2, 0.27, 0.33, 0.4, 0.47, 0.53, 0.6, 0.67, 0.73, 0.8], 9, 10, 1.5),
    ],
    ids=["plateau", "peak", "saturating", "rise"],
)
def test_the_rule_on_noisy_curves(levels: list[float], low: int, high: int, lost: float) -> None:
    """70 groups of 2 videos, about as many as are held out of 840; 1 answer in 20 is turned round.

    The plateau is found, a rise is hardly ever cut, and what is lost is little.
    """
    rng = np.random.default_rng(1)
    chosen = []
    for _ in range(200):
        right_PV = rng.random(140) < np.array(levels)[:, None]
        right_PV ^= rng.random((10, 140)) < 0.05
        right_PG = right_PV.reshape(10, 70, 2).sum(axis=2)
        chosen.append(chosen_measurement(right_PG, [2] * 70, CHANCE))
    tenth, ninth = np.percentile(chosen, [10, 90]) + 1
    assert low <= tenth <= ninth <= high
    assert 100 * np.mean(max(levels) - np.array(levels)[chosen]) < lost


def store(root: Path, config: Config, run: Run, measured: list[list[int]], **changes: Any) -> Path:
    """A training as `train` leaves it, with so many right of five videos a group."""
    folder = WorkFolder(root).measured(run.path).path
    folder.mkdir(parents=True, exist_ok=True)
    settings = measured_settings(run, config).model_dump(mode="json")
    names = [f"class {k}" for k in range(10)]
    record = {"settings": settings, "split_digest": "d" * 64, "class_names": names} | changes
    (folder / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    lines = []
    for point, right_G in enumerate(measured, start=1):
        groups = {f"g{group}": [right, 5] for group, right in enumerate(right_G)}
        line = {"step": 100 * point, "epoch": 9.0 * point, "top1": float(sum(right_G))}
        lines.append(line | {"videos": 5 * len(right_G), "groups": groups})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "held-out.jsonl").write_text(text)
    return folder


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """RGB peaks at 7 of 10, flow rises to the end, TSM is enough at 4 of 10."""
    root = tmp_path / "work/paper"
    rgb, flow, tsm = measured_runs(PAPER)
    store(root, PAPER, rgb, curve(20, 30, 40, 50, 60, 70, 80, 70, 60, 50))
    store(root, PAPER, flow, curve(20, 25, 30, 35, 40, 45, 50, 55, 60, 65))
    store(root, PAPER, tsm, curve(20, 40, 60, 80, 80, 80, 79, 80, 80, 79))
    return root


def test_the_table_has_a_row_a_measurement_and_one_choice_a_stream(measured: Path) -> None:
    frame = collect(PAPER, measured)
    assert list(frame.groupby(["method", "input"], sort=False).size()) == [10, 10, 10]
    chosen = frame[frame["chosen"]]
    assert list(chosen["epoch"]) == [63.0, 90.0, 36.0]
    assert list(chosen["top1_val"]) == [80.0, 65.0, 80.0]
    assert set(frame["videos"]) == {100}
    assert set(frame["groups"]) == {20}
    rgb = frame[(frame["method"] == "tsn") & (frame["input"] == "rgb")]
    assert (rgb["later_gain"].iloc[:6] > 0).all()
    assert (rgb["later_gain"].iloc[6:9] <= 0).all()
    assert math.isnan(rgb["later_gain"].iloc[9])


def test_lengths_and_drops_of_the_rate_are_scaled_together_and_taken_in(
    measured: Path, tmp_path: Path
) -> None:
    text = recipes_shortened(collect(PAPER, measured), PAPER)
    assert yaml.safe_load(text) == {
        "tsn.rgb.imagenet.hmdb-ucf": {"optimisation": {"epochs": 63, "milestones": [25.2, 50.4]}},
        "tsm.rgb.imagenet.hmdb-ucf": {"optimisation": {"epochs": 20, "milestones": [8, 16]}},
    }
    (tmp_path / "schedules.yaml").write_text(text)
    values = PAPER.model_dump(mode="json") | {"recipes_from": str(tmp_path / "schedules.yaml")}
    found = validate(Config, values, "test")
    rgb, flow, tsm = measured_runs(PAPER)
    assert train_settings(rgb, found).optimisation.epochs == 63
    assert train_settings(tsm, found).optimisation.milestones == (8, 16)
    assert train_settings(flow, found) == train_settings(flow, PAPER)
    # Of the direction that was not measured nothing is said.
    other = Run("ucf-hmdb", "tsn", "rgb", "imagenet", "mkmmd", 1, 0)
    assert train_settings(other, found) == train_settings(other, PAPER)
    # The same curves, and the same choice, once it is taken in.
    assert recipes_shortened(collect(found, measured), found) == text


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_schedules_and_search_found_is_taken_in_together(
    measured: Path, tmp_path: Path, order: tuple[int, int]
) -> None:
    text = recipes_shortened(collect(PAPER, measured), PAPER)
    searched = "tsn.rgb.imagenet.hmdb-ucf: {optimisation: {learning_rate: 0.5}}\n"
    paths = [tmp_path / "schedules.yaml", tmp_path / "search.yaml"]
    for path, content in zip(paths, (text, searched), strict=True):
        path.write_text(content)
    files = {"recipes_from": [str(paths[k]) for k in order]}
    found = validate(Config, PAPER.model_dump(mode="json") | files, "test")
    rgb = measured_runs(PAPER)[0]
    trained = train_settings(rgb, found).optimisation
    assert (trained.epochs, trained.learning_rate) == (63, 0.5)
    own = train_settings(rgb, PAPER).optimisation
    assert measured_settings(rgb, found).optimisation.epochs == own.epochs != 63


def test_schedules_in_steps_are_shortened_in_steps(tmp_path: Path) -> None:
    smoke = load(Path(__file__).parents[2] / "configs/smoke.yaml")
    for run in measured_runs(smoke):
        store(tmp_path, smoke, run, curve(80, 80))
    text = recipes_shortened(collect(smoke, tmp_path), smoke)
    assert yaml.safe_load(text)["tsn.flow.scratch.hmdb-ucf"] == {"optimisation": {"steps": 100}}


def test_the_command_writes_the_table_and_the_recipes(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(dump(PAPER))
    out = tmp_path / "results/schedules.csv"
    command = ["schedules", "--settings", str(tmp_path / "config.json"), "--out", str(out)]
    assert main([*command, "--root", str(measured)]) == 0
    said = capsys.readouterr().out
    assert "tsn.rgb on hmdb-ucf: 63 of 90 epochs (80.0 %, at the end 50.0 % of 100 held" in said
    assert out.read_text().startswith("benchmark,method,input,epoch,step,top1_val,standard_error,")
    assert "tsn.flow" not in out.with_suffix(".yaml").read_text()
    assert main([*command, "--root", str(tmp_path / "nowhere")]) == 2


def test_trainings_that_do_not_belong_together_are_refused(measured: Path) -> None:
    rgb, flow, _ = measured_runs(PAPER)
    store(measured, PAPER, flow, curve(20, 30), split_digest="e" * 64)
    with pytest.raises(UserError, match="do not belong together: split_digest"):
        collect(PAPER, measured)
    store(measured, PAPER, rgb, curve(20, 30), settings={})
    with pytest.raises(UserError, match="trained with other settings"):
        collect(PAPER, measured)
    store(measured, PAPER, rgb, [[3], [4]])
    with pytest.raises(UserError, match=r"one source group.*raise schedules\.validation_fraction"):
        collect(PAPER, measured)
    WorkFolder(measured).measured(rgb.path).held_out.unlink()
    with pytest.raises(UserError, match=r"held-out\.jsonl: no such file; `snakemake"):
        collect(PAPER, measured)


def test_the_report_shows_a_curve_a_stream_and_says_what_follows(
    measured: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    collect(PAPER, measured).to_csv(results / "schedules.csv", index=False)
    (gallery,) = schedules_section(PAPER, results).blocks
    captions = [shown.caption for shown in gallery.pictures]  # type: ignore[union-attr]
    assert captions[0] == (
        "63 of 90 epochs: 80.0 % of 100 videos in 20 groups there, 50.0 % at the end."
    )
    assert captions[1].startswith("All 90 epochs: 65.0 % of 100 videos")
    assert [shown.alt.split(" on ")[0] for shown in gallery.pictures] == [  # type: ignore[union-attr]
        "Accuracy of TSN RGB", "Accuracy of TSN Flow", "Accuracy of TSM RGB",
    ]  # fmt: skip
    html = render_report(PAPER, measured, results)
    assert 'id="schedules"' in html
    assert captions[0] in html


def test_the_report_says_what_measures_the_lengths_and_nothing_where_none_are_asked_for(
    tmp_path: Path, config: Config
) -> None:
    html = render_report(PAPER, tmp_path, tmp_path)
    assert "<code>snakemake results/schedules.csv</code> measures them" in html
    assert config.schedules is None
    assert 'id="schedules"' not in render_report(config, tmp_path, tmp_path)


def test_other_loader_processes_are_no_other_training(measured: Path) -> None:
    for path in measured.rglob("run.json"):
        record = json.loads(path.read_text())
        record["settings"]["compute"]["loader_workers"] += 1
        record["settings"]["optimisation"]["checkpoint_every"] += 1
        path.write_text(json.dumps(record))
    assert len(collect(PAPER, measured))
