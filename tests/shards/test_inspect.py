import argparse
from pathlib import Path

import h5py
import numpy as np
import pytest
from shard_files import Dataset

from rev2net.cli import main
from rev2net.commands import inspect
from rev2net.errors import UserError


def printed(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[list[str]]:
    """The words of each line that `rev2net inspect` prints."""
    parser = argparse.ArgumentParser()
    inspect.add_arguments(parser)
    capsys.readouterr()
    inspect.run(parser.parse_args([str(path), *options]))
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_a_shard_shows_its_attributes_and_videos(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("rgb", "flow"):
        assert main(bad_dataset.arguments(kind)) == 0
    lines = printed(bad_dataset.folder / "flow" / "0.h5", capsys)
    assert ["bound", "8.0"] in lines
    assert ["id", "first_image", "fps", "height", "num_frames", "num_images", "width"] in lines
    assert ["first", "0", "25.0", "32", "12", "11", "43"] in lines
    lines = printed(bad_dataset.folder / "flow" / "0.h5", capsys, "--rows", "1")
    assert ["…", "and", "2", "more"] in lines

    assert main(bad_dataset.merge_arguments(partial=True)) == 0
    lines = printed(bad_dataset.folder / "rgb.index", capsys)
    assert next(line for line in lines if line[:1] == ["last"])[-2:] == ["0", "42"]


def test_a_ledger_is_counted_and_its_bad_rows_are_listed(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(bad_dataset.arguments("rgb")) == 0
    lines = printed(bad_dataset.folder / "rgb" / "0.csv", capsys)
    assert ["rgb", "ok", "3"] in lines
    assert ["rgb", "broken", "2"] in lines
    named = {line[0] for line in lines if line}
    assert {"missing", "zero-byte", "text", "truncated"} <= named
    assert not {"first", "last"} & named


def test_a_video_shows_what_it_announces_and_what_it_holds(
    bad_dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(bad_dataset.root / "truncated.avi", capsys)
    for line in (["width", "x", "height", "64", "x", "48"], ["frames", "announced", "40"]):
        assert line in lines
    assert next(line for line in lines if line[:1] == ["status"])[1] == "short:"
    with pytest.raises(UserError, match=r"text\.avi: ffmpeg: Invalid data"):
        printed(bad_dataset.root / "text.avi", capsys)


def test_scores_and_other_tables_show_their_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with h5py.File(tmp_path / "scores-test.h5", "w") as file:
        file["scores"] = np.zeros((3, 5), np.float32)
        file.attrs["benchmark"] = "ucf-hmdb"
    lines = printed(tmp_path / "scores-test.h5", capsys)
    assert ["/scores", "(3,", "5)", "float32"] in lines
    assert ["benchmark", "ucf-hmdb"] in lines
    (tmp_path / "split1.csv").write_text("video_id,part\na,train\nb,test\n")
    assert printed(tmp_path / "split1.csv", capsys, "--rows", "1")[2:4] == [
        ["a", "train"],
        ["…", "and", "1", "more"],
    ]


def test_an_absent_file_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=r"x\.h5: No such file"):
        printed(tmp_path / "x.h5", capsys)
