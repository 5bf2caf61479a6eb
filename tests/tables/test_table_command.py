"""`rev2net table` writes CSV, Markdown and LaTeX side by side, whole or not at all."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rev2net.cli import main
from rev2net.config import Config, dump
from rev2net.runs.identity import Run
from rev2net.tables.build import COLUMNS


@pytest.fixture
def arguments(work: Any, config: Config, i3d_rgb: Run, tmp_path: Path) -> list[str]:
    for seed in (0, 1):
        work.add(replace(i3d_rgb, seed=seed), [0, 1, 1, 2], [1, 1, 1, 2])
    out = str(tmp_path / "results" / "mini" / "table5.csv")
    return ["table", "table5", "--settings", dump(config), "--root", str(work.root), "--out", out]


def test_three_files_and_the_markdown_on_the_terminal(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    out = Path(arguments[-1])
    assert sorted(path.name for path in out.parent.glob("[!.]*")) == [
        "table5.csv",
        "table5.md",
        "table5.tex",
    ]
    assert capsys.readouterr().out == out.with_suffix(".md").read_text(encoding="utf-8")
    assert r"\begin{tabular}" in out.with_suffix(".tex").read_text(encoding="utf-8")
    frame = pd.read_csv(out)
    assert list(frame) == COLUMNS
    row = frame[(frame["method"] == "i3d") & (frame["metric"] == "top1")].iloc[0]
    assert (row["measured"], row["videos_evaluated"]) == (75.0, 4)


def test_the_same_scores_give_the_same_bytes(arguments: list[str]) -> None:
    out = Path(arguments[-1])
    written = []
    for _ in range(2):
        assert main(arguments) == 0
        written.append([out.with_suffix(end).read_bytes() for end in (".csv", ".md", ".tex")])
    assert written[0] == written[1]


def test_a_broken_scores_file_leaves_the_table_as_it_was(
    arguments: list[str], work: Any, i3d_rgb: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    before = Path(arguments[-1]).read_bytes()
    work.path(i3d_rgb).write_bytes(b"")
    capsys.readouterr()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"rev2net table: {work.path(i3d_rgb)}: not a scores file")
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert Path(arguments[-1]).read_bytes() == before


def test_out_must_be_a_csv(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments[:-1], "table5.md"]) == 2
    assert "--out table5.md: a name that ends in .csv expected" in capsys.readouterr().err


def test_tables_need_no_torch(arguments: list[str]) -> None:
    script = (
        "import sys; from rev2net.cli import main; "
        "sys.exit(main(sys.argv[1:]) or 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, *arguments]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "| I3D" in finished.stdout


def test_a_folder_that_is_not_there_leaves_the_table_as_it_was(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    before = Path(arguments[-1]).read_bytes()
    root = arguments.index("--root") + 1
    assert main([*arguments[:root], "work/mimi", *arguments[root + 1 :]]) == 2
    assert "--root work/mimi: no such folder" in capsys.readouterr().err
    assert Path(arguments[-1]).read_bytes() == before
