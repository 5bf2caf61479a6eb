"""A run given away: files that load again, a card that says what it is, ONNX that agrees."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from rev2net import runs
from rev2net.errors import UserError
from rev2net.flow.parameters import default_settings
from rev2net.models import build
from rev2net.models.exported import save_exported
from tests.apply.moving_videos import main, write_video

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "your-videos.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("exported") / "i3d-mini"
    network = build("i3d", 3, width=0.125)
    about = {"clip": {"length": 8, "stride": 1, "size": 32}}
    save_exported(folder, network, "i3d", {"width": 0.125}, ["a", "b", "c"], about)
    return folder


def test_the_example_for_onnx_agrees_with_the_network(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's own code, as it is written there."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra dev brings onnxruntime")
    (code,) = (c for c in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "onnx" in c)
    monkeypatch.chdir(exported.parent)
    exec(compile(code, "docs/your-videos.md", "exec"), {})
    session = onnxruntime.InferenceSession("i3d-mini.onnx")
    network, _ = runs.load(exported)
    clip = np.random.default_rng(0).uniform(-1, 1, (1, 3, 8, 32, 32)).astype(np.float32)
    (found,) = session.run(None, {"clip": clip})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(torch.from_numpy(clip)), atol=1e-4)


def test_an_exported_network_predicts_as_the_command_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(1)
    folder = tmp_path / "mine"
    frames = {"short_side": 32, "size": None, "fps": None, "codec": "jpeg", "quality": 95}
    about = {
        "clip": {"length": 8, "stride": 1, "size": 32},
        "frames": {**frames, "time_limit": 60.0},
        "flow": default_settings(20.0).model_dump(mode="json"),
        "test": {"clips": 1, "crops": 1, "size": 32, "average": "logit"},
        "provenance": {"run": "a/run", "configuration": "mini", "checkpoint": "0" * 64},
    }
    network = build("i3d", 3, width=0.125).eval()
    save_exported(folder, network, "i3d", {"width": 0.125}, ["a", "b", "c"], about)
    video = tmp_path / "clip.mp4"
    write_video(video, 12)
    found = runs.load(str(folder)).predict(str(video))
    assert sum(p for _, p in found) == pytest.approx(1)
    assert found == sorted(found, key=lambda row: -row[1])
    assert main(["predict", str(video), "--run", str(folder), "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["network"] == "I3D on RGB, 3 classes, trained as a/run of configuration 'mini'"
    assert [(row["class"], row["probability"]) for row in line["classes"]] == [
        (name, pytest.approx(p, abs=1e-6)) for name, p in found
    ]


def test_loading_refuses_what_was_changed(exported: Path, tmp_path: Path) -> None:
    config = json.loads((exported / "config.json").read_text())
    for key, value, expected in (
        ("format", 9, "not an exported network of format 2"),
        ("options", {"in_channels": 3, "width": 1.0}, "do not fit"),
    ):
        folder = tmp_path / key
        folder.mkdir()
        (folder / "model.safetensors").write_bytes((exported / "model.safetensors").read_bytes())
        (folder / "config.json").write_text(json.dumps(config | {key: value}))
        with pytest.raises(UserError, match=expected):
            runs.load(folder)


def test_a_folder_with_files_is_not_written_to(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "nothing", str(exported)]) == 2
    assert "a folder with files in it" in capsys.readouterr().err
