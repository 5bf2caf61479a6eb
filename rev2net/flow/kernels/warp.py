"""Sampling the next frame where the flow points, as numba kernels.

Sampled images hold three channels, interleaved and framed by zeros: intensity and its x and y
gradient. A fourth, unused channel makes a pixel one vector of four floats. The frame is as wide as
a bicubic window, so that sampling outside of the image needs no special case.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

import numpy as np
from llvmlite import ir
from numba import float32, int32, types
from numba.core import cgutils
from numba.extending import intrinsic

from rev2net.flow.kernels.rounding import HALF, ONE, kernel
from rev2net.flow.kernels.vector import fma

FRAME = 4  # zeros around a sampled image, in pixels
CHANNELS = 4  # intensity, x gradient, y gradient, nothing
CUBIC = float32(-0.75)  # the free parameter of the bicubic kernel, as in OpenCV
TWO = float32(2)
THREE = float32(3)


@kernel()
def sampled_image(image):
    """(H, W) to (H + 2 FRAME, W + 2 FRAME, CHANNELS): intensity, central differences, framed."""
    height, width = image.shape
    framed = np.zeros((height + 2 * FRAME, width + 2 * FRAME, CHANNELS), np.float32)
    for y in range(height):
        above = image[max(y - 1, 0)]
        row = image[y]
        below = image[min(y + 1, height - 1)]
        out = framed[y + FRAME, FRAME : FRAME + width]
        for x in range(width):
            out[x, 0] = row[x]
            out[x, 1] = HALF * (row[min(x + 1, width - 1)] - row[max(x - 1, 0)])
            out[x, 2] = HALF * (below[x] - above[x])
    return framed


@intrinsic
def _weighted_window(typing_context, image, pixel, row_step, weights, column, columns):
    """Bicubic sum over the 4x4 window whose first channel is image[pixel]: three floats.

    `weights` is flat (8, columns): x weights, then y weights, of each output column. Numba has no
    vector type, and its loop vectoriser does not see that a pixel is a vector; this says so.
    """
    signature = types.UniTuple(types.float32, 3)(
        image, types.intp, types.intp, weights, types.intp, types.intp
    )
    vector = ir.VectorType(ir.FloatType(), CHANNELS)
    lane = ir.IntType(32)

    def codegen(context, builder, signature, arguments):
        image, pixel, row_step, weights, column, columns = arguments
        fused = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(vector, [vector] * 3), "llvm.fma.v4f32"
        )
        pixels = cgutils.create_struct_proxy(signature.args[0])(context, builder, image).data
        table = cgutils.create_struct_proxy(signature.args[3])(context, builder, weights).data

        def weight(k):
            value = builder.load(builder.gep(table, [column]))
            single = builder.insert_element(vector(ir.Undefined), value, lane(0))
            return builder.shuffle_vector(
                single, vector(ir.Undefined), ir.Constant(ir.VectorType(lane, CHANNELS), [0] * 4)
            )

        spread = []
        for k in range(8):
            spread.append(weight(k))
            column = builder.add(column, columns)
        total = vector([0.0] * CHANNELS)
        for row in range(4):
            taps = []
            for tap in range(4):
                offset = builder.add(pixel, pixel.type(tap * CHANNELS))
                place = builder.bitcast(builder.gep(pixels, [offset]), vector.as_pointer())
                taps.append(builder.load(place, align=4))
            line = builder.fmul(taps[0], spread[0])
            for tap in range(1, 4):
                line = builder.call(fused, [taps[tap], spread[tap], line])
            total = builder.call(fused, [line, spread[4 + row], total])
            pixel = builder.add(pixel, row_step)
        channels = [builder.extract_element(total, lane(channel)) for channel in range(3)]
        return context.make_tuple(builder, signature.return_type, channels)

    return signature, codegen


@kernel()
def _cubic_weights(position):
    """The four bicubic weights of a fractional position in 0..1."""
    rest = ONE - position
    first = CUBIC * (position * (rest * rest))
    last = CUBIC * ((position * position) * rest)
    slope = fma(CUBIC + TWO, position, -(CUBIC + THREE))
    second = fma(position * position, slope, ONE)
    return first, second, ((ONE - first) - second) - last, last


@kernel()
def _window(at, length):
    """The first of the four framed pixels around a position, and the position's fraction.

    A position from which no pixel of the image is reached stands for all such.
    """
    at = min(max(at, float32(1 - FRAME)), float32(length + 1))
    whole = np.floor(at)
    return int32(whole) + int32(FRAME - 1), at - whole


@kernel()
def _place_windows(row_y, flow_x, flow_y, height, row_step, pixel, weights):
    width = flow_x.shape[0]
    x0, x1, x2, x3 = weights[0], weights[1], weights[2], weights[3]
    y0, y1, y2, y3 = weights[4], weights[5], weights[6], weights[7]
    for x in range(width):
        left, fraction_x = _window(float32(int32(x)) + flow_x[x], width)
        top, fraction_y = _window(row_y + flow_y[x], height)
        pixel[x] = top * row_step + left * int32(CHANNELS)
        x0[x], x1[x], x2[x], x3[x] = _cubic_weights(fraction_x)
        y0[x], y1[x], y2[x], y3[x] = _cubic_weights(fraction_y)


@kernel()
def _sum_windows(flat, pixel, row_step, table, intensity, gradient_x, gradient_y):
    width = intensity.shape[0]
    for x in range(width):
        intensity[x], gradient_x[x], gradient_y[x] = _weighted_window(
            flat, pixel[x], row_step, table, x, width
        )


@kernel()
def linearise(previous, framed, fields):
    """Sample a framed next image at every pixel moved by the flow, and linearise around that.

    Reads u1, u2 of `fields` (see `iteration`) and writes its last three: the sampled gradient in x
    and y (cv2.remap, INTER_CUBIC), and the part of the residual that does not depend on the flow.
    """
    height, width = previous.shape
    stride = width + 1
    u1, u2, gx, gy, constant = fields[0], fields[1], fields[6], fields[7], fields[8]
    flat = framed.reshape(-1)
    row_step = framed.shape[1] * CHANNELS
    weights = np.empty((8, width), np.float32)
    table = weights.reshape(-1)
    pixel = np.empty(width, np.int32)
    for y in range(height):
        i, j = (y + 1) * stride, (y + 2) * stride - 1
        _place_windows(float32(y), u1[i:j], u2[i:j], height, int32(row_step), pixel, weights)
        _sum_windows(flat, pixel, row_step, table, constant[i:j], gx[i:j], gy[i:j])
        _subtract(previous[y], u1[i:j], u2[i:j], gx[i:j], gy[i:j], constant[i:j])


@kernel()
def _subtract(previous, u1, u2, gx, gy, constant):
    for x in range(u1.shape[0]):
        constant[x] = ((constant[x] - gx[x] * u1[x]) - gy[x] * u2[x]) - previous[x]
