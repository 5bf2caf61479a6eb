"""Devices under locks: two jobs never share one, and a dead job's device is free again."""

import contextlib
import itertools
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rev2net import device
from rev2net.device import claim_device, claim_devices, claim_free
from rev2net.errors import UserError

CONTEXT = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _poll_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "POLL_SECONDS", 0.02)


def hold(
    folder: Path, names: list[str], count: int, report: multiprocessing.Queue, seconds: float
) -> None:
    with claim_free(names, count, folder) as indices:
        report.put((os.getpid(), indices, time.monotonic()))
        time.sleep(seconds)


def test_concurrent_jobs_get_distinct_devices_and_the_next_one_waits(tmp_path: Path) -> None:
    report = CONTEXT.Queue()
    jobs = [
        CONTEXT.Process(target=hold, args=(tmp_path, ["a", "b"], 1, report, 0.6)) for _ in "123"
    ]
    for job in jobs:
        job.start()
    claims = [report.get(timeout=30) for _ in jobs]
    for job in jobs:
        job.join()
    first, second, third = claims
    assert sorted(first[1] + second[1]) == [0, 1]
    assert third[2] - min(first[2], second[2]) >= 0.5  # it had to wait for one of them


def test_a_killed_job_frees_its_devices(tmp_path: Path) -> None:
    report = CONTEXT.Queue()
    job = CONTEXT.Process(target=hold, args=(tmp_path, ["a", "b"], 2, report, 60))
    job.start()
    pid, _, _ = report.get(timeout=30)
    os.kill(pid, signal.SIGKILL)
    job.join()
    begun = time.monotonic()
    with claim_free(["a", "b"], 2, tmp_path) as indices:
        assert indices == [0, 1]
    assert time.monotonic() - begun < 5


def take_turns(folder: Path, seed: int, events: multiprocessing.Queue) -> None:
    """Claim one to three of three devices again and again; note who holds what, and when."""
    rng = random.Random(seed)
    for _ in range(12):
        with claim_free(["a", "b", "c"], rng.randint(1, 3), folder) as indices:
            begun = time.monotonic()
            time.sleep(rng.uniform(0, 0.01))
            events.put((indices, begun, time.monotonic()))
    events.put(None)


def test_jobs_that_want_several_devices_each_neither_share_nor_block_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "POLL_SECONDS", 0.001)
    events = CONTEXT.Queue()
    jobs = [CONTEXT.Process(target=take_turns, args=(tmp_path, k, events)) for k in range(4)]
    for job in jobs:
        job.start()
    held, done = [], 0
    while done < len(jobs):
        event = events.get(timeout=60)
        if event is None:
            done += 1
        else:
            held.append(event)
    for job in jobs:
        job.join()
    assert len(held) == 12 * len(jobs)
    for name in range(3):
        spans = sorted((begun, ended) for indices, begun, ended in held if name in indices)
        for (_, ended), (begun, _) in itertools.pairwise(spans):
            assert begun >= ended


def test_a_waiting_job_holds_nothing(tmp_path: Path) -> None:
    """One of two is taken: a job that wants both leaves the other one free."""
    first, second = CONTEXT.Queue(), CONTEXT.Queue()
    holder = CONTEXT.Process(target=hold, args=(tmp_path, ["a", "b"], 1, first, 0.5))
    holder.start()
    assert first.get(timeout=30)[1] == [0]
    waiter = CONTEXT.Process(target=hold, args=(tmp_path, ["a", "b"], 2, second, 0))
    waiter.start()
    time.sleep(0.2)
    with contextlib.ExitStack() as stack:
        assert device._locked(tmp_path / "b.lock", stack)
    assert second.get(timeout=30)[1] == [0, 1]
    for job in (holder, waiter):
        job.join()


def test_without_a_gpu_a_training_runs_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with claim_device() as chosen:
        assert chosen.type == "cpu"


@pytest.fixture
def _four_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that shows four GPUs, of which the second is taken."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(device, "_gpu_names", lambda: ["a", "b", "c", "d"])
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"rev2net-devices-{os.getuid()}"
    folder.mkdir()
    with contextlib.ExitStack() as taken:
        assert device._locked(folder / "b.lock", taken)
        yield


@pytest.mark.usefixtures("_four_gpus")
@pytest.mark.parametrize(("given", "left"), [(None, "0,2"), ("4,5,6,7", "4,6")])
def test_processes_see_the_free_ones_of_the_visible_gpus(
    monkeypatch: pytest.MonkeyPatch, given: str | None, left: str
) -> None:
    if given is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with claim_devices(2):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == left
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == given


@pytest.mark.usefixtures("_four_gpus")
def test_more_processes_than_gpus_are_refused() -> None:
    with (
        pytest.raises(UserError, match=r"compute\.processes is 5; this machine shows 4 GPUs"),
        claim_devices(5),
    ):
        pass
