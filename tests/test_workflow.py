"""The DAG: what each shipped configuration asks for, and that they keep out of each other's way."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from rev2net.config import dump
from tests.made_data import data_folder, shard_folder
from tests.work_folder import OWN, own_config

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATIONS = [
    "config.yaml",
    "configs/paper.yaml",
    "configs/realclips.yaml",
    "configs/smoke.yaml",
]


def snakemake(*arguments: str, directory: Path | None = None) -> subprocess.CompletedProcess[str]:
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


def test_the_real_cross_dataset_pair_has_a_dag(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    for name in ("jhmdb/clips.csv", "arid/clips.csv", "weights/i3d_rgb_kinetics400.pt"):
        file = tmp_path / "shared/data" / name
        file.parent.mkdir(parents=True)
        file.touch()
    chosen = ["--configfile", str(ROOT / "configs/jhmdb-arid.yaml")]
    targets = [f"results/{name}.csv" for name in ("transfer", "within")]
    result = snakemake(*targets, "-n", "--cores", "2", *chosen, directory=here)
    assert result.returncode == 0, result.stdout + result.stderr
    # 11 trainings a seed and direction and 4 inside one dataset, five seeds each.
    assert counts(result.stdout)["train_run"] == 5 * (2 * 11 + 4)


@pytest.mark.parametrize("file", CONFIGURATIONS)
def test_every_configuration_of_the_papers_tables_has_a_dag(file: str, tmp_path: Path) -> None:
    chosen = [] if file == "config.yaml" else ["--configfile", str(ROOT / file)]
    # As the README has it: the target first, since --configfile takes all words that follow.
    result = snakemake("results/table5.csv", "-n", "--cores", "2", *chosen, directory=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counts(result.stdout)
    expected = {
        # 7 rows' streams x 2 directions; paper: 3 seeds, and each row without adaptation too
        "train_run": 84 if "paper" in file else 14,
        "fuse_streams": 72 if "paper" in file else 12,
        "split_benchmark": 2,
        "merge_shards": 4,  # 2 datasets, 2 kinds
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


@pytest.mark.parametrize("file", [[], ["--configfile", str(ROOT / "configs/smoke.yaml")]])
def test_keys_on_the_command_line_count_before_those_of_the_file(
    file: list[str], tmp_path: Path
) -> None:
    words = ["results/table5.csv", "-n", "--cores", "2", *file, "--config"]
    result = snakemake(*words, "seeds=[0,1]", "compute={threads: 2}", directory=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert counts(result.stdout)["train_run"] == 28  # 14 a seed
    assert counts(result.stdout)["compute_flow"] == 4  # as many as of one
    result = snakemake(*words, "sedes=[0,1]", directory=tmp_path)
    assert result.returncode == 1
    assert "unknown key 'sedes', did you mean 'seeds'?" in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize("profile", ["profiles/default", "workflow/profiles/slurm"])
def test_a_broken_file_is_one_line_that_names_its_line(profile: str, tmp_path: Path) -> None:
    """Whether it is JSON, YAML or neither, the message is Python's own for the place."""
    (tmp_path / "open.yaml").write_text("name: mine\nseeds: [0\nsplits: [1]\n")
    (tmp_path / "list.yaml").write_text("- mini\n")
    (tmp_path / "table.csv").write_text('a,b\n"1,2\n')
    chosen = ["-n", "--workflow-profile", str(ROOT / profile), "--configfile"]
    for file, words in (
        ("open.yaml", "open.yaml: not YAML (line 3)"),
        ("list.yaml", "list.yaml: keys with values expected, as in config.yaml"),
        ("absent.yaml", "absent.yaml: No such file or directory"),
    ):
        result = snakemake(*chosen, str(tmp_path / file), directory=tmp_path)
        assert result.returncode == 1
        assert [line for line in result.stderr.splitlines() if words in line], result.stderr
        assert "Traceback" not in result.stdout + result.stderr
    # What the target is taken for where it stands last.
    good = str(ROOT / "configs/smoke.yaml")
    for target in ("results/table5.csv", str(tmp_path / "table.csv")):
        result = snakemake(*chosen, good, target, directory=tmp_path)
        assert result.returncode == 1
        assert f"{target}: " in result.stderr
        assert "a target stands before --configfile" in result.stderr


