"""What the numba backend takes: memory, threads, and compilation once per machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from rev2net.flow import tvl1
from rev2net.flow.kernels.rounding import kernel
from tests.flow.flow_images import moving_pair

PROGRAM = """
import json, resource, sys, time
import numpy as np
import psutil
from rev2net.flow import tvl1
from rev2net.flow.kernels.level import solve_level

process = psutil.Process()
random = np.random.default_rng(0)
first = random.integers(0, 256, (256, 340)).astype(np.uint8)
second = np.roll(first, 1, axis=1)
few = dict(backend="numba", warps=1, outerIterations=1)
tvl1(first[:32, :32], second[:32, :32], **few)
threads = process.num_threads()  # those of OpenCV's idle pool too
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun, used = time.perf_counter(), time.process_time()
tvl1(first, second, **few)
busy = (time.process_time() - used) / (time.perf_counter() - begun)
added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
json.dump({
    "added_mib": added / 1024,
    "threads": process.num_threads() - threads,
    "busy_cores": busy,
    "compiled": sum(solve_level.stats.cache_misses.values()),
    "loaded": sum(solve_level.stats.cache_hits.values()),
}, sys.stdout)
"""


def run(**environment: str) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    report: dict[str, float] = json.loads(answer.stdout)
    return report


def test_a_process_loads_what_the_machine_has_compiled_and_stays_small() -> None:
    tvl1(*moving_pair(16, 16), backend="numba")  # now it is compiled
    report = run()
    assert report["compiled"] == 0
    assert report["loaded"] == 1
    assert report["threads"] == 0
    assert report["busy_cores"] < 1.2
    assert report["added_mib"] < 40


def test_kernels_work_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(_twice)
    assert kernel()(_twice)(np.float32(2)) == 4


def _twice(x: float) -> float:
    return 2 * x


def test_a_change_of_any_kernel_is_compiled(tmp_path: Path) -> None:
    """Numba's own cache would go on with the old one where it is called from another file."""
    head = "from rev2net.flow.kernels.rounding import kernel\n"
    caller = head + "from called import number\n@kernel()\ndef call():\n    return number()\n"
    (tmp_path / "caller.py").write_text(caller)
    for number in (1, 2):
        called = head + f"@kernel()\ndef number():\n    return {number}\n"
        (tmp_path / "called.py").write_text(called)
        program = [sys.executable, "-c", "import caller; print(caller.call())"]
        answer = subprocess.run(program, cwd=tmp_path, capture_output=True, check=True, text=True)
        assert int(answer.stdout) == number


@pytest.mark.slow
def test_processes_that_start_together_may_share_an_empty_cache(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    together = [
        subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in together:
        json.loads(process.communicate()[0])
        assert process.returncode == 0
    assert run(NUMBA_CACHE_DIR=str(tmp_path))["compiled"] == 0
