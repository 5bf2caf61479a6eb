"""What TV-L1 cannot take is refused in one line that says what is allowed."""

import numpy as np
import pytest

from rev2net.errors import UserError
from rev2net.flow import tvl1
from rev2net.flow.parameters import Parameters
from rev2net.flow.tvl1 import BACKENDS, resolve_backend
from tests.flow.flow_images import moving_pair

FIRST, SECOND = moving_pair(20, 24)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (FIRST[:, :1], SECOND[:, :1], r"frame 0: shape \(20, 1\); .* at least 3 pixels a side"),
        (FIRST[..., None], SECOND, r"frame 0: shape \(20, 24, 1\); .* greyscale"),
        (FIRST, SECOND[:, :-1], r"frame 1: \(20, 23\) uint8; .* \(20, 24\) uint8"),
        (FIRST, SECOND / 255, r"frame 1: \(20, 24\) float32; .* \(20, 24\) uint8"),
        (FIRST.astype(int), SECOND, "frame 0: dtype int64; allowed are uint8 and floating point"),
        (FIRST.astype(float), SECOND, r"frame 0: values 0 to \d+; floating-point frames hold 0..1"),
        (FIRST / 255, np.full_like(FIRST, np.nan, float), "frame 1: values nan to nan"),
    ],
)
@pytest.mark.parametrize("backend", ["numba", "opencv"])
def test_frames(first: np.ndarray, second: np.ndarray, message: str, backend: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        tvl1(first, second, backend=backend)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("tau", 0, "a positive number"),
        ("lambda_", -0.1, "a positive number"),
        ("theta", float("nan"), "a positive number"),
        ("nscales", 0, "a whole number from 1"),
        ("warps", 2.0, "a whole number from 1"),
        ("epsilon", -1e-9, "a number from 0"),
        ("scaleStep", 1, "a number between 0 and 1"),
        ("medianFiltering", 4, r"1 \(none\), 3 or 5"),
    ],
)
def test_parameters(name: str, value: float, allowed: str) -> None:
    with pytest.raises(ValueError, match=f"TV-L1 {name}: {value!r}; allowed is {allowed}"):
        Parameters(**{name: value})  # type: ignore[arg-type]


def test_an_unknown_parameter() -> None:
    with pytest.raises(TypeError, match="gamma"):
        tvl1(FIRST, SECOND, backend="numba", gamma=0.1)


def test_an_unknown_backend() -> None:
    with pytest.raises(UserError, match="'gpu' is unknown; allowed are auto, numba, opencv, cuda"):
        tvl1(FIRST, SECOND, backend="gpu")


def test_cuda_without_a_gpu_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", _no_library)
    with pytest.raises(UserError, match=r"'cuda' cannot run here \(no NVIDIA driver found\)"):
        tvl1(FIRST, SECOND, backend="cuda")
    assert resolve_backend("auto") == "numba"


def test_every_backend_is_a_module_with_a_solver() -> None:
    for backend in BACKENDS:
        module = __import__(f"rev2net.flow.{backend}_backend", fromlist=["solve"])
        assert callable(module.solve)


def _no_library(name: str) -> None:
    raise OSError(f"{name}: cannot open shared object file")