def test_a_default_configuration_that_is_broken_names_its_line(tmp_path: Path) -> None:
    for name in ("Snakefile", "workflow", "profiles"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = (ROOT / "config.yaml").read_text().replace("name: mini\n", "name: {mini\n")
    (tmp_path / "config.yaml").write_text(text)
    result = subprocess.run(
        [Path(sys.executable).parent / "snakemake", "-n", "--snakefile", tmp_path / "Snakefile"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert result.returncode == 1
    assert re.search(r"config\.yaml: not YAML \(line \d+\)", result.stdout + result.stderr)


@pytest.mark.parametrize("target", ["results/table6.csv", "results/mini/tabel5.md"])
def test_a_table_that_is_not_there_is_answered_with_those_that_are(
    target: str, tmp_path: Path
) -> None:
    result = snakemake("-n", target, directory=tmp_path)
    assert result.returncode == 1
    for name in ("table1", "table5", "claims.csv", "report.html"):
        assert name in result.stdout + result.stderr


def test_results_beside_the_tables_are_no_tables(tmp_path: Path) -> None:
    result = snakemake("-n", "results/claims.csv", "results/search.csv", directory=tmp_path)
    assert result.returncode == 0
    assert "unknown table" not in result.stdout + result.stderr


def test_tables_of_ones_own_are_what_is_made_where_nothing_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(dump(own_config()))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/i3d.pt").touch()
    chosen = ["-n", "--cores", "2", "--configfile", str(tmp_path / "own.yaml")]
    result = snakemake(*chosen, directory=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = counts(result.stdout)
    # Rows' streams x 2 benchmarks or 1, each with 2 seeds; the fused row x 2 seeds x 2 benchmarks
    # x 2 parts.
    assert (jobs["train_run"], jobs["fuse_streams"], jobs["build_table"]) == (18, 8, 2)
    report = snakemake("results/report.html", *chosen, directory=tmp_path)
    assert report.returncode == 0, report.stdout + report.stderr
    assert counts(report.stdout)["write_report"] == 1


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {
                "claims": {
                    "a": {**OWN["claims"]["mine-is-better"], "pairs": [["tsn.rgb", "i3d.rgb"]]}
                }
            },
            "claims.a.pairs: tsn.rgb is no row of transfer; its rows are i3d.rgb.scratch.mkmmd, ",
        ),
        ({"tables": {}, "claims": {}}, "configuration 'own' has no table: its `tables` is empty"),
    ],
)
def test_what_cannot_be_made_is_told_before_the_first_job(
    changes: dict[str, Any], line: str, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(dump(own_config(**changes)))
    result = snakemake("-n", "--configfile", str(tmp_path / "own.yaml"), directory=tmp_path)
    assert result.returncode == 1
    assert line in result.stdout + result.stderr


SMOKE = ["results/table5.csv", "results/table1.csv", "--cores", "2"]
SMOKE += ["--configfile", str(ROOT / "configs/smoke.yaml")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke benchmark ran from nothing to its tables."""
    folder = tmp_path_factory.mktemp("undisturbed")
    result = snakemake(*SMOKE, directory=folder)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    (folder / "terminal.txt").write_text(result.stderr)
    return folder


def test_one_command_makes_both_tables_from_nothing(undisturbed: Path) -> None:
    table = (undisturbed / "results/table5.csv").read_text()
    assert table == (undisturbed / "results/smoke/table5.csv").read_text()
    top1 = [line for line in table.splitlines() if ",top1," in line]
    assert len(top1) == 14  # 7 rows, 2 directions
    assert all(",smoke," in line for line in top1)


def test_a_run_shows_two_short_lines_a_job(undisturbed: Path) -> None:
    lines = (undisturbed / "terminal.txt").read_text().splitlines()
    jobs = counts("\n".join(lines))["total"]
    assert len(lines) < 2 * jobs + 30
    assert max(map(len, lines)) < 160


def test_after_the_run_there_is_nothing_to_do(undisturbed: Path) -> None:
    assert "Nothing to be done" in snakemake(*SMOKE, "-n", directory=undisturbed).stdout


def test_lost_scores_are_made_again_without_training(undisturbed: Path) -> None:
    (lost,) = undisturbed.glob("work/smoke/runs/hmdb-ucf/i3d/rgb.*/split1.seed0/scores-test.h5")
    before, table = lost.read_bytes(), (undisturbed / "results/table5.csv").read_text()
    lost.unlink()
    target = str(lost.relative_to(undisturbed))
    repaired = snakemake(target, *SMOKE, directory=undisturbed)
    assert repaired.returncode == 0, repaired.stdout[-3000:] + repaired.stderr[-3000:]
    jobs = counts(repaired.stderr)
    assert jobs["evaluate_run"] == 1
    assert "train_run" not in jobs
    assert lost.read_bytes() == before
    assert (undisturbed / "results/table5.csv").read_text() == table


def children(parent: psutil.Process) -> list[psutil.Process]:
    """The running `rev2net` commands below a process."""
    found = []
    for process in parent.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(word.endswith("bin/rev2net") for word in process.cmdline()):
                found.append(process)
    return found


@pytest.mark.slow  # tests/faults does the same to one run
def test_killed_jobs_and_an_interrupt_end_in_the_same_tables(
    undisturbed: Path, tmp_path: Path
) -> None:
    """SIGKILL and SIGTERM to jobs at random, SIGINT to Snakemake; the same command again."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    rng = random.Random(0)
    killed: list[str] = []
    interrupted = False
    for attempt in range(40):
        process = subprocess.Popen(
            [*command, *SMOKE],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )
        snake = psutil.Process(process.pid)
        deadline = time.monotonic() + rng.uniform(4, 14)
        while attempt < 8 and process.poll() is None:
            time.sleep(0.1)
            if time.monotonic() < deadline:
                continue
            jobs = children(snake)
            if attempt == 4:
                os.killpg(process.pid, signal.SIGINT)
                interrupted = True
                break
            if jobs:
                victim = rng.choice(jobs)
                with contextlib.suppress(psutil.Error):
                    stage = victim.cmdline()[2]
                    victim.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
                    killed.append(stage)
                break
        if process.wait(timeout=300) == 0:
            break
    assert process.returncode == 0
    assert len(killed) >= 4, killed
    assert interrupted
    for table in ("table1.csv", "table5.csv"):
        ours = (tmp_path / "results" / table).read_text()
        assert ours == (undisturbed / "results" / table).read_text(), killed


def test_lengths_are_measured_once_and_trained_where_the_configuration_says_so(
    undisturbed: Path,
) -> None:
    """Two streams; the tables do not wait for them, and what is found is not measured again."""
    measured = snakemake("results/schedules.csv", *SMOKE[2:], directory=undisturbed)
    assert measured.returncode == 0, measured.stdout[-3000:] + measured.stderr[-3000:]
    rows = (undisturbed / "results/schedules.csv").read_text().splitlines()
    assert [row.split(",")[:5] for row in rows[1:]] == [
        ["hmdb-ucf", "tsn", input_, epoch, step]
        for input_ in ("rgb", "flow")
        for epoch, step in (("0.8", "2"), ("1.6", "4"))
    ]
    assert (undisturbed / "results/smoke/schedules.yaml").exists()
    assert "Nothing to be done" in snakemake(*SMOKE, "-n", directory=undisturbed).stdout

    (undisturbed / "found.yaml").write_text("tsn.flow.hmdb-ucf: {optimisation: {steps: 2}}\n")
    text = (ROOT / "configs/smoke.yaml").read_text()
    (undisturbed / "shorter.yaml").write_text(f"{text}recipes_from: {undisturbed}/found.yaml\n")
    chosen = ["--cores", "2", "--configfile", str(undisturbed / "shorter.yaml")]
    targets = ["results/schedules.csv", "results/table5.csv"]
    planned = snakemake("-n", *targets, *chosen, directory=undisturbed)
    jobs = counts(planned.stdout)
    assert "train_schedule" not in jobs
    assert jobs["train_run"] == 1


def test_a_search_is_made_again_where_what_it_depends_on_changes_and_nowhere_else(
    undisturbed: Path,
) -> None:
    """Taking in what it found, above all, trains nothing."""
    target = ["results/search.csv"]
    searched = snakemake(*target, *SMOKE[2:], directory=undisturbed)
    assert searched.returncode == 0, searched.stdout[-3000:] + searched.stderr[-3000:]
    smoke = (ROOT / "configs/smoke.yaml").read_text()
    (undisturbed / "found.yaml").write_text((undisturbed / "results/smoke/search.yaml").read_text())

    def planned(text: str) -> dict[str, int]:
        (undisturbed / "edited.yaml").write_text(text)
        chosen = ["--cores", "2", "--configfile", str(undisturbed / "edited.yaml")]
        return counts(snakemake("-n", *target, *chosen, directory=undisturbed).stdout)

    idle = smoke.replace("loader_workers: 0", "loader_workers: 1").replace(
        "checkpoint_every: 2", "checkpoint_every: 3"
    )
    idle = idle.replace("time_limit: 60", "time_limit: 90") + "log_every: 7\n"
    for text in (idle, f"{smoke}recipes_from: {undisturbed}/found.yaml\n"):
        assert planned(text).keys() == {
            "resolve_config",
            "collect_search",
            "publish_result",
            "total",
        }
    assert planned(smoke.replace("fine: [0.5, 2.0]", "fine: [0.5, 3.0]"))["train_search_point"] == 1
    faster = planned(smoke.replace("learning_rate: 0.01", "learning_rate: 0.02"))
    assert faster["train_search_point"] == 4


def test_other_videos_have_a_folder_of_their_own(undisturbed: Path) -> None:
    """Another generator seed gives other pixels under the same names: what was made stays."""
    text = (ROOT / "configs/smoke.yaml").read_text()
    file = undisturbed / "reseeded.yaml"
    file.write_text(text.replace("  seed: 0\n", "  seed: 7\n"))
    before, after = data_folder(ROOT / "configs/smoke.yaml", "ucf101"), data_folder(file, "ucf101")
    chosen = ["--cores", "2", "--configfile", str(file)]
    made = snakemake(str(after.index), *chosen, directory=undisturbed)
    assert made.returncode == 0, made.stderr[-3000:]
    index = (undisturbed / before.index).read_text()
    assert index == (undisturbed / after.index).read_text()
    assert "Nothing to be done" in snakemake(*SMOKE, "-n", directory=undisturbed).stdout
    for kind, rule in (("rgb", "decode_frames"), ("flow", "compute_flow")):
        shard = str(shard_folder(file, "ucf101", kind).shard(0))
        planned = snakemake(shard, "-n", *chosen, directory=undisturbed)
        assert counts(planned.stdout) == {rule: 1, "total": 1}
