"""TV-L1 on a GPU as Triton kernels: one program solves one level of one pair, from warp to stop.

A program owns its pair, so the stopping rule is its own loop's condition, no step waits for the
host, and an iteration is one sweep through memory: the dual step follows the primal one a row
behind, as in the numba kernels (`rev2net.flow.kernels`), whose arithmetic this repeats. To round as
OpenCV does, the kernels are launched with `enable_fp_fusion=False` and divide by `div_rn`; `fma` is
written where OpenCV fuses, or where it corrects an estimate.

Fields are flat (H * W), x fastest. In names: `k` is a flat index, `u1`, `u2` the flow in x and y,
`p11`, `p12` the dual field of u1, `p21`, `p22` that of u2.
"""

# mypy: ignore-errors
# Triton infers the types of kernels from what they are called with.

import triton
import triton.language as tl

STATE_FIELDS = tl.constexpr(11)  # u1, u2, p11, p12, p21, p22, gx, gy, constant and two of scratch
CUBIC = tl.constexpr(-0.75)  # the free parameter of the bicubic kernel, as in OpenCV
SMALLEST = tl.constexpr(1e-36)  # keeps the reciprocal square root of nothing finite
SMALLEST_SQUARE = tl.constexpr(
    2.0**-23
)  # of an image gradient along which a small residual moves u
UNSTOPPED = tl.constexpr(3.4e38)  # a change of the flow that no tolerance reaches


@triton.jit
def solve_level(
    images, gradients_x, gradients_y, state,
    height, width, tau_theta, limit, theta, tolerance, warps, outer_iterations, inner_iterations,
    MEDIAN: tl.constexpr, BLOCK: tl.constexpr, MEDIAN_BLOCK: tl.constexpr,
):  # fmt: skip
    """Improve the flow of one level, a program a pair.

    Pair i is frames i and i + 1 of `images` (T, H, W), whose gradients are beside it; `state`
    (pairs, STATE_FIELDS, H, W) holds the flow in its first two fields and 0 in the next four.
    """
    pixels = height * width
    pair = tl.program_id(0).to(tl.int64)
    previous = images + pair * pixels
    following = (pair + 1) * pixels
    u1 = state + pair * STATE_FIELDS * pixels
    for _ in range(warps):
        for start in range(0, pixels, BLOCK):
            k = start + tl.arange(0, BLOCK)
            _linearise(
                k, previous, images + following, gradients_x + following, gradients_y + following,
                u1, height, width,
            )  # fmt: skip
        tl.debug_barrier()
        change = UNSTOPPED + 0.0
        outer = 0
        while (change > tolerance) & (outer < outer_iterations):
            if MEDIAN > 1:
                _median_filter(u1, height, width, MEDIAN, BLOCK, MEDIAN_BLOCK)
            inner = 0
            while (change > tolerance) & (inner < inner_iterations):
                change = _iterate(u1, height, width, tau_theta, limit, theta, BLOCK)
                inner += 1
            outer += 1


@triton.jit
def _iterate(u1, height, width, tau_theta, limit, theta, BLOCK: tl.constexpr):
    """One iteration; returns the sum over pixels of the squared change of the flow."""
    pixels = height * width
    changes = tl.zeros([BLOCK], tl.float32)
    # The dual step needs the new u below it, so it lags a row; the last blocks are its alone.
    for start in range(0, pixels + width, BLOCK):
        k = start + tl.arange(0, BLOCK)
        changes += _primal(k, u1, height, width, limit, theta)
        tl.debug_barrier()
        _dual(k - width, u1, height, width, tau_theta)
    tl.debug_barrier()
    return tl.sum(changes)


@triton.jit
def _primal(k, u1, height, width, limit, theta):
    pixels = height * width
    inside = k < pixels
    x, y = _position(k, width)
    old1 = tl.load(u1 + k, inside, 0.0)
    old2 = tl.load(u1 + pixels + k, inside, 0.0)
    gx = tl.load(u1 + 6 * pixels + k, inside, 0.0)
    gy = tl.load(u1 + 7 * pixels + k, inside, 0.0)
    constant = tl.load(u1 + 8 * pixels + k, inside, 0.0)
    residual = constant + (gx * old1 + gy * old2)
    square = gx * gx + gy * gy
    bound = limit * square
    textured = square > SMALLEST_SQUARE
    step = tl.where(textured, tl.div_rn(residual, tl.where(textured, square, 1.0)), 0.0)
    step = tl.where(residual > bound, limit, tl.where(residual < -bound, -limit, step))
    new1 = (old1 - step * gx) + theta * _divergence(k, u1 + 2 * pixels, x, y, width, pixels, inside)
    new2 = (old2 - step * gy) + theta * _divergence(k, u1 + 4 * pixels, x, y, width, pixels, inside)
    tl.store(u1 + k, new1, inside)
    tl.store(u1 + pixels + k, new2, inside)
    change1 = new1 - old1
    change2 = new2 - old2
    return tl.where(inside, change1 * change1 + change2 * change2, 0.0)


