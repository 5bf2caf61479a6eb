"""What a run of Snakemake shows: few short lines a job, what is wrong and where it is written."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rev2net.workflow_progress import JobLines, show

SNAKEFILE = """
from snakemake.logging import logger
from rev2net import workflow_progress

rule both:
    default_target: True
    input: "long.txt", "wrong.txt"

rule right:
    output: "long.txt"
    log: "right.log"
    params: settings="x" * 3000
    message: "Making what is long: {output}"
    shell: "echo {params.settings} > {output} 2> {log}"

rule wrong:
    output: "wrong.txt"
    log: "wrong.log"
    params: settings="y" * 3000, ending="ENDING"
    message: "Failing"
    shell: "( echo step 1; {params.ending}; true {params.settings} ) > {log} 2>&1"

workflow_progress.show(logger, workflow.output_settings)
"""
ERROR = "echo 'rev2net train: no such file; allowed is another'; echo bye; exit 2"


def seen(folder: Path, ending: str, *options: str) -> list[str]:
    """The lines that Snakemake shows of a run with a job that fails."""
    (folder / "Snakefile").write_text(SNAKEFILE.replace("ENDING", ending))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "snakemake",
            "--cores",
            "1",
            "--keep-going",
            "--quiet",
            "host",
            *options,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    return done.stderr.splitlines()


def test_a_job_is_two_short_lines_and_a_failure_names_its_reason_and_log(tmp_path: Path) -> None:
    lines = seen(tmp_path, ERROR)
    assert max(map(len, lines)) < 300  # settings and a command of 3,000 letters are not there
    ours = [line for line in lines if "Making" in line]
    assert re.fullmatch(r"\d\d:\d\d:\d\d begins: Making what is long: long.txt", ours[0])
    assert re.fullmatch(r"\d\d:\d\d:\d\d 1 of 3: Making what is long: \d+ s", ours[1])
    place = lines.index("FAILED: Failing")
    assert lines[place + 1 : place + 3] == [
        "  rev2net train: no such file; allowed is another",
        "  log: wrong.log",
    ]
    assert not any("status" in line for line in lines)
    (log,) = (tmp_path / ".snakemake/log").glob("*.log")
    assert "y" * 3000 in log.read_text()  # the file has everything


def test_a_job_that_was_killed_is_said_to_be(tmp_path: Path) -> None:
    lines = seen(tmp_path, "kill -9 $BASHPID")
    assert "a job's command returned non-zero exit status 137." in lines
    assert lines[lines.index("FAILED: Failing") + 1] == "  step 1"


def test_whoever_asks_for_commands_gets_snakemakes_own_words(tmp_path: Path) -> None:
    lines = seen(tmp_path, ERROR, "--printshellcmds")
    assert "Error in rule wrong:" in lines
    assert not any(line.startswith("FAILED") for line in lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Run:
    """Snakemake's records of a run with two trainings, one after the other, and a quick job."""

    def __init__(self, folder: Path, stream: io.StringIO) -> None:
        self.folder, self.stream = folder, stream
        handler = logging.StreamHandler(stream)
        self.lines = JobLines(handler, quick=["table"])
        self.say("run_info", stats={"train": 2, "score": 2, "table": 1, "total": 5})

    def say(self, event: str, **said: Any) -> str:
        """Hand over a record; what is written for it."""
        before = len(self.stream.getvalue())
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, "said", (), None)
        vars(record).update(event=event, **said)
        self.lines.handle(record)
        return self.stream.getvalue()[before:]

    def begin(self, number: int, rule: str, message: str, *output: str) -> str:
        return self.say(
            "job_info", jobid=number, rule_name=rule, rule_msg=message, log=[], output=output
        )

    def pass_seconds(self, number: int, seconds: float) -> None:
        self.lines.running[number].began -= seconds


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("TERM", "xterm")
    made = Run(tmp_path, Terminal())
    yield made
    made.lines.close()


def test_a_terminal_shows_what_runs_its_loss_and_the_time_left(run: Run) -> None:
    metrics = run.folder / "metrics.jsonl"
    run.begin(1, "train", "Training a", str(metrics))
    values = {"step": 20, "steps": 100, "loss": 0.5, "seconds": 1.5, "top1": 0.0}
    metrics.with_name("last.jsonl").write_text(json.dumps(values) + "\n")
    run.pass_seconds(1, 40)
    run.lines.running[1].training.read()  # type: ignore[union-attr]
    shown = run.say("progress")
    # 80 steps of 1.5 s, and the other training as long as this one; scoring is not known yet.
    assert "0 of 5 jobs done, at least 5 min left\n" in shown
    assert "40 s  step 20/100, loss 0.5  Training a\n" in shown
    assert "Training a: 40 s, loss 0.5\n" in run.say("job_finished", job_id=1)


def test_a_job_that_is_known_says_how_long_those_like_it_take(run: Run) -> None:
    for number, rule, seconds in ((1, "train", 100), (2, "score", 20)):
        run.begin(number, rule, f"{rule} it")
        run.pass_seconds(number, seconds)
        run.say("job_finished", job_id=number)
    assert "2 of 5 jobs done, about 2 min left\n" in run.begin(3, "train", "train another")


def test_lines_below_are_taken_away_before_one_is_written(run: Run) -> None:
    run.begin(1, "train", "Training a")
    shown = run.begin(2, "train", "Training b")
    assert shown.startswith("\x1b[2A\x1b[J")  # the count and one job
    assert run.say("job_finished", job_id=2).startswith("\x1b[3A\x1b[J")


def test_without_a_terminal_nothing_is_taken_back(tmp_path: Path) -> None:
    run = Run(tmp_path, io.StringIO())
    run.begin(1, "train", "Training a: its files")
    run.pass_seconds(1, 100)
    said = run.say("job_finished", job_id=1)
    assert re.fullmatch(r"[\d:]{8} 1 of 5: Training a: 2 min, at least 2 min left\n", said)
    run.lines.close()
    assert "\x1b" not in run.stream.getvalue()


@pytest.mark.parametrize("other", [{"dryrun": True}, {"verbose": True}, {"quiet": {"rules"}}])
def test_what_the_command_asks_for_is_kept(other: dict[str, Any]) -> None:
    logger = logging.getLogger("a run")
    handler = logging.StreamHandler(io.StringIO())
    handler.name = "DefaultStreamHandler"
    logger.handlers = [handler]
    usual = {"dryrun": False, "verbose": False, "printshellcmds": False, "quiet": None}
    show(logger, SimpleNamespace(**usual | other))
    assert logger.handlers == [handler]
    show(logger, SimpleNamespace(**usual))
    (ours,) = logger.handlers
    assert isinstance(ours, JobLines)
    ours.close()
