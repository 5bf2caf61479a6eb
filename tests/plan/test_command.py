"""`rev2net plan` on every shipped configuration, and a short measurement of this machine."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import cv2
import numpy as np
import pytest
import torch

from rev2net import config as configuration
from rev2net.cli import main
from rev2net.config import Config
from rev2net.flow import tvl1
from rev2net.flow.parameters import of_settings
from rev2net.plan.facts import dataset_facts
from rev2net.plan.jobs import needed_jobs
from rev2net.plan.rates import Rate, Rates, measure
from rev2net.video.ffmpeg import ffmpeg_binary
from tests.own_videos import write_folder
from tests.work_folder import own_config

ROOT = Path(__file__).resolve().parents[2]
# Trainings a seed of Table 5: 7 streams in 2 directions, in two files without adaptation too.
SHIPPED = {
    "config.yaml": 14,
    "configs/mini-full.yaml": 28,
    "configs/paper.yaml": 28,
    "configs/realclips.yaml": 14,
    "configs/smoke.yaml": 14,
}
QUICK = ("config.yaml", "configs/paper.yaml")
NETWORKS = ("tsn", "tsm", "stm", "off", "actionflownet", "i3d", "rev2net")


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    """A file of rates, as somebody writes it for a cluster."""
    one = Rate(value=1.0, source="given")
    given = dict.fromkeys(set(Rates.model_fields) - {"training"}, one)
    training = {name: Rate(value=1e12, source="given") for name in NETWORKS}
    path = tmp_path / "rates.json"
    path.write_text(Rates(training=training, **given).model_dump_json())
    return path


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=() if file in QUICK else pytest.mark.slow) for file in SHIPPED],
)
def test_every_shipped_configuration_has_a_plan(
    file: str, rates: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(rates.parent)
    words = ["plan", "--config", str(ROOT / file), "--rates", str(rates), "--targets", "table5"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    jobs = {stage["name"]: stage["jobs"] for stage in values["stages"]}
    config = configuration.load(ROOT / file)
    assert jobs["train_run"] == SHIPPED[file] * len(config.seeds)
    printed = {line.split()[0]: line.split() for line in text.splitlines() if line}
    assert printed["train_run"][1] == str(jobs["train_run"])
    shards = sum(config.datasets[name].shards for name in ("ucf101", "hmdb51"))
    assert jobs["decode_frames"] == jobs["compute_flow"] == shards
    assert printed["total"][1] == f"{sum(jobs.values()):,}"
    hours = sum(stage["core_hours"] for stage in values["stages"])
    assert printed["total"][2] == f"{hours:,.2f}"
    assert (values["total"]["gpu_hours"] > 0) == (config.resources.gpus > 0)


def test_every_shipped_configuration_with_a_table_5_is_planned() -> None:
    found = {"config.yaml", *(f"configs/{path.name}" for path in ROOT.glob("configs/*.yaml"))}
    assert found - set(SHIPPED) == {"configs/jhmdb-arid.yaml"}


def test_videos_looked_at_and_rates_of_three_digits_are_printed(
    rates: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(rates.parent)
    for name in ("home", "away"):
        write_folder(Path("data") / name, ["jump", "run"])
    table = {"title": "t", "benchmarks": ["abroad"], "rows": ["i3d.rgb"]}
    config = own_config(methods={}, tables={"t": table}, claims={})
    Path("own.yaml").write_text(configuration.dump(config))
    rates.write_text(rates.read_text().replace("1000000000000.0", "35671912345.0"))
    assert main(["plan", "--config", "own.yaml", "--rates", str(rates)]) == 0
    out = capsys.readouterr().out
    assert out.count("counted; 8 videos looked at\n") == 2
    assert " 3.57e+10  multiply-adds a second" in out


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rates.json").write_text('{"open": {"value": -1, "source": "given"}}')
    words = ["plan", "--config", str(ROOT / "config.yaml"), "--rates", str(tmp_path / "rates.json")]
    assert main(words) == 2
    assert main([*words[:3], "--cores", "0"]) == 2
    assert main([*words[:3], "--targets", "table9"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "rates.json" in lines[0]
    assert "--cores: 0" in lines[1]


def processor_seconds(work: Callable[[], object]) -> float:
    """Median processor time of three calls after a first one, that of child processes too."""

    def spent() -> float:
        usages = (getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    work()
    times = []
    for _ in range(3):
        begun = spent()
        work()
        times.append(spent() - begun)
    return sorted(times)[1]


def yardsticks(config: Config, folder: Path) -> dict[str, float]:
    """The same work as the rates are of, done plainly: by ffmpeg, OpenCV, torch and an import."""

    def ffmpeg(*words: str) -> None:
        subprocess.run([ffmpeg_binary(), "-y", "-v", "error", "-threads", "1", *words], check=True)

    def clip(frames: int) -> str:
        path = folder / f"{frames}.avi"
        source = f"testsrc2=size=320x240:rate=25,trim=end_frame={frames}"
        ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg4", "-q:v", "3", str(path))
        return str(path)

    def imported(module: str) -> float:
        command = [sys.executable, "-c", f"import {module}"]
        return processor_seconds(lambda: subprocess.run(command, check=True))

    short, long = clip(2), clip(402)
    begin = processor_seconds(lambda: ffmpeg("-i", short, "-f", "null", "-"))
    whole = processor_seconds(lambda: ffmpeg("-i", long, "-f", "null", "-"))
    height = config.frames.short_side
    assert height is not None
    width = height * 4 // 3
    stored = height * width / 1e6
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 3)
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, config.frames.quality])[1]
    grey, moved = (cv2.cvtColor(np.roll(image, x, 1), cv2.COLOR_BGR2GRAY) for x in (0, 1))
    many = range(300)
    a, b = torch.rand(2, 512, 512)
    cv2.setNumThreads(1)
    parameters = of_settings(config.flow)
    return {
        "open": begin,
        "decode": (whole - begin) / 400 / (320 * 240 / 1e6),
        "encode": processor_seconds(lambda: [cv2.imencode(".jpg", image) for _ in many])
        / len(many)
        / stored,
        "read": processor_seconds(lambda: [cv2.imdecode(data, 1) for _ in many])
        / len(many)
        / stored,
        "flow": processor_seconds(lambda: tvl1(grey, moved, backend="opencv", **parameters))
        / stored,
        "start": imported("numpy, pandas, h5py"),
        "start_training": imported("torch"),
        "training": len(many) * 512**3 / processor_seconds(lambda: [torch.mm(a, b) for _ in many]),
    }


@pytest.mark.slow
def test_this_machine_can_be_measured(tmp_path: Path) -> None:
    """Every rate is near that of the same work done plainly: no unit and no count is wrong."""
    config = configuration.load(ROOT / "config.yaml")
    jobs = needed_jobs(["table5"], config)
    facts = dataset_facts("ucf101", config, tmp_path)
    lines: list[str] = []
    found = measure(config, jobs.trainings, facts, lines.append)
    expected = yardsticks(config, tmp_path)
    times = {}
    for name, least, most in (
        ("open", 0.3, 5),
        ("decode", 0.5, 10),  # resizing included
        ("encode", 0.2, 5),
        ("read", 0.2, 5),
        ("flow", 0.01, 1),  # ours is for being faster than OpenCV's
        ("start", 0.5, 5),
        ("start_training", 0.5, 5),
    ):
        rate = getattr(found, name)
        assert rate.source.startswith("measured"), name
        times[name] = rate.value / expected[name]
        assert least < times[name] < most, times
    assert found.start.value < found.start_training.value
    assert set(found.training) == {"tsn", "tsm", "i3d", "rev2net"}
    speeds = {name: rate.value / expected["training"] for name, rate in found.training.items()}
    assert all(0.1 < speed < 10 for speed in speeds.values()), speeds
    kept = tmp_path / "kept.json"
    kept.write_text(found.model_dump_json())
    assert configuration.parse_settings(Rates, str(kept)) == found
    assert any("i3d" in line for line in lines)
