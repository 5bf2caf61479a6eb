"""A training in a submitted job stops before its time is over and has the job started again."""

from pathlib import Path

import pytest

from rev2net.training.allotment import STARTED, start_again, stopping_time


@pytest.mark.parametrize(
    ("minutes", "margin"),
    [(1, 15), (10, 30), (720, 600)],  # 15 s at least, 5 %, 10 minutes at most
)
def test_the_end_leaves_time_for_the_last_step_and_the_state(
    minutes: int, margin: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STARTED, "1000")
    assert stopping_time(minutes) == 1000 + 60 * minutes - margin


def test_outside_of_a_submitted_job_there_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STARTED, raising=False)
    assert stopping_time(1) is None


@pytest.mark.parametrize(
    ("name", "program", "words"),
    [
        ("SLURM_JOB_ID", "scontrol", "requeue 17"),
        ("PBS_JOBID", "qrerun", "17"),
        ("JOB_ID", "qmod", "-rj 17"),
    ],
)
def test_the_scheduler_of_the_job_is_asked(
    name: str, program: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "17")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / program).write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n')
    (tmp_path / program).chmod(0o755)
    start_again()
    assert (tmp_path / "said").read_text().strip() == words


def test_a_scheduler_that_refuses_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "scontrol").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "scontrol").chmod(0o755)
    start_again()
    assert "not started again by the scheduler" in capsys.readouterr().err
