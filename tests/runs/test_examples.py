"""Example clips: what is measured of them, how they are stored, and that evaluate writes them."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from rev2net.cli import main
from rev2net.clips.dataset import Entry, read_split
from rev2net.config import (
    ClipSettings,
    ComputeSettings,
    EvaluateSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    TestSettings,
    TrainSettings,
    dump,
)
from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.evaluation.decode import decode_examples, first_of_classes
from rev2net.models.network import Outputs, VideoNetwork
from rev2net.models.spec import input_spec
from rev2net.runs.checkpoint import TrainedRun, build_network, save_trained
from rev2net.runs.examples import (
    Examples,
    end_point_error,
    l1,
    moments,
    moving_pixels,
    psnr,
    read_examples,
    reversal_correlation,
    summarise,
    verdict,
    write_examples,
)
from rev2net.runs.identity import Run
from tests.small_dataset import BOUND, FRAME_SETTINGS, SmallData

CPU = torch.device("cpu")
COMPUTE = ComputeSettings(threads=1, loader_workers=0, precision="float32")


@pytest.mark.parametrize("length", [1, 2, 5, 8, 16, 64])
@pytest.mark.parametrize("shown", [1, 4, 6])
def test_moments_are_the_same_seen_from_both_ends(length: int, shown: int) -> None:
    found = moments(length, shown)
    assert sorted(length - 1 - found) == found.tolist()
    assert found[0] >= 0
    assert found[-1] < length
    if shown > 1:
        assert (found[0], found[-1]) == (0, length - 1)


def test_errors_of_hand_worked_pictures() -> None:
    black, grey = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 51, np.uint8)
    assert l1(grey, black) == 51
    assert psnr(grey, black) == pytest.approx(20 * math.log10(5))  # 255 / 51
    assert psnr(grey, grey) == math.inf
    flow = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert end_point_error(flow, np.zeros_like(flow)) == 2.5


def test_examples_survive_their_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    examples = Examples(
        "hmdb-ucf/rev2net/rgb.scratch.mkmmd/split1.seed0",
        ["größe_1", "b"],
        ["golf", "walk"],
        np.array([0, 3]),
        {"clip": rng.integers(0, 255, (2, 2, 4, 5, 3), np.uint8)},
        {"l1": np.array([1.5, 2.5])},
    )
    write_examples(tmp_path / "examples.h5", examples)
    found = read_examples(tmp_path / "examples.h5")
    assert (found.run, found.video_id) == (examples.run, examples.video_id)
    assert found.class_name == examples.class_name
    assert found.moment.tolist() == [0, 3]
    np.testing.assert_array_equal(found.images["clip"], examples.images["clip"])
    images, errors = found.one(1)
    np.testing.assert_array_equal(images["clip"], examples.images["clip"][1])
    assert errors == {"l1": 2.5}


def test_a_file_without_clips_is_read_as_such(tmp_path: Path) -> None:
    write_examples(tmp_path / "examples.h5", Examples("a/run"))
    found = read_examples(tmp_path / "examples.h5")
    assert len(found) == 0
    assert found.run == "a/run"


def test_another_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "examples.h5"
    with pytest.raises(UserError, match=r"examples\.h5: no such"):
        read_examples(path)
    path.write_bytes(b"text")
    with pytest.raises(UserError, match=r"examples\.h5"):
        read_examples(path)


def test_the_first_video_of_each_of_the_first_classes_is_shown() -> None:
    entries = [Entry(f"v{n}", "ucf101", label, "g") for n, label in enumerate([2, 0, 0, 1, 2, 3])]
    assert [entry.video_id for entry in first_of_classes(entries, 3)] == ["v1", "v3", "v0"]


class Oracle(VideoNetwork):
    """Reconstructs the reversed clip exactly, all of it foreground, and sees one motion."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3, 4))

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        return {
            "frames": x.flip(2),
            "foreground": x.flip(2),
            "mask": torch.ones_like(x[:, :1]),
            "background": x[:, :, :1],
            "flow": torch.full_like(x[:, :2], 4.0),  # everything moves right and down
        }


def settings(method: str, loss: LossSettings, size: int) -> TrainSettings:
    return TrainSettings(
        configuration="test",
        run=Run("ucf-hmdb", method, "rgb", "scratch", "none", 1, 0),
        network_name=method,
        network=NetworkSettings(width=0.125, options={}),
        clip=ClipSettings(length=8, size=size, scales=(1.0,), flip=False),
        optimisation=OptimisationSettings(
            optimiser="sgd", learning_rate=0.1, weight_decay=0, batch=2, steps=1, schedule="cosine"
        ),
        loss=loss,
        compute=COMPUTE,
        frames=FRAME_SETTINGS,
        flow_bound=BOUND,
        initial_weights=None,
    )


