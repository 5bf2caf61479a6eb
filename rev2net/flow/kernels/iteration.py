"""The inner loop of TV-L1 as numba kernels: one sweep over the image an iteration.

An iteration moves the flow u towards the data (the primal step), then the dual field p by the
gradient of the new u. In OpenCV these are six passes over memory; here the dual step follows the
primal one, a row behind it, while both find their rows in the cache.

Nine fields lie in one array (9, pitch): u1, u2, the x and y flow; p11, p12, the dual field of u1;
p21, p22, that of u2; and gx, gy and constant, the brightness constancy linearised (`linearise`). A
field is flat, a row being `width + 1` floats, with a row of guards above and below. The last float
of a row is a guard, too: it stands right of the row's last pixel and left of the next row's first.
With p = 0 in the guards, and u there repeating its neighbour before each dual step, the image's
edges need no code of their own, and a block of rows is one long loop over vectors of LANES floats.
Where a loop's last vector reaches past its end, it finds guards: the primal step leaves u as it is
there, since p and the linearisation are 0, and what the dual step writes is cleared.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

from numba import float32, uintp

from rev2net.flow.kernels.rounding import ONE, ZERO, kernel, norm
from rev2net.flow.kernels.vector import LANES, fma, lane_sum, load, spread, store, where

FIELDS = 9
BLOCK = 16  # rows: whole vectors at any width, and few enough for the second-level cache
STEP = uintp(1)
PAGE = 1024  # floats, 4 KiB: a load whose address is a store's but for whole pages waits for it
APART = 112  # floats by which the fields' places in a page differ; whole vectors
SMALLEST_SQUARE = float32(2**-23)  # of an image gradient along which a small residual moves u


@kernel()
def pitch(height, width):
    """Floats from a field to the next: rows, guards, a vector's overrun, and fields `APART`."""
    size = (height + 2) * (width + 1) + LANES
    return size + (APART - size) % PAGE


@kernel()
def scratch_size(height, width):
    """Floats that `lay_out` needs."""
    return FIELDS * pitch(height, width) + LANES


@kernel()
def lay_out(scratch, height, width):
    """Fields (9, pitch) of zeros in a flat array, the vectors of a block of rows aligned."""
    first = scratch.ctypes.data // 4 + width + 1
    floats = FIELDS * pitch(height, width)
    flat = scratch[-first % LANES :][:floats]
    for k in range(floats):
        flat[k] = ZERO
    return flat.reshape(FIELDS, pitch(height, width))


@kernel()
def iterate(fields, edge, height, width, tau_theta, limit, theta):
    """One iteration in place; returns the sum over pixels of the squared change of the flow.

    `tau_theta` is tau / theta, `limit` lambda * theta; `edge` (2, BLOCK) is scratch.
    """
    stride = width + 1
    end = (height + 1) * stride
    lag = -(-stride // LANES) * LANES
    behind = stride  # where the dual step goes on
    change = 0.0
    for top in range(0, height, BLOCK):
        bottom = min(top + BLOCK, height)
        start, stop = (top + 1) * stride, (bottom + 1) * stride
        _first_column(fields, edge, start, stop, stride, limit, theta)
        change += _primal(fields, start, stop, stride, limit, theta)
        _set_edges(fields, edge, start, stop, stride)
        if bottom == height:
            _repeat_last_row(fields, end, stride)
            _dual(fields, behind, end, stride, tau_theta)
            _clear_dual(fields, end, end + LANES, 1)
        else:
            _dual(fields, behind, stop - lag, stride, tau_theta)
            behind = stop - lag
    _clear_dual(fields, 2 * stride - 1, end, stride)
    return change


@kernel()
def _primal(fields, start, stop, stride, limit, theta):
    u1, u2, p11, p12, p21, p22 = fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
    row = uintp(stride)
    change = spread(ZERO)
    for i in range(start, stop, LANES):
        k = uintp(i)
        old1, old2 = load(u1, k), load(u2, k)
        gx, gy = load(fields[6], k), load(fields[7], k)
        step = _data_step(old1, old2, gx, gy, load(fields[8], k), limit)
        here11, here12, here21, here22 = load(p11, k), load(p12, k), load(p21, k), load(p22, k)
        divergence1 = (here11 - load(p11, k - STEP)) + (here12 - load(p12, k - row))
        divergence2 = (here21 - load(p21, k - STEP)) + (here22 - load(p22, k - row))
        new1 = (old1 - step * gx) + theta * divergence1
        new2 = (old2 - step * gy) + theta * divergence2
        store(u1, k, new1)
        store(u2, k, new2)
        change1, change2 = new1 - old1, new2 - old2
        change = fma(change2, change2, fma(change1, change1, change))
    return lane_sum(change)


@kernel()
def _data_step(u1, u2, gx, gy, constant, limit):
    """How far against the image gradient the flow moves to explain the brightness, limited."""
    residual = constant + (gx * u1 + gy * u2)
    square = gx * gx + gy * gy
    bound = limit * square
    step = where(square > SMALLEST_SQUARE, residual / square, ZERO)
    step = where(residual > bound, limit, step)
    return where(-bound > residual, -limit, step)


@kernel()
def _first_column(fields, edge, start, stop, stride, limit, theta):
    """The primal step of the rows' first pixels, whose divergence OpenCV sums in another order."""
    for k in range(start, stop, stride):
        u1, u2, gx, gy = fields[0, k], fields[1, k], fields[6, k], fields[7, k]
        step = _data_step(u1, u2, gx, gy, fields[8, k], limit)
        divergence1 = (fields[2, k] + fields[3, k]) - fields[3, k - stride]
        divergence2 = (fields[4, k] + fields[5, k]) - fields[5, k - stride]
        y = (k - start) // stride
        edge[0, y] = (u1 - step * gx) + theta * divergence1
        edge[1, y] = (u2 - step * gy) + theta * divergence2


@kernel()
def _set_edges(fields, edge, start, stop, stride):
    for k in range(start, stop, stride):
        last = k + stride - 2
        for component in range(2):
            fields[component, k] = edge[component, (k - start) // stride]
            fields[component, last + 1] = fields[component, last]


@kernel()
def _repeat_last_row(fields, guards, stride):
    for component in range(2):
        for k in range(guards, guards + stride):
            fields[component, k] = fields[component, k - stride]


@kernel()
def _dual(fields, start, stop, stride, tau_theta):
    """The dual step of both components together: neither waits for the other's roots."""
    row = uintp(stride)
    u1, u2, p11, p12, p21, p22 = fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
    for i in range(start, stop, LANES):
        k = uintp(i)
        here1, here2 = load(u1, k), load(u2, k)
        x1, y1 = load(u1, k + STEP) - here1, load(u1, k + row) - here1
        x2, y2 = load(u2, k + STEP) - here2, load(u2, k + row) - here2
        length1 = ONE + tau_theta * norm(x1, y1)
        length2 = ONE + tau_theta * norm(x2, y2)
        new11 = (load(p11, k) + tau_theta * x1) / length1
        new12 = (load(p12, k) + tau_theta * y1) / length1
        new21 = (load(p21, k) + tau_theta * x2) / length2
        new22 = (load(p22, k) + tau_theta * y2) / length2
        store(p11, k, new11)
        store(p12, k, new12)
        store(p21, k, new21)
        store(p22, k, new22)


@kernel()
def _clear_dual(fields, start, stop, step):
    for field in range(2, 6):
        for k in range(start, stop, step):
            fields[field, k] = ZERO
