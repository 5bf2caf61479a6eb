"""Training: it learns, it logs what it does, it never sees a target label."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rev2net.bench.arrays import Clip, write_clips
from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TrainSettings,
    WeightsSource,
)
from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.runs import checkpoint
from rev2net.runs.checkpoint import build_network, load_trained
from rev2net.runs.identity import Run
from rev2net.training import loop
from rev2net.training.prepare import initialise
from tests.small_dataset import BOUND, FLOW_SETTINGS, FRAME_SETTINGS, SmallData

CLASSES = ["right", "down"]


def settings(
    method: str = "i3d",
    input_: str = "rgb",
    adapt: str = "mkmmd",
    steps: int | None = 6,
    loss: LossSettings | None = None,
    **optimisation: Any,
) -> TrainSettings:
    segments = method in ("tsn", "tsm")
    return TrainSettings(
        configuration="test",
        run=Run("ucf-hmdb", method, input_, "scratch", adapt, 1, 0),
        network_name=method,
        network=NetworkSettings(width=0.125, options={"dropout": 0.2}),
        clip=ClipSettings(length=3 if segments else 8, size=32, scales=(1.0, 0.9), flip=False),
        optimisation=OptimisationSettings(
            **{
                "optimiser": "adamw",
                "learning_rate": 0.003,
                "weight_decay": 0.01,
                "batch": 4,
                "steps": steps,
                "schedule": "cosine",
                "checkpoint_every": 2,
                **optimisation,
            }
        ),
        loss=loss or LossSettings(),
        compute=ComputeSettings(threads=1, loader_workers=0, precision="float32"),
        frames=FRAME_SETTINGS,
        flow_bound=BOUND,
        initial_weights=None,
    )


REV2NET_LOSS = LossSettings(flow=1.0, frames=1.0, feature_discrepancy=0.1, latent_discrepancy=0.01)


def train(
    data: SmallData, chosen: TrainSettings, folder: Path, split: Path | None = None
) -> dict[str, torch.Tensor]:
    loop.train(chosen, split or data.split, data.indexes, CLASSES, folder)
    return load_trained(folder).network.state_dict()


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_rev2net_logs_its_five_terms_and_the_adaptation_by_name(
    small_data: SmallData, tmp_path: Path
) -> None:
    train(small_data, settings("rev2net", loss=REV2NET_LOSS), tmp_path)
    terms = {"classification", "flow", "frames", "feature_discrepancy", "latent_discrepancy"}
    for line in lines(tmp_path):
        assert terms | {"domain", "loss", "top1", "lr", "seconds", "data_seconds"} <= set(line)
        weighted = (
            line["classification"]
            + line["flow"]
            + line["frames"]
            + 0.1 * line["feature_discrepancy"]
            + 0.01 * line["latent_discrepancy"]
            + line["domain"]
        )
        assert line["loss"] == pytest.approx(weighted, abs=1e-4)
    assert [line["step"] for line in lines(tmp_path)] == list(range(1, 7))
    assert not (tmp_path / "last.pt").exists()


@pytest.mark.parametrize(
    ("method", "input_", "adapt"),
    [("i3d", "flow", "none"), ("tsn", "flow", "dann"), ("tsm", "rgb", "none")],
)
def test_every_kind_of_run_trains(
    small_data: SmallData, tmp_path: Path, method: str, input_: str, adapt: str
) -> None:
    train(small_data, settings(method, input_, adapt, steps=2), tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["method"], record["input"], record["adapt"]) == (method, input_, adapt)
    assert ("domain" in lines(tmp_path)[0]) == (adapt != "none")


def test_a_motion_is_learnt(small_data: SmallData, tmp_path: Path) -> None:
    train(small_data, settings("i3d", "flow", "none", steps=60), tmp_path)
    logged = lines(tmp_path)
    assert logged[-1]["classification"] < 0.5 * logged[0]["classification"]
    assert logged[-1]["top1"] > 90


def test_epochs_are_those_of_the_labelled_list_and_stand_in_the_record(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Six labelled videos, four a step, beside four unlabelled ones, which do not count."""
    length: dict[str, Any] = {
        "steps": None,
        "epochs": 4,
        "schedule": "step",
        "milestones": [2],
        "restarts": [3],
    }
    train(small_data, settings(**length), tmp_path)
    rates = {line["step"]: line["lr"] for line in lines(tmp_path)}
    assert rates == pytest.approx(dict(enumerate([0.003] * 3 + [0.0003] * 2 + [0.003], start=1)))
    record = json.loads((tmp_path / "run.json").read_text())
    schedule = {"steps": 6, "epochs": 4.0, "milestones": [3], "restarts": [5]}
    assert record["schedule"] == schedule