def decode(small_data: SmallData, *decoders: str) -> Examples:
    entries = read_split(small_data.split, ["test"])["test"]
    loss = LossSettings.model_validate(dict.fromkeys(decoders, 1.0))
    trained = TrainedRun(
        network=Oracle(input_spec("i3d")),
        settings=settings("i3d", loss, size=36),
        class_names=["right", "down"],
        split_digest="",
        flow_unit=0.5,  # pixels per frame
        digest="",
    )
    return decode_examples(trained, entries, small_data.indexes, CPU)


def test_a_perfect_reconstruction_has_no_error_and_flow_is_told_in_pixels(
    small_data: SmallData,
) -> None:
    found = decode(small_data, "flow", "frames")
    assert found.video_id == ["hmdb51_4", "hmdb51_5"]
    assert found.class_name == ["right", "down"]

    # The middle 8 of 12 frames, and the middle 36 of 40 columns.
    clip = small_data.rgb["hmdb51_4"][2:10, :, 2:38]
    np.testing.assert_array_equal(found.images["clip"][0], clip[found.moment])
    np.testing.assert_array_equal(found.images["reversed_clip"][0], clip[::-1][found.moment])
    np.testing.assert_array_equal(found.images["reconstruction"], found.images["reversed_clip"])
    assert (found.images["mask"] == 255).all()
    assert found.errors["psnr"].tolist() == [math.inf, math.inf]
    np.testing.assert_allclose(found.errors["mean_frame_l1"][0],
                               np.abs(clip - np.rint(clip.mean(0))).mean())  # fmt: skip

    flow = (small_data.flow["hmdb51_4"].astype(float) - 128) * BOUND / 127
    seen = flow[2:10, :, 2:38]
    np.testing.assert_allclose(found.images["stored_flow"][0], seen[found.moment], atol=2e-3)
    speed = np.linalg.norm(seen, axis=-1).mean()
    wrong = np.linalg.norm(seen - 4.0 * 0.5, axis=-1).mean()
    assert found.errors["flow_epe"][0] == pytest.approx(wrong, rel=1e-4)
    assert found.errors["still_epe"][0] == pytest.approx(speed, rel=1e-4)


def test_a_decoder_that_was_not_trained_is_not_shown(small_data: SmallData) -> None:
    assert set(decode(small_data, "flow").images) == {"clip", "stored_flow", "predicted_flow"}
    assert "predicted_flow" not in decode(small_data, "frames").images
    assert set(decode(small_data, "frames").errors) == {
        *("l1", "psnr", "mean_frame_l1", "mean_frame_psnr", "median_frame_l1", "moving_share"),
        *("moving_l1", "moving_mean_frame_l1", "moving_median_frame_l1", "reversal"),
    }


def test_measures_are_of_every_clip(small_data: SmallData) -> None:
    found = decode(small_data, "flow", "frames")
    assert (found.measures["clips"], found.measures["moving_clips"]) == (4, 4)  # two are shown
    assert found.measures["l1"] == found.measures["moving_l1"] == 0
    assert found.measures["reversal"] == 1
    assert 0 < found.measures["mean_frame_l1"] < found.measures["moving_mean_frame_l1"]
    assert found.measures["still_epe"] == pytest.approx(found.errors["still_epe"].mean(), rel=0.2)


def test_measures_survive_the_file(small_data: SmallData, tmp_path: Path) -> None:
    found = decode(small_data, "frames")
    write_examples(tmp_path / "examples.h5", found)
    assert read_examples(tmp_path / "examples.h5").measures == found.measures


def growing_bar(length: int = 16) -> NDArray[np.uint8]:
    """A bright bar that goes from left to right over noise."""
    clip = np.random.default_rng(0).integers(0, 60, (1, 20, 40, 3), dtype=np.uint8)
    clip = np.repeat(clip, length, 0)
    for t in range(length):
        clip[t, :, 2 * t : 2 * t + 6] = 220
    return clip


def test_reversal_tells_reversed_from_copied_and_from_neither() -> None:
    clip = growing_bar()
    mean = np.repeat(clip.mean(0, keepdims=True), len(clip), 0)
    assert reversal_correlation(clip[::-1], clip) == 1
    assert reversal_correlation(clip, clip) == -1
    assert reversal_correlation(mean, clip) == 0
    assert abs(reversal_correlation(np.random.default_rng(1).normal(size=clip.shape), clip)) < 0.6
    faint = 100 + 0.1 * clip[::-1].astype(float)  # blurred and pale, but reversed
    assert reversal_correlation(faint, clip) == 1


