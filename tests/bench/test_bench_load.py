"""`rev2net bench load`: reading clips beside bare decoding of their images."""

from pathlib import Path

import pytest

from rev2net.bench.load import Result, table
from rev2net.cli import main
from tests.small_dataset import SmallData


def test_the_ratio_is_that_of_throughputs() -> None:
    result = Result("I3D, 64 frames", "rgb", 64, decoding=0.018, loading=0.020, device=0.1)
    assert result.ratio == pytest.approx(0.9)
    row = table([result]).splitlines()[1]
    assert row.split() == ["I3D,", "64", "frames", "rgb", "64", "18.00", "20.00", "0.900", "100.00"]


def test_both_samples_of_both_kinds_are_measured(
    small_data: SmallData, capsys: pytest.CaptureFixture[str]
) -> None:
    indexes = [str(small_data.indexes["ucf101", kind]) for kind in ("rgb", "flow")]
    options = ["--shards", *indexes, "--samples", "2", "--size", "32"]
    assert main(["bench", "load", *options]) == 0
    head, *rows, _ = capsys.readouterr().out.splitlines()[2:]
    assert "loader/imdecode" in head
    measured = {tuple(row.rsplit(maxsplit=6)[:3]): row.split()[-4:] for row in rows}
    assert list(measured) == [
        ("TSN, 3 segments", "rgb", "3"),
        ("I3D, 64 frames", "rgb", "64"),
        ("TSN, 3 segments", "flow", "15"),
        ("I3D, 64 frames", "flow", "64"),
    ]
    for decoding, loading, _, device in measured.values():
        assert 0 < float(decoding) < float(loading)
        assert float(device) > 0


def test_an_index_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "load", "--shards", str(tmp_path / "rgb.index")]) == 2
    assert "rgb.index: no such file" in capsys.readouterr().err
    assert main(["bench", "load", "--samples", "0"]) == 2
    assert "--samples: 0; allowed is a whole number from 1" in capsys.readouterr().err
