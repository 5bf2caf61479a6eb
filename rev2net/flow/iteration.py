"""The inner loop of TV-L1 as numba kernels: one sweep over the image an iteration.

An iteration moves the flow u towards the data (the primal step), then the dual field p by the
gradient of the new u. In OpenCV these are six passes over memory; here the dual step follows the
primal one, a row behind it, while both find their rows in the cache.

Fields are flat, a row being `width + 1` floats, with one row of guards above and below. The last
float of a row is a guard, too: it stands right of the row's last pixel and left of the next row's
first. With p = 0 in the guards, and u there repeating its neighbour before each dual step, the
image's edges need no code of their own, and a block of rows is one long loop that vectorises.
"""

from numba import float32

from rev2net.flow.rounding import ONE, add_square, divide, kernel, norm

ROWS = 16  # rows a block: enough to forget what a call costs, few enough for the cache


@kernel()
def iterate(u1, u2, p11, p12, p21, p22, data, edge, height, width, tau_theta, limit, theta):  # type: ignore[no-untyped-def]
    """One iteration in place; returns the sum over pixels of the squared change of the flow.

    u1, u2 are x and y flow, p11, p12 the dual field of u1 and p21, p22 that of u2; `data` (4, size)
    is what `linearise` made; `edge` (2, ROWS) is scratch.
    """
    stride = width + 1
    change = 0.0
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        i, j = (top + 1) * stride, (bottom + 1) * stride
        _first_column(u1, u2, p11, p12, p21, p22, data, edge, i, j, stride, limit, theta)
        change += _primal(
            u1[i:j], u2[i:j],
            p11[i:j], p11[i - 1 : j - 1], p12[i:j], p12[i - stride : j - stride],
            p21[i:j], p21[i - 1 : j - 1], p22[i:j], p22[i - stride : j - stride],
            data[0, i:j], data[1, i:j], data[2, i:j], data[3, i:j],
            limit, theta,
        )  # fmt: skip
        for y in range(bottom - top):
            k = i + y * stride
            u1[k], u2[k] = edge[0, y], edge[1, y]
            u1[k + width], u2[k + width] = u1[k + width - 1], u2[k + width - 1]
        if bottom == height:
            for k in range(j, j + stride):
                u1[k], u2[k] = u1[k - stride], u2[k - stride]
        i = max(i - stride, stride)
        j = j if bottom == height else j - stride
        _dual(
            u1[i:j], u1[i + 1 : j + 1], u1[i + stride : j + stride], p11[i:j], p12[i:j], tau_theta
        )
        _dual(
            u2[i:j], u2[i + 1 : j + 1], u2[i + stride : j + stride], p21[i:j], p22[i:j], tau_theta
        )
        for k in range(i + width, j, stride):
            p11[k] = p12[k] = p21[k] = p22[k] = float32(0)
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
def _primal(
    u1, u2, p11, p11_left, p12, p12_above, p21, p21_left, p22, p22_above,
    gradient_x, gradient_y, reciprocal, constant, limit, theta,
):  # type: ignore[no-untyped-def]  # fmt: skip
    change = float32(0)
    for x in range(u1.shape[0]):
        old1, old2 = u1[x], u2[x]
        gx, gy = gradient_x[x], gradient_y[x]
        rho = constant[x] + (gx * old1 + gy * old2)
        step = _step(rho, gx, gy, reciprocal[x], limit)
        divergence1 = (p11[x] - p11_left[x]) + (p12[x] - p12_above[x])
        divergence2 = (p21[x] - p21_left[x]) + (p22[x] - p22_above[x])
        new1 = (old1 - step * gx) + theta * divergence1
        new2 = (old2 - step * gy) + theta * divergence2
        u1[x], u2[x] = new1, new2
        change = add_square(change, new1 - old1, new2 - old2)
    return change


@kernel()
def _first_column(u1, u2, p11, p12, p21, p22, data, edge, i, j, stride, limit, theta):  # type: ignore[no-untyped-def]
    """The primal step of the first pixels of rows, whose divergence OpenCV sums in another order."""
    for y in range((j - i) // stride):
        k = i + y * stride
        gx, gy = data[0, k], data[1, k]
        rho = data[3, k] + (gx * u1[k] + gy * u2[k])
        step = _step(rho, gx, gy, data[2, k], limit)
        divergence1 = (p11[k] + p12[k]) - p12[k - stride]
        divergence2 = (p21[k] + p22[k]) - p22[k - stride]
        edge[0, y] = (u1[k] - step * gx) + theta * divergence1
        edge[1, y] = (u2[k] - step * gy) + theta * divergence2


@kernel()
def _dual(u, u_right, u_below, px, py, tau_theta):  # type: ignore[no-untyped-def]
    for x in range(u.shape[0]):
        ux = u_right[x] - u[x]
        uy = u_below[x] - u[x]
        length = ONE + tau_theta * norm(ux, uy)
        px[x] = (px[x] + tau_theta * ux) / length
        py[x] = (py[x] + tau_theta * uy) / length