@triton.jit
def _divergence(k, px, x, y, width, pixels, inside):
    """Backward differences of (px, py), summed in OpenCV's order, which differs where x is 0."""
    py = px + pixels
    here_x = tl.load(px + k, inside, 0.0)
    here_y = tl.load(py + k, inside, 0.0)
    left = tl.load(px + k - 1, inside & (x > 0), 0.0)
    above = tl.load(py + k - width, inside & (y > 0), 0.0)
    return tl.where(x > 0, (here_x - left) + (here_y - above), (here_x + here_y) - above)


@triton.jit
def _dual(k, u1, height, width, tau_theta):
    pixels = height * width
    inside = (k >= 0) & (k < pixels)
    x, y = _position(k, width)
    right = inside & (x < width - 1)
    below = inside & (y < height - 1)
    for component in tl.static_range(2):
        u = u1 + component * pixels
        px = u1 + (2 * component + 2) * pixels
        py = px + pixels
        here = tl.load(u + k, inside, 0.0)
        ux = tl.where(right, tl.load(u + k + 1, right, 0.0) - here, 0.0)
        uy = tl.where(below, tl.load(u + k + width, below, 0.0) - here, 0.0)
        length = 1.0 + tau_theta * _norm(ux, uy)
        reciprocal = tl.div_rn(1.0, length)
        new_x = tl.load(px + k, inside, 0.0) + tau_theta * ux
        new_y = tl.load(py + k, inside, 0.0) + tau_theta * uy
        tl.store(px + k, _divide(new_x, length, reciprocal), inside)
        tl.store(py + k, _divide(new_y, length, reciprocal), inside)


@triton.jit
def _divide(a, b, reciprocal):
    """a / b, correctly rounded, given the rounded 1 / b (Markstein 1990)."""
    quotient = a * reciprocal
    return tl.fma(tl.fma(-quotient, b, a), reciprocal, quotient)


@triton.jit
def _norm(x, y):
    """sqrt(x * x + y * y), as if computed in float64 and then rounded; see the numba kernel."""
    xx = tl.fma(x, x, SMALLEST)
    yy = y * y
    large = tl.maximum(xx, yy)
    small = tl.minimum(xx, yy)
    square = large + small
    rest = (small - (square - large)) + (tl.fma(x, x, -xx) + tl.fma(y, y, -yy))
    inverse = tl.rsqrt(square)
    root = square * inverse
    return tl.fma(0.5 * inverse, tl.fma(-root, root, square) + rest, root)


@triton.jit
def _position(k, width):
    """Column and row of a flat index: a float estimate put right, faster than integer division."""
    y = (k.to(tl.float32) * (1.0 / width)).to(tl.int32)
    x = k - y * width
    y += (x >= width).to(tl.int32) - (x < 0).to(tl.int32)
    return k - y * width, y


@triton.jit
def _linearise(k, previous, image, gradient_x, gradient_y, u1, height, width):
    """Sample the next frame at every pixel moved by the flow (bicubic, 0 outside of the image)."""
    pixels = height * width
    inside = k < pixels
    x, y = _position(k, width)
    flow_x = tl.load(u1 + k, inside, 0.0)
    flow_y = tl.load(u1 + pixels + k, inside, 0.0)
    left, x0, x1, x2, x3 = _window(x.to(tl.float32) + flow_x, width)
    top, y0, y1, y2, y3 = _window(y.to(tl.float32) + flow_y, height)
    sampled = tl.zeros_like(flow_x)
    gx = tl.zeros_like(flow_x)
    gy = tl.zeros_like(flow_x)
    for row in tl.static_range(4):
        weight = y0 if row == 0 else (y1 if row == 1 else (y2 if row == 2 else y3))
        reached = inside & (top + row >= 0) & (top + row < height)
        at = (top + row) * width + left
        sampled = tl.fma(_line(image + at, left, reached, width, x0, x1, x2, x3), weight, sampled)
        gx = tl.fma(_line(gradient_x + at, left, reached, width, x0, x1, x2, x3), weight, gx)
        gy = tl.fma(_line(gradient_y + at, left, reached, width, x0, x1, x2, x3), weight, gy)
    constant = ((sampled - gx * flow_x) - gy * flow_y) - tl.load(previous + k, inside, 0.0)
    tl.store(u1 + 6 * pixels + k, gx, inside)
    tl.store(u1 + 7 * pixels + k, gy, inside)
    tl.store(u1 + 8 * pixels + k, constant, inside)


