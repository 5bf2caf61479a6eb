"""The DAG: what each shipped configuration asks for, and that they keep out of each other's way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATIONS = ["config.yaml", *sorted(f"configs/{p.name}" for p in ROOT.glob("configs/*.yaml"))]


def snakemake(
    *arguments: str, directory: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on this workflow, elsewhere if told; never fails by itself."""
    where = ["--directory", str(directory)] if directory else []
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["snakemake", "--snakefile", str(ROOT / "Snakefile"), *where, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        timeout=540,
    )


def counts(output: str) -> dict[str, int]:
    """Jobs by rule, from the last table of a dry run."""
    table = output.rsplit("Job stats:", 1)[1].split("\n\n")[0]
    rows = [line.split() for line in table.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


@pytest.mark.parametrize("file", CONFIGURATIONS)
def test_every_shipped_configuration_has_a_dag(file: str, tmp_path: Path) -> None:
    chosen = [] if file == "config.yaml" else ["--configfile", str(ROOT / file)]
    result = snakemake("results/table5.csv", "-n", "--cores", "2", *chosen, directory=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counts(result.stdout)
    expected = {
        # 7 rows' streams x 2 directions; paper: 3 seeds, and each row without adaptation too
        "train_run": 84 if "paper" in file else 14,
        "fuse_streams": 72 if "paper" in file else 12,
        "split_benchmark": 2,
        "merge_shards": 2,
        "build_table": 1,
    }
    for rule, number in expected.items():
        assert jobs[rule] == number, rule
    assert ("generate_mini" in jobs) == (file in ("config.yaml", "configs/smoke.yaml"))


def test_nothing_of_one_configuration_leaks_into_another(tmp_path: Path) -> None:
    """The paper's dry run names no path of the mini benchmark, and the other way round."""
    paper = snakemake(
        *("results/table5.csv", "-n", "--cores", "2"),
        *("--configfile", str(ROOT / "configs/paper.yaml")),
        directory=tmp_path,
    )
    assert "work/paper/" in paper.stdout
    assert "work/mini/" not in paper.stdout
    mini = snakemake("results/table5.csv", "-n", "--cores", "2", directory=tmp_path)
    assert "work/mini/" in mini.stdout
    assert "work/paper/" not in mini.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == []


def test_a_mistyped_key_is_one_line_with_a_hint(tmp_path: Path) -> None:
    text = (ROOT / "config.yaml").read_text().replace("seeds: [0]", "seds: [0]")
    (tmp_path / "wrong.yaml").write_text(text)
    result = snakemake("-n", "--configfile", str(tmp_path / "wrong.yaml"), directory=tmp_path)
    assert result.returncode != 0
    assert "unknown key 'seds', did you mean 'seeds'?" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


def test_the_smoke_benchmark_runs_from_nothing_to_the_table_and_no_further(
    tmp_path: Path,
) -> None:
    """Whole pipeline; then nothing to do; then a lost output is remade to the same table."""
    command = ["results/table5.csv", "results/table1.csv", "--cores", "2"]
    command += ["--configfile", str(ROOT / "configs/smoke.yaml")]
    result = snakemake(*command, directory=tmp_path)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    table = (tmp_path / "results/table5.csv").read_text()
    assert table == (tmp_path / "results/smoke/table5.csv").read_text()
    top1 = [line for line in table.splitlines() if ",top1," in line]
    assert len(top1) == 14  # 7 rows, 2 directions
    assert all(",smoke," in line for line in top1)

    again = snakemake(*command, "-n", directory=tmp_path)
    assert "Nothing to be done" in again.stdout

    # A run whose scores are lost is evaluated again, to the same scores; nothing is retrained.
    (lost,) = tmp_path.glob("work/smoke/runs/hmdb-ucf/i3d/rgb.*/split1.seed0/scores-test.h5")
    before = lost.read_bytes()
    lost.unlink()
    repaired = snakemake(*command, directory=tmp_path)
    assert repaired.returncode == 0, repaired.stdout[-3000:] + repaired.stderr[-3000:]
    assert "train_run" not in counts(repaired.stdout)
    assert lost.read_bytes() == before
    assert (tmp_path / "results/table5.csv").read_text() == table
