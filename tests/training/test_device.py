"""Devices under locks: two jobs never share one, and a dead job's device is free again."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from rev2net.training import device
from rev2net.training.device import claim_device, claim_first


def hold(folder: Path, names: list[str], report: multiprocessing.Queue, seconds: float) -> None:
    with claim_first(names, folder) as index:
        report.put((os.getpid(), index, time.monotonic()))
        time.sleep(seconds)


def test_concurrent_jobs_get_distinct_devices_and_the_next_one_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "POLL_SECONDS", 0.05)
    context = multiprocessing.get_context("fork")
    report = context.Queue()
    jobs = [context.Process(target=hold, args=(tmp_path, ["a", "b"], report, 0.6)) for _ in "123"]
    for job in jobs:
        job.start()
    claims = [report.get(timeout=30) for _ in jobs]
    for job in jobs:
        job.join()
    first, second, third = claims
    assert {first[1], second[1]} == {0, 1}
    assert third[2] - min(first[2], second[2]) >= 0.5  # it had to wait for one of them


def test_a_killed_job_frees_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "POLL_SECONDS", 0.05)
    context = multiprocessing.get_context("fork")
    report = context.Queue()
    job = context.Process(target=hold, args=(tmp_path, ["only"], report, 60))
    job.start()
    pid, _, _ = report.get(timeout=30)
    os.kill(pid, signal.SIGKILL)
    job.join()
    begun = time.monotonic()
    with claim_first(["only"], tmp_path) as index:
        assert index == 0
    assert time.monotonic() - begun < 5


def test_without_a_gpu_a_training_runs_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with claim_device() as chosen:
        assert chosen.type == "cpu"
