"""The inner loop of TV-L1 as numba kernels: one sweep over the image an iteration.

An iteration moves the flow u towards the data (the primal step), then the dual field p by the
gradient of the new u. In OpenCV these are six passes over memory; here the dual step follows the
primal one, a row behind it, while both find their rows in the cache.

Ten fields lie in one array (10, size): u1, u2, the x and y flow; p11, p12, the dual field of u1;
p21, p22, that of u2; and what `linearise` makes of the frames. A field is flat, a row being
`width + 1` floats, with one row of guards above and below. The last float of a row is a guard, too:
it stands right of the row's last pixel and left of the next row's first. With p = 0 in the guards,
and u there repeating its neighbour before each dual step, the image's edges need no code of their
own, and a block of rows is one long loop that vectorises. Indices are unsigned because for signed
ones numba checks for negative values, which does not vectorise.
"""

from numba import float32, uintp

from rev2net.flow.rounding import ONE, add_square, divide, kernel, norm

FIELDS = 10
BLOCK = 16  # rows; more would not stay in a 32 KiB cache at common widths
NEXT = uintp(1)


@kernel()
def iterate(fields, edge, height, width, tau_theta, limit, theta):  # type: ignore[no-untyped-def]
    """One iteration in place; returns the sum over pixels of the squared change of the flow.

    `edge` (2, BLOCK) is scratch.
    """
    u1, u2 = fields[0], fields[1]
    stride = width + 1
    change = 0.0
    for top in range(0, height, BLOCK):
        bottom = min(top + BLOCK, height)
        start, stop = (top + 1) * stride, (bottom + 1) * stride
        _first_column(fields, edge, start, stop, stride, limit, theta)
        change += _primal(fields, start, stop, stride, limit, theta)
        for k in range(start, stop, stride):
            y = (k - start) // stride
            u1[k], u2[k] = edge[0, y], edge[1, y]
            u1[k + width], u2[k + width] = u1[k + width - 1], u2[k + width - 1]
        if bottom == height:
            for k in range(stop, stop + stride):
                u1[k], u2[k] = u1[k - stride], u2[k - stride]
            stop += stride
        _dual(fields, max(start - stride, stride), stop - stride, stride, tau_theta)
    return change


@kernel()
def _step(rho, gx, gy, reciprocal, limit):  # type: ignore[no-untyped-def]
    """How far against the image gradient u moves to bring the residual rho to zero, limited."""
    squared = gx * gx + gy * gy
    bound = limit * squared
    step = divide(rho, squared, reciprocal)
    if rho > bound:
        step = limit
    if rho < -bound:
        step = -limit
    return step


@kernel()
def _primal(fields, start, stop, stride, limit, theta):  # type: ignore[no-untyped-def]
    u1, u2, p11, p12, p21, p22 = fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]
    gradient_x, gradient_y, reciprocal, constant = fields[6], fields[7], fields[8], fields[9]
    above = uintp(stride)
    change = float32(0)
    for k in range(uintp(start), uintp(stop)):
        old1, old2 = u1[k], u2[k]
        gx, gy = gradient_x[k], gradient_y[k]
        rho = constant[k] + (gx * old1 + gy * old2)
        step = _step(rho, gx, gy, reciprocal[k], limit)
        divergence1 = (p11[k] - p11[k - NEXT]) + (p12[k] - p12[k - above])
        divergence2 = (p21[k] - p21[k - NEXT]) + (p22[k] - p22[k - above])
        new1 = (old1 - step * gx) + theta * divergence1
        new2 = (old2 - step * gy) + theta * divergence2
        u1[k], u2[k] = new1, new2
        change = add_square(change, new1 - old1, new2 - old2)
    return change


@kernel()
def _first_column(fields, edge, start, stop, stride, limit, theta):  # type: ignore[no-untyped-def]
    """The primal step of the first pixels of rows, whose divergence OpenCV sums in another order."""
    for k in range(start, stop, stride):
        u1, u2, p11, p12 = fields[0, k], fields[1, k], fields[2, k], fields[3, k]
        p21, p22, gx, gy = fields[4, k], fields[5, k], fields[6, k], fields[7, k]
        rho = fields[9, k] + (gx * u1 + gy * u2)
        step = _step(rho, gx, gy, fields[8, k], limit)
        y = (k - start) // stride
        edge[0, y] = (u1 - step * gx) + theta * ((p11 + p12) - fields[3, k - stride])
        edge[1, y] = (u2 - step * gy) + theta * ((p21 + p22) - fields[5, k - stride])


@kernel()
def _dual(fields, start, stop, stride, tau_theta):  # type: ignore[no-untyped-def]
    for component in range(2):
        u = fields[component]
        px, py = fields[2 + 2 * component], fields[3 + 2 * component]
        below = uintp(stride)
        for k in range(uintp(start), uintp(stop)):
            ux = u[k + NEXT] - u[k]
            uy = u[k + below] - u[k]
            length = ONE + tau_theta * norm(ux, uy)
            px[k] = (px[k] + tau_theta * ux) / length
            py[k] = (py[k] + tau_theta * uy) / length
        for k in range(start + stride - 1, stop, stride):
            px[k] = py[k] = float32(0)
