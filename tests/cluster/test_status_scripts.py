"""The status commands of the generic profile, on what the schedulers' own commands print.

PBS and Grid Engine are played by programs that print what their manuals show (qstat(1B) of OpenPBS,
qstat(1) and accounting(5) of Grid Engine); Slurm's is tested on Slurm itself in test_slurm.py.
"""

import os
import subprocess
from pathlib import Path

import pytest

PROFILE = Path(__file__).resolve().parents[2] / "workflow/profiles/cluster-generic"

PBS = """\
Job Id: 17.server
    Job_Name = compute_flow
    Job_Owner = somebody@login
    resources_used.walltime = 00:10:02
    job_state = {state}
    queue = workq
    Resource_List.walltime = 12:00:00
{end}"""

SGE_QUEUE = """\
job-ID  prior   name       user         state submit/start at     queue            slots ja-task-ID
----------------------------------------------------------------------------------------------------
    170 0.55500 train_run  somebody     r     11/23/2026 01:00:00 all.q@node1          8
     17 0.55500 train_run  somebody     {state:<5} 11/23/2026 01:00:00 all.q@node1          8
"""

SGE_ACCOUNTING = """\
==============================================================
qname        all.q
jobnumber    17
failed       {failed}
exit_status  {status}
ru_wallclock 601s
"""


def status(script: str, job: str, tmp_path: Path, **prints: str) -> str:
    """What the script says of a job where each named program prints a text (nothing: it fails)."""
    for program, text in prints.items():
        (tmp_path / f"{program}.txt").write_text(text)
        file = tmp_path / program
        answer = f"cat {tmp_path / program}.txt" if text else "exit 1"
        file.write_text(f"#!/bin/sh\n{answer}\n")
        file.chmod(0o755)
    done = subprocess.run(
        [PROFILE / script, job],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("state", "end", "said"),
    [
        ("Q", "", "running"),
        ("R", "", "running"),
        ("H", "", "running"),
        ("F", "    Exit_status = 0\n", "success"),
        ("F", "    Exit_status = 1\n", "failed"),
        ("F", "    Exit_status = -29\n", "failed"),  # over its time limit
        ("F", "", "failed"),  # deleted before it began
    ],
)
def test_a_pbs_job(state: str, end: str, said: str, tmp_path: Path) -> None:
    text = PBS.format(state=state, end=end)
    assert status("status-pbs.sh", "17.server", tmp_path, qstat=text) == said


@pytest.mark.parametrize(
    ("state", "said"), [("qw", "running"), ("r", "running"), ("hqw", "running"), ("Eqw", "failed")]
)
def test_a_grid_engine_job_in_the_queue(state: str, said: str, tmp_path: Path) -> None:
    queue = SGE_QUEUE.format(state=state)
    assert status("status-sge.sh", "17", tmp_path, qstat=queue, qacct="") == said


@pytest.mark.parametrize(
    ("failed", "exit_status", "said"),
    [
        ("0", "0", "success"),
        ("0", "1", "failed"),
        ("100 : assumedly after job", "137", "failed"),  # killed for its memory or time
        ("26  : opening input/output file", "0", "failed"),
    ],
)
def test_a_grid_engine_job_that_ended(
    failed: str, exit_status: str, said: str, tmp_path: Path
) -> None:
    others = SGE_QUEUE.format(state="r").replace("     17 ", "     18 ")
    ended = SGE_ACCOUNTING.format(failed=failed, status=exit_status)
    assert status("status-sge.sh", "17", tmp_path, qstat=others, qacct=ended) == said


@pytest.mark.parametrize(
    ("queue", "accounting", "said"),
    [
        ("PENDING", "", "running"),
        ("COMPLETING", "", "running"),
        ("COMPLETED", "", "success"),
        ("OUT_OF_MEMORY", "", "failed"),
        ("", "COMPLETED", "success"),  # the controller forgot it, accounting knows
        ("", "CANCELLED by 1000", "failed"),
    ],
)
def test_a_slurm_job(queue: str, accounting: str, said: str, tmp_path: Path) -> None:
    assert status("status-slurm.sh", "17", tmp_path, squeue=queue, sacct=accounting) == said


@pytest.mark.parametrize(
    ("script", "programs"),
    [
        ("status-pbs.sh", ("qstat",)),
        ("status-sge.sh", ("qstat", "qacct")),
        ("status-slurm.sh", ("squeue", "sacct")),
    ],
)
def test_a_scheduler_that_does_not_answer_fails_no_job(
    script: str, programs: tuple[str, ...], tmp_path: Path
) -> None:
    assert status(script, "17", tmp_path, **dict.fromkeys(programs, "")) == "running"