@triton.jit
def _line(first, left, reached, width, x0, x1, x2, x3):
    """The weighted sum of four neighbours in a row."""
    line = tl.load(first, reached & (left >= 0) & (left < width), 0.0) * x0
    line = tl.fma(tl.load(first + 1, reached & (left >= -1) & (left < width - 1), 0.0), x1, line)
    line = tl.fma(tl.load(first + 2, reached & (left >= -2) & (left < width - 2), 0.0), x2, line)
    return tl.fma(tl.load(first + 3, reached & (left >= -3) & (left < width - 3), 0.0), x3, line)


@triton.jit
def _window(at, length):
    """The first of the four pixels around a position, and their bicubic weights."""
    at = tl.minimum(tl.maximum(at, -3.0), length + 1.0)  # farther out there is nothing to sample
    whole = tl.floor(at)
    fraction = at - whole
    rest = 1.0 - fraction
    w0 = CUBIC * (fraction * (rest * rest))
    w3 = CUBIC * ((fraction * fraction) * rest)
    w1 = tl.fma(fraction * fraction, tl.fma(CUBIC + 2.0, fraction, -(CUBIC + 3.0)), 1.0)
    return whole.to(tl.int32) - 1, w0, w1, ((1.0 - w0) - w1) - w3, w3


@triton.jit
def _median_filter(
    u1, height, width, MEDIAN: tl.constexpr, BLOCK: tl.constexpr, MEDIAN_BLOCK: tl.constexpr
):
    """Both components of the flow in place, by way of the scratch fields."""
    pixels = height * width
    scratch = u1 + 9 * pixels
    for component in tl.static_range(2):
        u = u1 + component * pixels
        for start in range(0, pixels, MEDIAN_BLOCK):
            k = start + tl.arange(0, MEDIAN_BLOCK)
            if MEDIAN == 5:
                medians = _median5(k, u, height, width)
            else:
                medians = _median3(k, u, height, width)
            tl.store(scratch + component * pixels + k, medians, k < pixels)
    tl.debug_barrier()
    for start in range(0, 2 * pixels, BLOCK):
        k = start + tl.arange(0, BLOCK)
        tl.store(u1 + k, tl.load(scratch + k, k < 2 * pixels), k < 2 * pixels)
    tl.debug_barrier()


@triton.jit
def _median5(k, u, height, width):
    """The median of a 5x5 window, columns and then rows sorted; see the numba kernel."""
    a0, b0, c0, d0, e0 = _column5(k, u, -2, height, width)
    a1, b1, c1, d1, e1 = _column5(k, u, -1, height, width)
    a2, b2, c2, d2, e2 = _column5(k, u, 0, height, width)
    a3, b3, c3, d3, e3 = _column5(k, u, 1, height, width)
    a4, b4, c4, d4, e4 = _column5(k, u, 2, height, width)
    _, _, _, a3, a4 = _sorted5(a0, a1, a2, a3, a4)
    _, _, b2, b3, b4 = _sorted5(b0, b1, b2, b3, b4)
    _, c1, c2, c3, _ = _sorted5(c0, c1, c2, c3, c4)
    d0, d1, d2, _, _ = _sorted5(d0, d1, d2, d3, d4)
    e0, e1, _, _, _ = _sorted5(e0, e1, e2, e3, e4)
    low = tl.maximum(tl.maximum(a3, b2), tl.maximum(c1, d0))
    high = tl.minimum(tl.minimum(b4, c3), tl.minimum(d2, e1))
    # The median is the 4th of seven: drop the extremes of five, and of what remains with each more.
    low, high = _ordered(low, high)
    a4, b3 = _ordered(a4, b3)
    low, a4 = _ordered(low, a4)
    high, b3 = _ordered(high, b3)
    low, c2 = _ordered(low, c2)
    c2, b3 = _ordered(c2, b3)
    high, a4 = _ordered(high, a4)
    high, c2 = _ordered(high, c2)
    c2, a4 = _ordered(c2, a4)
    high, d1 = _ordered(high, d1)
    d1, a4 = _ordered(d1, a4)
    _, median, _ = _sorted3(c2, d1, e0)
    return median


