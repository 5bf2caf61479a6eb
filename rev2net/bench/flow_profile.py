"""Where the time of a TV-L1 flow goes, kernel by kernel, for `rev2net bench flow --profile`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from rev2net.flow import numba_backend
from rev2net.flow.kernels import level
from rev2net.flow.tvl1 import tvl1

KERNELS = {"iterate": "iterations", "median_filter": "median filters", "linearise": "warps"}
REST = "the rest"  # pyramids, resizes, copies


@dataclass
class Share:
    """What one kernel took over all its calls."""

    seconds: float = 0.0  # of processor time
    pixels: int = 0  # visited


def profile(
    pairs: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]], **parameters: Any
) -> dict[str, Share]:
    """Share of each kernel and of the rest in the numba backend's flows of these pairs.

    Python calls the kernels of a level one by one here, to time them, as `solve_level` does
    compiled; its calls, some microseconds each, count as rest.
    """
    shares = {name: Share() for name in KERNELS.values()}

    def timed(kernel: Callable[..., Any], share: Share) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            began = time.thread_time()
            result = kernel(*arguments)
            share.seconds += time.thread_time() - began
            share.pixels += _pixels(kernel, arguments)
            return result

        return call

    kernels: dict[str, Any] = {
        name: timed(getattr(level, name), shares[KERNELS[name]]) for name in KERNELS
    }
    compiled: Any = numba_backend.solve_level
    tvl1(*pairs[0], backend="numba", **parameters)  # compile or load
    with (
        patch.multiple(level, **kernels),
        patch.object(numba_backend, "solve_level", compiled.py_func),
    ):
        tvl1(*pairs[0], backend="numba", **parameters)  # load what Python calls for the first time
        for share in shares.values():
            share.seconds, share.pixels = 0.0, 0
        began = time.thread_time()
        for pair in pairs:
            tvl1(*pair, backend="numba", **parameters)
        total = time.thread_time() - began
    pixels = sum(first.size for first, _ in pairs)
    shares[REST] = Share(total - sum(share.seconds for share in shares.values()), pixels)
    return shares


def _pixels(kernel: Any, arguments: tuple[Any, ...]) -> int:
    if kernel.__name__ == "linearise":
        return int(arguments[0].size)
    height, width = (2, 3) if kernel.__name__ == "iterate" else (1, 2)
    return int(arguments[height] * arguments[width])


def profile_table(shares: dict[str, Share]) -> str:
    """A line for each kernel: its share of the processor time, and nanoseconds a pixel visited."""
    total = sum(share.seconds for share in shares.values())
    lines = [f"{'numba backend':15} {'share':>6} {'ns/pixel':>9}"]
    for name, share in shares.items():
        per_pixel = 1e9 * share.seconds / max(share.pixels, 1)
        lines.append(f"{name:15} {share.seconds / total:6.1%} {per_pixel:9.2f}")
    return "\n".join(lines)