def test_a_training_whose_time_is_over_saves_every_step_it_takes(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Each time one step, and at last the weights of an undisturbed training."""
    chosen = settings(steps=3)
    whole = train(small_data, chosen, tmp_path / "whole")
    folder = tmp_path / "stopped"
    arguments = (chosen, small_data.split, small_data.indexes, CLASSES, folder)
    for _ in range(3):
        with pytest.raises(loop.Interrupted):
            loop.train(*arguments, stop_at=0.0)
    assert not (folder / "run.json").exists()
    assert equal(whole, train(small_data, chosen, folder))


def test_deterministic_kernels_are_the_default_on_the_cpu_and_can_be_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute = settings().compute

    def chosen(gpu: bool, deterministic: bool | None) -> tuple[bool, bool]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
        loop.choose_kernels(compute.model_copy(update={"deterministic": deterministic}))
        return torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark

    assert chosen(gpu=True, deterministic=None) == (False, True)
    assert chosen(gpu=True, deterministic=True) == (True, False)
    assert chosen(gpu=False, deterministic=False) == (False, True)
    assert chosen(gpu=False, deterministic=None) == (True, False)


def test_the_same_seed_gives_the_same_weights(small_data: SmallData, tmp_path: Path) -> None:
    chosen = settings("rev2net", loss=REV2NET_LOSS, steps=3)
    first = train(small_data, chosen, tmp_path / "a")
    assert equal(first, train(small_data, chosen, tmp_path / "b"))
    assert file_digest(tmp_path / "a/checkpoint.pt") == file_digest(tmp_path / "b/checkpoint.pt")


def test_without_a_share_clipped_rev2net_is_trained_as_i3d(
    small_data: SmallData, tmp_path: Path
) -> None:
    """However large its decoders' gradients are: bit for bit where nothing of them passes."""
    losses = {
        "i3d": LossSettings(),
        "rev2net": LossSettings(flow=10.0, frames=500.0, feature_discrepancy=0.1, share=0.0),
    }
    found = {}
    for method, loss in losses.items():
        chosen = settings(method, adapt="none", loss=loss, steps=4, clip_gradient=1.0)
        chosen = chosen.model_copy(update={"network": NetworkSettings(width=0.125)})
        chosen.network.options["dropout"] = 0.0  # the latents' draws would change which
        found[method] = train(small_data, chosen, tmp_path / method)
    assert all(torch.equal(found["rev2net"][name], own) for name, own in found["i3d"].items())
    of_all = [line["gradient_norm"] for line in lines(tmp_path / "rev2net")]
    assert of_all == [line["gradient_norm"] for line in lines(tmp_path / "i3d")]
    of_decoders = [line["decoder_gradient_norm"] for line in lines(tmp_path / "rev2net")]
    assert max(of_all) > 1 < min(of_decoders)


def test_a_fine_tuning_measures_anew_what_its_junctions_pass(
    small_data: SmallData, tmp_path: Path
) -> None:
    loss = LossSettings(flow=1.0, frames=1.0)
    chosen = settings("rev2net", adapt="none", loss=loss, steps=2)
    parent = train(small_data, chosen, tmp_path)
    assert parent["junction_volume.norms"].all()
    start = WeightsSource(file=str(tmp_path / "checkpoint.pt"))
    again = chosen.model_copy(update={"initial_weights": start})
    network: Any = build_network(again, 3)
    initialise(network, again, ["up", "left", "still"])
    assert torch.equal(network.flow_decoder.flow.weight, parent["flow_decoder.flow.weight"])
    assert not network.junction_volume.norms.any()
    assert not network.junction_tap.norms.any()


def test_target_labels_cannot_reach_training(small_data: SmallData, tmp_path: Path) -> None:
    """Labels of target videos replaced by others: not one weight changes."""
    noisy = tmp_path / "noisy.csv"
    with open(small_data.split, newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        if row[1] == "hmdb51":
            row[2] = str(1 - int(row[2])) if row[2] else "1"
    with open(noisy, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert noisy.read_text() != small_data.split.read_text()
    chosen = settings("rev2net", loss=REV2NET_LOSS, steps=3)
    first = train(small_data, chosen, tmp_path / "true")
    assert equal(first, train(small_data, chosen, tmp_path / "noise", split=noisy))


def test_a_loss_that_is_not_finite_stops_with_its_name(
    small_data: SmallData, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"loss term '\w+' is nan"):
        train(small_data, settings(learning_rate=1e18, clip_gradient=None, steps=20), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_split_without_training_videos_is_refused(small_data: SmallData, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("video_id,dataset,label,group,part\n")
    with pytest.raises(UserError, match="no video of part 'train'"):
        train(small_data, settings(), tmp_path, split=empty)


def test_accumulating_halves_gives_the_gradient_of_the_whole_batch(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Statistics frozen, dropout off, no term that compares clips: only rounding differs."""
    weights = []
    for accumulate in (1, 2, 4):
        chosen = settings(
            adapt="none", optimiser="sgd", accumulate=accumulate, freeze_batchnorm=True, steps=3
        )
        network = chosen.network.model_copy(update={"options": {"dropout": 0.0}})
        chosen = chosen.model_copy(update={"network": network})
        weights.append(train(small_data, chosen, tmp_path / str(accumulate)))
    for other in weights[1:]:
        for name, tensor in weights[0].items():
            torch.testing.assert_close(other[name], tensor, rtol=1e-4, atol=1e-6)


def test_the_checkpoint_holds_the_averaged_weights(small_data: SmallData, tmp_path: Path) -> None:
    """One step: the decay of the first step is 1/10, whatever was asked for."""
    start, plain = (
        train(small_data, settings(steps=1, learning_rate=rate), tmp_path / str(rate))
        for rate in (1e-12, 0.003)
    )
    averaged = train(small_data, settings(steps=1, ema=0.99), tmp_path / "ema")
    name = "logits.conv3d.weight"
    assert not torch.allclose(start[name], plain[name], rtol=1e-3)
    torch.testing.assert_close(averaged[name], 0.1 * start[name] + 0.9 * plain[name])


def test_the_log_says_how_long_was_waited_for_data(
    small_data: SmallData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(small_data, settings(steps=6), tmp_path)  # 6 videos, batches of 4: an epoch is 1.5 steps
    said = [line for line in capsys.readouterr().out.splitlines() if "waiting for data" in line]
    assert [line.split(":")[0] for line in said] == ["epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    waited = [line["data_seconds"] / line["seconds"] for line in lines(tmp_path)]
    record = json.loads((tmp_path / "run.json").read_text())
    assert 100 * min(waited) <= record["data_wait_percent"] <= 100 * max(waited)


def test_a_bad_value_is_reported_with_its_step_and_videos(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings("rev2net", loss=REV2NET_LOSS, adapt="none", steps=6)
    read: list[set[str]] = []
    original: Any = loop.Batches.on_device

    def spoilt(self: Any, source: Any, target: Any) -> Any:
        batch = original(self, source, target)
        if len(read) == 3:
            batch.targets.flow[2] = torch.nan
        read.append({sample.label for sample in source})
        return batch

    monkeypatch.setattr(loop.Batches, "on_device", spoilt)
    with pytest.raises(UserError) as caught:
        train(small_data, chosen, tmp_path)
    message = str(caught.value)
    assert message.startswith("step 4: loss term 'flow' is nan (videos ucf101_")
    assert message.count("ucf101_") == 4
    assert "\n" not in message
    assert torch.load(tmp_path / "last.pt", weights_only=True)["next_step"] == 2


def test_weights_that_are_not_finite_are_never_saved(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step spoils a weight, and no loss is computed after it."""
    original = loop.Training.step

    def spoilt(self: Any, step: int, *rest: Any) -> Any:
        values = original(self, step, *rest)
        if step == 5:
            next(self.network.parameters()).data[0] = torch.inf
        return values

    monkeypatch.setattr(loop.Training, "step", spoilt)
    with pytest.raises(UserError, match="left weights that are not finite"):
        train(small_data, settings(), tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    assert torch.load(tmp_path / "last.pt", weights_only=True)["next_step"] == 4


@pytest.mark.slow
def test_a_traced_network_trains_alike(
    small_data: SmallData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracing alone: the code that torch.compile would make of it takes minutes on a CPU."""
    traced = []

    def trace(function: Any) -> Any:
        traced.append(function)
        return compiler(function, backend="eager")

    compiler = torch.compile
    monkeypatch.setattr(torch, "compile", trace)
    losses = []
    for compiled in (False, True):
        chosen = settings("rev2net", loss=REV2NET_LOSS, steps=2)
        compute = chosen.compute.model_copy(update={"compile": compiled})
        chosen = chosen.model_copy(update={"compute": compute})
        train(small_data, chosen, tmp_path / str(compiled))
        losses.append([line["loss"] for line in lines(tmp_path / str(compiled))])
    assert len(traced) == 1
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


@pytest.fixture
def double_precision() -> Iterator[None]:
    """Rounding then changes no sign anywhere (of an L1 loss, at a ReLU), so results stay close."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_layout_of_activations_changes_nothing_but_rounding(
    small_data: SmallData, tmp_path: Path, double_precision: None
) -> None:
    for method, input_ in (("i3d", "rgb"), ("tsn", "flow")):
        losses = []
        for channels_last in (True, False):
            chosen = settings(method, input_, steps=2, optimiser="sgd")
            compute = chosen.compute.model_copy(update={"channels_last": channels_last})
            folder = tmp_path / f"{method}{channels_last}"
            train(small_data, chosen.model_copy(update={"compute": compute}), folder)
            losses.append([line["loss"] for line in lines(folder)])
        assert losses[1] == pytest.approx(losses[0], abs=2e-6)  # the last digit of the log


def test_flow_is_told_in_units_of_the_training_sets_mean_flow(
    small_data: SmallData, tmp_path: Path
) -> None:
    """Bars of 5 of 36 rows or 40 columns move 2 pixels: in one component of the two."""
    chosen = settings("rev2net", adapt="none", steps=2, loss=REV2NET_LOSS)
    train(small_data, chosen, tmp_path)
    unit = json.loads((tmp_path / "run.json").read_text())["flow_unit"]
    assert load_trained(tmp_path).flow_unit == unit
    assert unit == pytest.approx(2 * 5 / 38 / 2 * 32 / 36, rel=0.3)  # trained at 32 pixels
    without = tmp_path / "without"
    train(small_data, settings("rev2net-noflow", adapt="none", steps=2,
                               loss=LossSettings(frames=1.0)), without)  # fmt: skip
    assert load_trained(without).flow_unit is None


def test_a_still_data_set_cannot_teach_flow(small_data: SmallData, tmp_path: Path) -> None:
    frames, flow = FRAME_SETTINGS, FLOW_SETTINGS
    still = np.zeros((9, 36, 40, 2), np.float32)
    picture = np.full((10, 36, 40, 3), 90, np.uint8)
    clips = [Clip(f"v{k}", picture, still, k % 2, f"g{k}", "train") for k in range(4)]
    split, indexes = write_clips(tmp_path, {"ucf101": clips}, frames, flow)
    chosen = settings("rev2net", adapt="none", loss=REV2NET_LOSS)
    with pytest.raises(UserError, match="flow of 4 training videos is zero everywhere") as caught:
        loop.train(chosen, split, indexes, CLASSES, tmp_path / "r")
    assert "\n" not in str(caught.value)


def test_a_flow_decoder_without_flow_shards_is_refused(
    small_data: SmallData, tmp_path: Path
) -> None:
    rgb = {of: path for of, path in small_data.indexes.items() if of[1] == "rgb"}
    chosen = settings("rev2net", adapt="none", loss=REV2NET_LOSS)
    with pytest.raises(UserError, match=r"--flow: none for dataset 'ucf101'.*given: none"):
        loop.train(chosen, small_data.split, rgb, CLASSES, tmp_path / "r")


def test_a_clip_shorter_than_the_volume_needs_is_refused(
    small_data: SmallData, tmp_path: Path
) -> None:
    chosen = settings("rev2net", adapt="none", loss=REV2NET_LOSS)
    chosen = chosen.model_copy(update={"clip": chosen.clip.model_copy(update={"length": 4})})
    with pytest.raises(UserError, match="has 4 frames; needed: at least 8"):
        train(small_data, chosen, tmp_path)


def test_a_rev2net_of_another_design_is_refused_by_what_changed(
    small_data: SmallData, tmp_path: Path
) -> None:
    train(small_data, settings("i3d", adapt="none", steps=1), tmp_path)
    path = tmp_path / "checkpoint.pt"
    state = checkpoint.load(path)
    state["network"]["flow_latent.gaussian.weight"] = torch.ones(2, 2)
    checkpoint.save(state, path)
    with pytest.raises(UserError, match=r"one latent a clip .*, now one a position"):
        load_trained(tmp_path)
