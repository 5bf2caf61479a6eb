"""`rev2net bench gpu` runs to its end, here on the CPU and small, whatever fails on the way."""

import argparse
from pathlib import Path

import pytest
import torch

from rev2net.bench import gpu, train_gpu
from rev2net.bench.flow_gpu import FlowSpeed, Parity, speed_table
from rev2net.cli import main

TINY = ["bench", "gpu", "--tiny", "--no-compile", "--batches", "2"]
pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU, run the command")


def test_the_page_has_every_network_flow_and_decoders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "gpu.md"
    assert main([*TINY, "--out", str(page)]) == 0
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    networks = [row for row in rows if row.split()[1] in train_gpu.NETWORKS]
    assert len(networks) == 4 * len(train_gpu.NETWORKS)  # two layouts, deterministic and not
    assert sum("**" in row for row in networks) == len(train_gpu.NETWORKS)
    assert "over 8 pairs of 64x48: median end-point error 0.0" in text
    trunks = [row.split()[1] for row in rows if row not in networks]
    assert set(map(str, gpu.TRUNKS)) <= set(trunks)
    assert "Failed" not in text
    assert "No time" not in text
    assert page.read_text().splitlines()[:-1] == text.splitlines()[:-1]  # the last: minutes


def test_what_fails_leaves_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no such kernel\nand more")

    monkeypatch.setattr(gpu, "measure_parity", fail)
    assert main([*TINY, "--networks", "tsn"]) == 0
    text = capsys.readouterr().out
    assert "Failed: flow, parity: RuntimeError: no such kernel\n" in text
    assert "| tsn | 2 | channels last |" in text


def test_what_would_not_end_in_time_is_left_out_and_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*TINY, "--minutes", "0.5", "--networks", "tsn", "i3d"]) == 0
    text = capsys.readouterr().out
    assert "| tsn | 2 | channels last | no | no |" in text
    assert "No time was left for: flow, parity; " in text  # a minute, as far as is known


def test_a_machine_without_a_gpu_is_told_what_it_can_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "gpu"]) == 2
    assert "no GPU; allowed without one is --tiny" in capsys.readouterr().err
    for words in (["--minutes", "0"], ["--batches", "0"]):
        assert main(["bench", "gpu", *words]) == 2
        assert f"{words[0]}: 0" in capsys.readouterr().err


def test_the_most_telling_rows_come_first() -> None:
    rows = train_gpu.setups(["tsn", "i3d"], [16, 8], compiled=True)
    assert len(set(rows)) == len(rows) == 2 * 2 * 2 * 2 * 2
    told = [str(row) for row in rows[:5]]
    assert told[:4] == [
        "tsn, 16 clips",
        "i3d, 16 clips",
        "tsn, 16 clips, compiled",
        "i3d, 16 clips, compiled",
    ]
    assert rows[len(rows) // 2].batch == 8


def test_a_gpu_is_asked_for_every_cut_of_the_flow() -> None:
    args = argparse.Namespace(tiny=False, networks=["tsn"], batches=[16], no_compile=False)
    device = torch.device("cuda")
    names = [what for _, what, _ in gpu.works(args, [], device, gpu.Findings(device))]
    assert names[:2] == ["flow, parity", "flow, 2048 pixels a step, 32 warps"]
    assert names.index("tsn, 16 clips, compiled") < names.index(
        "flow, 1024 pixels a step, 32 warps"
    )
    assert sum(name.startswith("flow") for name in names) == 7


def test_verdicts_are_those_of_the_bars() -> None:
    speeds = [FlowSpeed(2048, 32, 528, rate, 2 * rate) for rate in (900.0, 1100.0, 3100.0)]
    verdicts = [line.split(" | ")[-1].strip(" |") for line in speed_table(speeds).splitlines()[2:]]
    assert verdicts == ["below the bar of 1000", "bar met", "goal met"]
    assert "8 equal in every float, 1 beyond" in str(Parity((340, 256), 9, 8, 1, 0.0))
