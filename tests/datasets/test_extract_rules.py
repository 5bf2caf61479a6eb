"""The rules `download_dataset` and `extract_dataset`: there where asked for, before the index."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rev2net.config import load
from rev2net.errors import UserError
from tests.datasets.archive_files import write_zip
from tests.made_data import data_folder

PROJECT = Path(__file__).parents[2]


def snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [
            *("snakemake", "--snakefile", str(PROJECT / "Snakefile")),
            *("--directory", str(directory)),
            *arguments,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
        timeout=300,
        check=False,
    )


def configuration(path: Path, **ucf101: object) -> Path:
    """The real clips' configuration with other settings of UCF101."""
    values = yaml.safe_load((PROJECT / "configs" / "realclips.yaml").read_text())
    values["datasets"]["ucf101"].update(ucf101)
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.mark.slow
def test_archives_are_unpacked_and_then_indexed(ucf_root: Path, tmp_path: Path) -> None:
    files = {
        path.relative_to(ucf_root).as_posix(): path.read_bytes() or b"video"
        for path in ucf_root.rglob("*")
        if path.is_file()
    }
    write_zip(tmp_path / "UCF101.zip", files)
    file = configuration(tmp_path / "new.yaml", root="new", official=False, archives=["UCF101.zip"])
    data = data_folder(file, "ucf101")
    target = str(data.index)
    result = snakemake(tmp_path, target, "--cores", "1", "--configfile", str(file))
    assert result.returncode == 0, result.stderr
    assert len((tmp_path / target).read_text().splitlines()) == 1 + 12
    record = json.loads((tmp_path / data.extraction).read_text())
    assert (record["present"], record["missing"]) == (12, [])

    (tmp_path / "UCF101.zip").unlink()  # no longer needed
    result = snakemake(tmp_path, target, "-n", "--cores", "1", "--configfile", str(file))
    assert "Nothing to be done" in result.stdout, result.stdout + result.stderr


def test_a_download_comes_before_the_unpacking(tmp_path: Path) -> None:
    file = configuration(tmp_path / "new.yaml", root="new", download=True)
    target = str(data_folder(file, "ucf101").index)
    result = snakemake(tmp_path, target, "-n", "--cores", "1", "--configfile", str(file))
    order = [
        result.stdout.find(f"{done} ucf101: ") for done in ("Downloading", "Unpacking", "Listing")
    ]
    assert order == sorted(order)
    assert order[0] > 0
    assert not (tmp_path / "new").exists()


def test_archives_and_download_exclude_each_other_and_the_mini_benchmark(tmp_path: Path) -> None:
    file = configuration(tmp_path / "new.yaml", download=True, archives=["UCF101.rar"])
    with pytest.raises(UserError, match=r"datasets\.ucf101: give archives, or download: true"):
        load(file)
    mini = yaml.safe_load((PROJECT / "config.yaml").read_text())
    mini["datasets"]["hmdb51"]["archives"] = ["hmdb51_org.rar"]
    file.write_text(yaml.safe_dump(mini))
    with pytest.raises(UserError, match=r"datasets\.hmdb51: archives or download, but `mini`"):
        load(file)
