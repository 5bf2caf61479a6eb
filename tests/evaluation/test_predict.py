"""Scores from a network: views averaged by video, whatever the batches."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net.cli import main
from rev2net.clips.dataset import ClipShape, Shards, read_split
from rev2net.clips.transforms import to_input
from rev2net.config import ComputeSettings, EvaluateSettings, TestSettings, dump
from rev2net.evaluation.predict import predict
from rev2net.models import build
from rev2net.runs.identity import Run
from rev2net.runs.scores import read_scores
from tests.small_dataset import BOUND, FRAME_SETTINGS, SmallData

COMPUTE = ComputeSettings(threads=1, loader_workers=0, precision="float32")


def protocol(**changes: object) -> TestSettings:
    values = {"clips": 2, "crops": 3, "size": 32, "average": "logit", "batch": 4, **changes}
    return TestSettings.model_validate(values)


@pytest.mark.parametrize("average", ["logit", "probability"])
def test_scores_are_the_mean_over_views_whatever_the_batch(
    small_data: SmallData, average: str
) -> None:
    torch.manual_seed(0)
    network = build("i3d", 2, width=0.125).eval()
    entries = read_split(small_data.split, ["test"])["test"]
    shards = Shards.open(small_data.folders, ("rgb",), FRAME_SETTINGS, BOUND)
    shape = ClipShape(("rgb",), segments=False, length=8)
    cpu = torch.device("cpu")

    def scores(batch: int) -> np.ndarray:
        test = protocol(average=average, batch=batch)
        return predict(network, entries, shards, shape, test, COMPUTE, cpu).scores

    found = scores(4)
    np.testing.assert_allclose(found, scores(100), rtol=1e-4, atol=1e-5)

    # By hand, for one video: starts 0 and 4, three crops from one corner to the other.
    frames = small_data.rgb[entries[1].video_id]
    corners = [(0, 0), (2, 4), (4, 8)]  # (top, left)
    views = [frames[t : t + 8, y : y + 32, x : x + 32] for t in (0, 4) for y, x in corners]
    values = torch.from_numpy(np.stack(views)).permute(0, 4, 1, 2, 3).float() / 255
    with torch.inference_mode():
        logits = network(to_input(values, network.input_spec))
    expected = (logits.softmax(1) if average == "probability" else logits).mean(0)
    np.testing.assert_allclose(found[1], expected.numpy(), rtol=1e-4, atol=1e-5)


def test_evaluate_writes_scores_of_both_parts_and_refuses_another_split(
    small_data: SmallData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from rev2net.config import (
        ClipSettings,
        LossSettings,
        NetworkSettings,
        OptimisationSettings,
        TrainSettings,
    )
    from rev2net.training.loop import train

    run = Run("ucf-hmdb", "rev2net", "rgb", "scratch", "mkmmd", 1, 0)
    settings = TrainSettings(
        configuration="test",
        run=run,
        network=NetworkSettings(width=0.125, options={}),
        clip=ClipSettings(length=8, size=32, scales=(1.0,), flip=False),
        optimisation=OptimisationSettings(
            optimiser="sgd",
            learning_rate=0.01,
            weight_decay=0.0,
            batch=2,
            steps=1,
            schedule="cosine",
        ),
        loss=LossSettings(flow=1.0, frames=1.0),
        compute=COMPUTE,
        frames=FRAME_SETTINGS,
        flow_bound=BOUND,
        initial_weights=None,
    )
    folder = tmp_path / "run"
    train(settings, small_data.split, small_data.folders, ["right", "down"], folder)
    chosen = EvaluateSettings(configuration="test", test=protocol(), compute=COMPUTE)
    command = ["evaluate", str(folder), "--settings", dump(chosen)]
    command += [f"--shards={name}={path}" for name, path in small_data.folders.items()]
    assert main([*command, "--split", str(small_data.split)]) == 0

    test, val = (read_scores(folder / f"scores-{part}.h5") for part in ("test", "val"))
    assert test.video_id == ["hmdb51_4", "hmdb51_5", "hmdb51_6", "hmdb51_7"]
    assert test.label.tolist() == [0, 1, 0, 1]
    assert (len(test), test.videos_expected) == (4, 5)
    assert val.video_id == ["ucf101_6", "ucf101_7"]
    assert (test.method, test.protocol) == ("rev2net", "official-split1; 2 clips x 3 crops")
    assert test.notes == val.notes == "the videos are made up"

    other = tmp_path / "split1.csv"
    other.write_text(small_data.split.read_text() + "hmdb51_9,hmdb51,0,x,test\n")
    other.with_suffix(".json").write_text(small_data.split.with_suffix(".json").read_text())
    assert main([*command, "--split", str(other)]) == 2
    assert "trained on another version" in capsys.readouterr().err
