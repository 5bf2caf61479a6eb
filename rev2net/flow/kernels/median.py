"""Median filters of 3x3 and 5x5 pixels as numba kernels: comparisons only, shared and vectorised.

Floats are compared as integers of the same order, for which CPUs have more units. All windows of a
row share their columns, which are sorted first. Sorting the rows of what results leaves the
columns sorted, so most of a window is known to lie above or below its median, and the code computes
only what can still be it.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

import numpy as np
from numba import int32

from rev2net.flow.kernels.rounding import kernel

LANES = 16  # floats in the widest vector
BLOCK = 4  # rows filtered at once: enough to forget what a call costs, few enough for the cache


@kernel()
def median_filter(field, height, width, stride, size):
    """Filter a flat field with `stride` floats a row in place, size 3 or 5, as cv2.medianBlur.

    Goes through the field in blocks of rows, each copied with its surroundings.
    """
    field = field.view(np.int32)
    reach = size // 2
    extended = -(-(width + 2 * reach) // LANES) * LANES
    block = np.zeros((BLOCK + 2 * reach) * extended + LANES, np.int32)
    columns = np.zeros((size, BLOCK * extended + LANES), np.int32)
    medians = np.empty(BLOCK * extended, np.int32)
    for top in range(0, height, BLOCK):
        rows = min(BLOCK, height - top)
        if top == 0:
            _extend_rows(field, -reach, height, width, stride, reach, extended, block, 2 * reach)
        else:
            _move_rows(block, BLOCK * extended, 2 * reach * extended)
        tail = block[2 * reach * extended :]
        _extend_rows(field, top + reach, height, width, stride, reach, extended, tail, rows)
        count = rows * extended
        if size == 5:
            _sort5(block, extended, columns, count)
            _medians5(columns[0], columns[1], columns[2], columns[3], columns[4], medians[:count])
        else:
            _sort3(block, extended, columns, count)
            _medians3(columns[0], columns[1], columns[2], medians[:count])
        for y in range(rows):
            start = (top + y) * stride
            out = field[start : start + width]
            row = medians[y * extended :]
            for x in range(width):
                out[x] = _ordinal(row[x])


@kernel()
def _ordinal(bits):
    """The bits of a float as an integer of the same order (-0 just below 0), and back."""
    return bits ^ ((bits >> int32(31)) & int32(0x7FFFFFFF))


@kernel()
def _extend_rows(field, top, height, width, stride, reach, extended, block, rows):
    """Copy the ordinals of rows from `top` on, the image's edges repeated on all sides."""
    for y in range(rows):
        start = min(max(top + y, 0), height - 1) * stride
        row = field[start : start + width]
        out = block[y * extended : (y + 1) * extended]
        inner = out[reach : reach + width]
        for x in range(width):  # a loop vectorises, numba's slice assignment does not
            inner[x] = _ordinal(row[x])
        for x in range(reach):
            out[x] = _ordinal(row[0])
            out[reach + width + x] = _ordinal(row[width - 1])


@kernel()
def _move_rows(block, start, count):
    source = block[start : start + count]
    for i in range(count):
        block[i] = source[i]


@kernel()
def _ordered(a, b):
    return min(a, b), max(a, b)


@kernel()
def _sorted3(a, b, c):
    a, b = _ordered(a, b)
    b, c = _ordered(b, c)
    a, b = _ordered(a, b)
    return a, b, c


@kernel()
def _sorted5(a, b, c, d, e):
    a, b = _ordered(a, b)
    d, e = _ordered(d, e)
    c, e = _ordered(c, e)
    c, d = _ordered(c, d)
    b, e = _ordered(b, e)
    a, d = _ordered(a, d)
    a, c = _ordered(a, c)
    b, d = _ordered(b, d)
    b, c = _ordered(b, c)
    return a, b, c, d, e


@kernel()
def _sort3(block, extended, columns, count):
    a, b, c = block, block[extended:], block[2 * extended :]
    low, middle, high = columns[0], columns[1], columns[2]
    for x in range(count):
        low[x], middle[x], high[x] = _sorted3(a[x], b[x], c[x])


@kernel()
def _medians3(low, middle, high, out):
    """Of a sorted 3x3 window, the median is that of its antidiagonal."""
    low1, low2 = low[1:], low[2:]
    middle1, middle2 = middle[1:], middle[2:]
    high1, high2 = high[1:], high[2:]
    for x in range(out.shape[0]):
        a = max(max(low[x], low1[x]), low2[x])
        b = _sorted3(middle[x], middle1[x], middle2[x])[1]
        c = min(min(high[x], high1[x]), high2[x])
        out[x] = _sorted3(a, b, c)[1]


@kernel()
def _sort5(block, extended, columns, count):
    a, b, c = block, block[extended:], block[2 * extended :]
    d, e = block[3 * extended :], block[4 * extended :]
    r0, r1, r2, r3, r4 = columns[0], columns[1], columns[2], columns[3], columns[4]
    for x in range(count):
        r0[x], r1[x], r2[x], r3[x], r4[x] = _sorted5(a[x], b[x], c[x], d[x], e[x])


@kernel()
def _medians5(r0, r1, r2, r3, r4, out):
    """The median of 5x5 values, of which each column is sorted.

    With the rows sorted too, the value in row i and column j has (i + 1)(j + 1) values at or below
    it and (5 - i)(5 - j) at or above, so only 13 in three diagonals can be the 13th of 25. Of the
    four in the lower diagonal only the largest, and of those in the upper one only the smallest,
    has few enough on its other side; with the five between, the median is the 4th of 7.
    """
    for x in range(out.shape[0]):
        _, _, _, a3, a4 = _sorted5(r0[x], r0[x + 1], r0[x + 2], r0[x + 3], r0[x + 4])
        _, _, b2, b3, b4 = _sorted5(r1[x], r1[x + 1], r1[x + 2], r1[x + 3], r1[x + 4])
        _, c1, c2, c3, _ = _sorted5(r2[x], r2[x + 1], r2[x + 2], r2[x + 3], r2[x + 4])
        d0, d1, d2, _, _ = _sorted5(r3[x], r3[x + 1], r3[x + 2], r3[x + 3], r3[x + 4])
        e0, e1, _, _, _ = _sorted5(r4[x], r4[x + 1], r4[x + 2], r4[x + 3], r4[x + 4])
        low = max(max(a3, b2), max(c1, d0))
        high = min(min(b4, c3), min(d2, e1))
        low, high = _ordered(low, high)
        out[x] = _median7(low, high, a4, b3, c2, d1, e0)


@kernel()
def _median7(a, b, c, d, e, f, g):
    """The 4th of 7 values: drop the extremes of five, then of four, then of three."""
    a, b = _ordered(a, b)
    c, d = _ordered(c, d)
    a, c = _ordered(a, c)
    b, d = _ordered(b, d)
    # a is the least and d the greatest of four; the fifth shows which two of five are extreme
    a, e = _ordered(a, e)
    e, d = _ordered(e, d)
    # b, c and e remain; the sixth and the seventh follow
    b, c = _ordered(b, c)
    b, e = _ordered(b, e)
    e, c = _ordered(e, c)
    b, f = _ordered(b, f)
    f, c = _ordered(f, c)
    return _sorted3(e, f, g)[1]
