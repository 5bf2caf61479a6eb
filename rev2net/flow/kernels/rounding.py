"""Float32 arithmetic for numba kernels that rounds exactly as OpenCV's does, and vectorises.

TV-L1 amplifies rounding: one unit in the last place changed in every iteration moves the flow by
some 0.005 pixels on real frames, which is more than it may differ from OpenCV's. So nothing here is
compiled with fast-math; where an exact operation is slow, a fast estimate is corrected with fused
multiply-adds until it rounds to the same float.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import float32

from rev2net.flow.kernels.vector import fma, reciprocal_root, where

ZERO = float32(0)
HALF = float32(0.5)
ONE = float32(1)
SMALLEST = float32(1e-36)  # keeps the reciprocal square root of nothing finite

Kernel = Callable[..., Any]


def kernel(**options: Any) -> Callable[[Kernel], Kernel]:
    """`numba.njit` as all kernels here use it: no GIL, IEEE division, compiled once per machine.

    Where neither the package's folder nor the user's cache folder can be written, the kernels are
    compiled anew in each process instead of failing; NUMBA_CACHE_DIR names a folder that can.
    """

    def compiled(function: Kernel) -> Kernel:
        # Numba's cache notices a change of the kernel's own file only, not of the kernels it calls
        # in others; it goes by the name, though.
        function.__qualname__ += "_" + _digest(Path(function.__code__.co_filename).parent)
        common = {"nogil": True, "error_model": "numpy", **options}
        try:
            return numba.njit(cache=True, **common)(function)
        except RuntimeError:  # numba found no folder to cache in
            return numba.njit(**common)(function)

    return compiled


@functools.cache
def _digest(folder: Path) -> str:
    """Of all sources in a folder."""
    sources = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.blake2b(sources, digest_size=4).hexdigest()


@kernel()
def norm(x, y):
    """sqrt(x * x + y * y) of vectors, as if computed in float64, then rounded; 5e-19 for 0.

    The sum of squares is held as `square + rest`, and one Newton step corrects the root's estimate
    by what that leaves.
    """
    xx = fma(x, x, SMALLEST)
    yy = y * y
    large = where(xx > yy, xx, yy)
    small = where(yy > xx, xx, yy)
    square = large + small
    rest = (small - (square - large)) + (fma(x, x, -xx) + fma(y, y, -yy))
    inverse = reciprocal_root(square)
    root = square * inverse
    return fma(HALF * inverse, fma(-root, root, square) + rest, root)