def test_reversal_is_spearmans_rank_correlation() -> None:
    clip = growing_bar(6)
    order = [4, 4, 5, 1, 1, 0]  # the frames that are decoded, some twice
    expected = spearmanr(order, [5, 4, 3, 2, 1, 0]).statistic
    assert reversal_correlation(clip[order], clip) == pytest.approx(expected)


def test_a_ramp_that_knows_nothing_of_the_clip_is_not_called_reversed() -> None:
    """Every decoded clip brightens; of ten clips six darken, so that the median alone is high."""
    ramp = np.linspace(-1, 1, 16)[:, None, None, None] * np.ones((1, 8, 8, 3))
    clips = [(100 - sign * 20 * ramp).astype(np.uint8) for sign in (1, -1, 1, -1, 1) * 2]
    found = summarise([{"reversal": reversal_correlation(ramp, clip)} for clip in clips])
    assert found["reversal"] > 0.8
    assert found["reversal_mean"] < 0.3
    assert "neither reversed nor copied" in verdict(found)[0]


def test_a_still_clip_has_no_moving_pixel_and_no_reversal() -> None:
    still = np.full((8, 10, 10, 3), 90, np.uint8)
    assert not moving_pixels(still).any()
    assert moving_pixels(growing_bar()).any()
    assert summarise([{"reversal": math.nan, "l1": 2.0}, {"reversal": 0.5, "l1": 4.0}]) == {
        "clips": 2, "reversal": 0.5, "l1": 3.0, "moving_clips": 1, "reversal_mean": 0.5
    }  # fmt: skip
    assert summarise([]) == {}


def test_clips_that_move_by_a_pixel_are_measured_for_themselves_too() -> None:
    """Where next to nothing moves there is next to nothing to predict."""
    slow, fast = {"flow_epe": 0.3, "still_epe": 0.3}, {"flow_epe": 0.9, "still_epe": 1.5}
    found = summarise([slow, fast, slow])
    assert found == pytest.approx(
        {"clips": 3, "flow_epe": 0.5, "still_epe": 0.7}
        | {"fast_clips": 1, "fast_flow_epe": 0.9, "fast_still_epe": 1.5}
    )
    (sentence,) = verdict(found)
    assert "0.71 times as much as no motion (0.60 in the 1 of 3 clips that move" in sentence
    assert summarise([slow])["fast_clips"] == 0
    assert "pixel" not in verdict(summarise([slow]))[0]


def finished_run(small_data: SmallData, folder: Path, method: str, loss: LossSettings) -> Path:
    """A run folder with fresh weights, as training leaves it."""
    chosen = settings(method, loss, size=32)
    folder.mkdir()
    torch.manual_seed(0)
    network = build_network(chosen, 2)
    names = ["right", "down"]
    save_trained(folder, network, chosen, names, file_digest(small_data.split), flow_unit=0.5)
    test = TestSettings(clips=1, crops=1, size=32, average="logit")
    protocol = EvaluateSettings(configuration="test", test=test, compute=COMPUTE)
    command = ["evaluate", str(folder), "--settings", dump(protocol)]
    command += small_data.options
    assert main([*command, "--split", str(small_data.split)]) == 0
    return folder


def test_evaluate_draws_a_clip_of_each_class(small_data: SmallData, tmp_path: Path) -> None:
    loss = LossSettings(flow=1.0, frames=1.0)
    folder = finished_run(small_data, tmp_path / "run", "rev2net", loss)
    examples = read_examples(folder / "examples.h5")
    assert examples.run == "ucf-hmdb/rev2net/rgb.scratch.none/split1.seed0"
    assert set(examples.images) == {
        *("clip", "stored_flow", "predicted_flow", "reversed_clip", "reconstruction"),
        *("foreground", "mask", "background", "mean_frame"),
    }
    pictures = sorted(path.name for path in (folder / "examples").iterdir())
    assert pictures == ["0-hmdb51_4.png", "1-hmdb51_5.png"]
    assert cv2.imread(str(folder / "examples" / pictures[0])) is not None


def test_a_network_without_decoders_has_a_file_without_clips(
    small_data: SmallData, tmp_path: Path
) -> None:
    folder = finished_run(small_data, tmp_path / "run", "tsn", LossSettings())
    assert len(read_examples(folder / "examples.h5")) == 0
    assert not (folder / "examples").exists()
