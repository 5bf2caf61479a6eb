"""`rev2net bench flow`: one table, each backend at each size, on the same pairs."""

import cv2
import numpy as np
import pytest

from rev2net.bench.flow import DATASETS, Result, measure, rendered_pairs, resized
from rev2net.bench.flow_profile import profile
from rev2net.cli import main
from rev2net.flow import numba_backend, tvl1
from rev2net.flow.kernels import level
from rev2net.processes import num_cores


def test_the_table_compares_the_backends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "flow", "--pairs", "2", "--sizes", "40x32", "64x48", "--yardstick"]) == 0
    printed = capsys.readouterr()
    head, *rows = (line.split() for line in printed.out.splitlines()[2:])
    assert head[:2] == ["size", "backend"]
    assert [row[:2] for row in rows] == [
        [size, backend] for size in ("40x32", "64x48") for backend in ("opencv", "numba", "opencv")
    ]
    for row in rows:
        if row[1] == "numba":
            speedup, epe_mean, epe_p99 = map(float, row[3:6])
            assert speedup > 1
            assert epe_mean == epe_p99 == 0
    assert printed.err.splitlines()[0] == "40x32: pair 1 of 2"


def test_the_profile_has_a_line_for_each_kernel(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "flow", "--pairs", "1", "--sizes", "64x48", "--profile"]) == 0
    *_, head, iterations, medians, warps, rest = capsys.readouterr().out.splitlines()
    assert head.split() == ["numba", "backend", "share", "ns/pixel"]
    shares = [float(line.split()[-2].rstrip("%")) for line in (iterations, medians, warps, rest)]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert iterations.startswith("iterations")
    assert min(shares) > 0


def test_profiling_leaves_the_backend_as_it_was() -> None:
    solve_level, iterate = numba_backend.solve_level, level.iterate
    pairs = resized(rendered_pairs(1), (48, 40))
    shares = profile(pairs, nscales=1, warps=2, epsilon=0.0, outerIterations=1, innerIterations=3)
    assert shares["iterations"].pixels == 2 * 3 * 48 * 40
    assert shares["warps"].pixels == 2 * 48 * 40
    assert shares["median filters"].pixels == 2 * 2 * 48 * 40
    assert (numba_backend.solve_level, level.iterate) == (solve_level, iterate)


def test_hours_are_for_all_cores_of_the_machine() -> None:
    result = Result((340, 256), "numba", 72.0, 10.0, 0.0, 0.0, pairs_at_once=4)
    assert result.hours(1e6) == 5  # 20 core hours
    assert num_cores() >= 1
    assert set(DATASETS) == {"UCF101", "HMDB51", "Kinetics-400"}


def test_the_yardstick_is_how_far_noise_moves_opencvs_flow() -> None:
    pair = rendered_pairs(1)[0]
    size = (48, 40)
    reference, yardstick = measure([pair], size, [], yardstick=True)
    assert reference.epe_mean == 0
    assert yardstick.backend == "opencv + noise"
    first, second = (cv2.resize(frame, size) for frame in pair)
    noise = np.random.default_rng(0).normal(0, 0.001, first.shape)
    noisy = tvl1((first + noise) / 255, second / 255, backend="opencv")
    still = tvl1(first, second, backend="opencv")
    moved = np.hypot(*np.moveaxis(np.asarray(noisy, np.float64) - still, -1, 0))
    assert yardstick.epe_mean == pytest.approx(moved.mean())
    assert yardstick.epe_p99 == pytest.approx(np.percentile(moved, 99))


def test_rendered_frames_pan_while_discs_cross_them() -> None:
    pairs = rendered_pairs(2)
    assert [frame.shape for pair in pairs for frame in pair] == [(360, 640)] * 4
    half = (cv2.resize(frame, (320, 180)) for frame in pairs[0])
    flow = tvl1(*half, backend="numba")
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), (-0.35, 0), atol=0.05)
    assert np.abs(flow).max() > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sizes", "340"], "--sizes: '340'; allowed is WIDTHxHEIGHT, at least 3 each"),
        (["--pairs", "0"], "--pairs: 0; allowed is a whole number from 1"),
        (["--epsilon", "-1"], "--epsilon: -1.0; allowed is a number from 0"),
        (["--backends", "gpu"], "'gpu' is unknown; allowed are auto, numba, opencv, cuda"),
        (["--clips", "absent.avi"], "absent.avi: no such file"),
    ],
)
def test_bad_usage_is_one_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "flow", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