@triton.jit
def _median3(k, u, height, width):
    a0, b0, c0 = _column3(k, u, -1, height, width)
    a1, b1, c1 = _column3(k, u, 0, height, width)
    a2, b2, c2 = _column3(k, u, 1, height, width)
    _, middle, _ = _sorted3(b0, b1, b2)
    largest_low = tl.maximum(tl.maximum(a0, a1), a2)
    smallest_high = tl.minimum(tl.minimum(c0, c1), c2)
    _, median, _ = _sorted3(largest_low, middle, smallest_high)
    return median


@triton.jit
def _column5(k, u, dx, height, width):
    return _sorted5(
        _neighbour(k, u, dx, -2, height, width),
        _neighbour(k, u, dx, -1, height, width),
        _neighbour(k, u, dx, 0, height, width),
        _neighbour(k, u, dx, 1, height, width),
        _neighbour(k, u, dx, 2, height, width),
    )


@triton.jit
def _column3(k, u, dx, height, width):
    return _sorted3(
        _neighbour(k, u, dx, -1, height, width),
        _neighbour(k, u, dx, 0, height, width),
        _neighbour(k, u, dx, 1, height, width),
    )


@triton.jit
def _neighbour(k, u, dx, dy, height, width):
    """The value at an offset, edges repeated."""
    x, y = _position(k, width)
    x = tl.minimum(tl.maximum(x + dx, 0), width - 1)
    y = tl.minimum(tl.maximum(y + dy, 0), height - 1)
    return tl.load(u + y * width + x)


@triton.jit
def _ordered(a, b):
    return tl.minimum(a, b), tl.maximum(a, b)


@triton.jit
def _sorted3(a, b, c):
    a, b = _ordered(a, b)
    b, c = _ordered(b, c)
    a, b = _ordered(a, b)
    return a, b, c


@triton.jit
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


@triton.jit
def enlarge(coarse, fine, coarse_height, coarse_width, height, width, zoom, BLOCK: tl.constexpr):
    """Start a finer level: resize the flow bilinearly (cv2.INTER_LINEAR) and multiply it.

    Reads the first two fields of `coarse` (pairs, STATE_FIELDS, h, w), writes those of `fine`
    (pairs, STATE_FIELDS, H, W); `zoom` points to a float64, because OpenCV multiplies as that. A
    program a pair, component and block.
    """
    component = tl.program_id(1)
    pair = tl.program_id(0).to(tl.int64)
    source = coarse + (pair * STATE_FIELDS + component) * coarse_height * coarse_width
    target = fine + (pair * STATE_FIELDS + component) * height * width
    k = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    inside = k < height * width
    x, y = _position(k, width)
    left, right, weight_x = _linear_taps(x, coarse_width, width)
    top, bottom, weight_y = _linear_taps(y, coarse_height, height)
    above = _between(source + top * coarse_width, left, right, weight_x, inside)
    below = _between(source + bottom * coarse_width, left, right, weight_x, inside)
    flow = tl.fma(below - above, weight_y, above)
    tl.store(target + k, (flow.to(tl.float64) * tl.load(zoom)).to(tl.float32), inside)


@triton.jit
def _linear_taps(position, coarse_length, length):
    """The source pixels around a resized pixel's centre, and the weight of the second."""
    scale = coarse_length.to(tl.float64) / length.to(tl.float64)
    centre = (position.to(tl.float64) + 0.5) * scale - 0.5
    whole = tl.floor(centre)
    first = whole.to(tl.int32)
    last = coarse_length - 1
    before = tl.minimum(tl.maximum(first, 0), last)
    after = tl.minimum(tl.maximum(first + 1, 0), last)
    return before, after, (centre - whole).to(tl.float32)


@triton.jit
def _between(row, left, right, weight, inside):
    first = tl.load(row + left, inside, 0.0)
    second = tl.load(row + right, inside, 0.0)
    return tl.fma(second - first, weight, first)
