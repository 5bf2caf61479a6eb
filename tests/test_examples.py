"""docs/your-data.md and docs/your-method.md: their examples, run as they are written.

A block whose first line is a comment with a file's name is that file; bash is run, line by line, in
a folder that is like the project's.
"""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rev2net.cli import main, parse
from rev2net.config import load
from rev2net.datasets.index import IMPORTERS
from tests.own_videos import ROOT, link_project, write_folder


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of each block of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def follow(page: str, folder: Path) -> None:
    """Write the files of a page and give its commands, in its order."""
    for language, text in blocks(page):
        if language == "bash":
            for line in text.splitlines():
                if line.startswith("rev2net plan"):  # a minute of measuring
                    assert (folder / parse(line.split()[1:]).config).is_file()
                else:
                    run(line, folder)
        elif name := re.match(r"# ([\w.-]+)\n", text):
            (folder / name[1]).write_text(text, encoding="utf-8")


def run(line: str, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", line],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def cells(table: Path) -> set[tuple[str, str, str]]:
    """(method, input, benchmark) of the measured cells of a table."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["measured"]]
    return {(row["method"], row["input"], row["benchmark"]) for row in rows}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project's folder with the videos that docs/your-data.md shows."""
    write_folder(tmp_path / "videos" / "home", ["jump", "run", "sit"])
    write_folder(tmp_path / "videos" / "away", ["Jump", "Run", "Sitting"], suffix=".avi")
    return link_project(tmp_path)


def test_your_data_is_in_a_table_after_three_commands(folder: Path) -> None:
    follow("your-data.md", folder)
    assert load(folder / "mine.yaml").tables.keys() == {"transfer"}
    found = cells(folder / "results" / "transfer.csv")
    assert {benchmark for _, _, benchmark in found} == {"home-away", "away-home"}
    methods = {("tsn", "rgb"), ("i3d", "rgb"), ("rev2net", "rgb"), ("i3d", "rgb+flow")}
    assert {cell[:2] for cell in found} == methods


def test_the_list_of_your_data_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (text for language, text in blocks("your-data.md") if language == "csv")
    (folder / "videos" / "home" / "clips.csv").write_text(text)
    monkeypatch.chdir(folder)
    assert main(["new", "listed.yaml", "--dataset", "home=videos/home"]) == 0
    settings = load(Path("listed.yaml")).datasets["home"]
    listing = IMPORTERS[settings.format](settings)
    rows = list(csv.DictReader(text.splitlines()))
    found = [(video.path, video.class_name, video.sides[0]) for video in listing.videos]
    assert sorted(found) == sorted((row["path"], row["label"], row["split1"]) for row in rows)
    assert {video.group for video in listing.videos} == {"park", "hall"}


def test_the_expression_of_your_data_finds_the_recording(folder: Path) -> None:
    page = (ROOT / "docs" / "your-data.md").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"`groups: '(.*?)'`", page)
    videos = [path.as_posix() for path in (folder / "videos").rglob("*-*.*")]
    groups = {match[1] for path in videos if (match := re.search(pattern, path))}
    assert groups == {"park", "hall", "yard"}


def test_your_method_is_in_a_table_beside_ours(tmp_path: Path) -> None:
    follow("your-method.md", link_project(tmp_path))
    found = cells(tmp_path / "results" / "plain.csv")
    assert {benchmark for _, _, benchmark in found} == {"hmdb-ucf", "ucf-hmdb"}
    methods = {("i3d", "rgb"), ("plain", "rgb"), ("plain", "rgb+flow")}
    assert {cell[:2] for cell in found} == methods
