"""The inner loop of TV-L1 as numba kernels: one sweep over the image an iteration.

An iteration moves the flow u towards the data (the primal step), then the dual field p by the
gradient of the new u. In OpenCV these are six passes over memory; here the dual step follows the
primal one, a row behind it, while both find their rows in the cache.

Nine fields lie in one array (9, size): u1, u2, the x and y flow; p11, p12, the dual field of u1;
p21, p22, that of u2; and gx, gy and constant, the brightness constancy linearised (`linearise`). A
field is flat, a row being `width + 1` floats, with a row of guards above and below. The last float
of a row is a guard, too: it stands right of the row's last pixel and left of the next row's first.
With p = 0 in the guards, and u there repeating its neighbour before each dual step, the image's
edges need no code of their own, and a block of rows is one long loop that vectorises. Its indices
are unsigned: for signed ones numba checks whether they are negative, which does not vectorise.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

from numba import float32, uintp

from rev2net.flow.kernels.rounding import ONE, ZERO, add_squares, kernel, norm

FIELDS = 9
BLOCK = 16  # rows: whole vectors at any width, and few enough for the second-level cache
STEP = uintp(1)
SMALLEST_SQUARE = float32(2**-23)  # of an image gradient along which a small residual moves u


@kernel()
def iterate(fields, edge, height, width, tau_theta, limit, theta):
    """One iteration in place; returns the sum over pixels of the squared change of the flow.

    `tau_theta` is tau / theta, `limit` lambda * theta; `edge` (2, BLOCK) is scratch.
    """
    stride = width + 1
    change = 0.0
    for top in range(0, height, BLOCK):
        bottom = min(top + BLOCK, height)
        start, stop = (top + 1) * stride, (bottom + 1) * stride
        _first_column(fields, edge, start, stop, stride, limit, theta)
        change += _primal(fields, start, stop, stride, limit, theta)
        _set_edges(fields, edge, start, stop, stride)
        if bottom == height:
            _repeat_last_row(fields, stop, stride)
            stop += stride
        _dual(fields, max(start - stride, stride), stop - stride, stride, tau_theta)
    return change


@kernel()
def _primal(fields, start, stop, stride, limit, theta):
    u1, u2, p11, p12, p21, p22 = fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
    gx, gy, constant = fields[6], fields[7], fields[8]
    row = uintp(stride)
    change = ZERO
    for k in range(uintp(start), uintp(stop)):
        old1, old2 = u1[k], u2[k]
        step = _data_step(old1, old2, gx[k], gy[k], constant[k], limit)
        divergence1 = (p11[k] - p11[k - STEP]) + (p12[k] - p12[k - row])
        divergence2 = (p21[k] - p21[k - STEP]) + (p22[k] - p22[k - row])
        new1 = (old1 - step * gx[k]) + theta * divergence1
        new2 = (old2 - step * gy[k]) + theta * divergence2
        u1[k], u2[k] = new1, new2
        change = add_squares(change, new1 - old1, new2 - old2)
    return change


@kernel()
def _data_step(u1, u2, gx, gy, constant, limit):
    """How far against the image gradient the flow moves to explain the brightness, limited."""
    residual = constant + (gx * u1 + gy * u2)
    square = gx * gx + gy * gy
    bound = limit * square
    step = residual / square if square > SMALLEST_SQUARE else ZERO
    if residual > bound:
        step = limit
    if residual < -bound:
        step = -limit
    return step


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
    row = uintp(stride)
    for component in range(2):
        u, px, py = fields[component], fields[2 * component + 2], fields[2 * component + 3]
        for k in range(uintp(start), uintp(stop)):
            ux = u[k + STEP] - u[k]
            uy = u[k + row] - u[k]
            length = ONE + tau_theta * norm(ux, uy)
            px[k] = (px[k] + tau_theta * ux) / length
            py[k] = (py[k] + tau_theta * uy) / length
        for k in range(start + stride - 1, stop, stride):
            px[k], py[k] = ZERO, ZERO
