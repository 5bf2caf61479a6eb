"""`rev2net plan` on every shipped configuration, and a short measurement of this machine."""

import json
from pathlib import Path

import pytest

from rev2net import config as configuration
from rev2net.cli import main
from rev2net.plan.facts import dataset_facts
from rev2net.plan.jobs import needed_jobs
from rev2net.plan.rates import Rate, Rates, measure

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ["config.yaml", *sorted(f"configs/{p.name}" for p in ROOT.glob("configs/*.yaml"))]
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
    assert "train_run" in text
    assert main([*words, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    jobs = {stage["name"]: stage["jobs"] for stage in values["stages"]}
    config = configuration.load(ROOT / file)
    assert jobs["train_run"] == len(needed_jobs(["table5"], config).trainings)
    shards = sum(config.datasets[name].shards for name in ("ucf101", "hmdb51"))
    assert jobs["decode_frames"] == jobs["compute_flow"] == shards
    hours = sum(stage["core_hours"] for stage in values["stages"])
    assert values["total"]["core_hours"] == pytest.approx(hours)
    assert (values["total"]["gpu_hours"] > 0) == (config.resources.gpus > 0)


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


@pytest.mark.slow
def test_this_machine_can_be_measured(tmp_path: Path) -> None:
    """Every rate is measured, and is what such a machine can be: within wide bounds."""
    config = configuration.load(ROOT / "config.yaml")
    jobs = needed_jobs(["table5"], config)
    facts = dataset_facts("ucf101", config, tmp_path)
    lines: list[str] = []
    found = measure(config, jobs.trainings, facts, lines.append)
    assert set(found.training) == {"tsn", "tsm", "i3d", "rev2net"}
    assert all(1e8 < rate.value < 1e13 for rate in found.training.values())
    for name, fewest, most in (
        ("open", 0.001, 1),
        ("decode", 0.0005, 0.5),
        ("encode", 0.001, 0.5),
        ("read", 0.001, 0.5),
        ("flow", 0.05, 60),
        ("start", 0.05, 20),
        ("start_training", 0.2, 60),
    ):
        rate = getattr(found, name)
        assert rate.source.startswith("measured"), name
        assert fewest < rate.value < most, name
    kept = tmp_path / "kept.json"
    kept.write_text(found.model_dump_json())
    assert configuration.parse_settings(Rates, str(kept)) == found
    assert any("i3d" in line for line in lines)
