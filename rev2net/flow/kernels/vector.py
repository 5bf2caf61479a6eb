"""A numba type for LANES floats at once, so that kernels say themselves what runs in parallel.

Numba's vectoriser takes one hardware vector of a long loop at a time, each step waiting for the one
before. LANES are two such vectors with AVX2 and one with AVX-512 (four with 128-bit units): chains
of operations that are independent hide each other's latency. Operators take vectors and single
floats, rounding each lane as IEEE says; what is below also works on single floats, except `load`,
`store`, `reciprocal_root` and `lane_sum`. As LANES is the same everywhere, so is the order of sums.
"""

# mypy: ignore-errors
# Numba infers the types of kernels from what they are called with.

import operator

from llvmlite import ir
from numba import float32, types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 16

_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_BOOLEANS = ir.VectorType(ir.IntType(1), LANES)
_INDEX = ir.IntType(32)
_ESTIMATED = ("arcp", "afn", "nnan", "ninf")  # fast-math flags that allow the CPU's estimate


class Floats(types.Type):
    """LANES float32."""


class Booleans(types.Type):
    """What comparing `Floats` gives."""


FLOATS, BOOLEANS = Floats("floats"), Booleans("booleans")


@register_model(Floats)
class _FloatsModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, _FLOATS)


@register_model(Booleans)
class _BooleansModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type):
        super().__init__(manager, numba_type, _BOOLEANS)


def _spread(builder, value):
    """A single float in every lane."""
    if value.type == _FLOATS:
        return value
    single = builder.insert_element(_FLOATS(ir.Undefined), value, _INDEX(0))
    zeros = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
    return builder.shuffle_vector(single, _FLOATS(ir.Undefined), zeros)


def _define(operation, build, result, *cases):
    """Give an operator of Python a meaning for vectors."""
    signatures = [signature(result, *case) for case in cases]
    infer_global(operation)(type("Operator", (ConcreteTemplate,), {"cases": signatures}))

    def lower(context, builder, signature, arguments):
        return build(builder, *(_spread(builder, value) for value in arguments))

    for case in cases:
        lower_builtin(operation, *case)(lower)


_PAIRS = (FLOATS, FLOATS), (FLOATS, float32), (float32, FLOATS)
_define(operator.add, ir.IRBuilder.fadd, FLOATS, *_PAIRS)
_define(operator.sub, ir.IRBuilder.fsub, FLOATS, *_PAIRS)
_define(operator.mul, ir.IRBuilder.fmul, FLOATS, *_PAIRS)
_define(operator.truediv, ir.IRBuilder.fdiv, FLOATS, *_PAIRS)
_define(operator.gt, lambda builder, x, y: builder.fcmp_ordered(">", x, y), BOOLEANS, *_PAIRS)
_define(operator.neg, ir.IRBuilder.fneg, FLOATS, (FLOATS,))


def _place(context, builder, array_type, array, k):
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [k]), _FLOATS.as_pointer())


@intrinsic
def load(typing_context, array, k):
    """array[k : k + LANES] of a flat float32 array; no bounds are checked."""

    def codegen(context, builder, signature, arguments):
        return builder.load(_place(context, builder, signature.args[0], *arguments), align=4)

    return FLOATS(array, types.uintp), codegen


@intrinsic
def store(typing_context, array, k, value):
    """array[k : k + LANES] = value."""

    def codegen(context, builder, signature, arguments):
        array, k, value = arguments
        builder.store(value, _place(context, builder, signature.args[0], array, k), align=4)
        return context.get_dummy_value()

    return types.void(array, types.uintp, FLOATS), codegen


@intrinsic
def where(typing_context, condition, x, y):
    """x where the condition holds, y elsewhere."""

    def codegen(context, builder, signature, arguments):
        condition, x, y = arguments
        if signature.return_type == FLOATS:
            x, y = _spread(builder, x), _spread(builder, y)
        return builder.select(condition, x, y)

    return (FLOATS if condition == BOOLEANS else float32)(condition, x, y), codegen


@intrinsic
def fma(typing_context, a, b, c):
    """a * b + c, rounded once."""

    def codegen(context, builder, signature, arguments):
        if signature.return_type == float32:
            return builder.fma(*arguments)
        fused = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_FLOATS, [_FLOATS] * 3), f"llvm.fma.v{LANES}f32"
        )
        return builder.call(fused, [_spread(builder, value) for value in arguments])

    return (FLOATS if FLOATS in (a, b, c) else float32)(a, b, c), codegen


@intrinsic
def reciprocal_root(typing_context, x):
    """1 / sqrt(x) within a few units in the last place, by the CPU's estimate."""

    def codegen(context, builder, signature, arguments):
        root = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_FLOATS, [_FLOATS]), f"llvm.sqrt.v{LANES}f32"
        )
        value = builder.call(root, arguments, fastmath=_ESTIMATED)
        return builder.fdiv(_FLOATS([1.0] * LANES), value, flags=_ESTIMATED)

    return FLOATS(FLOATS), codegen


@intrinsic
def lane_sum(typing_context, x):
    """The sum of the lanes, halves added until one is left."""

    def codegen(context, builder, signature, arguments):
        (value,) = arguments
        count = LANES
        while count > 1:
            count //= 2
            half = ir.VectorType(_INDEX, count)
            low, high = half(list(range(count))), half(list(range(count, 2 * count)))
            nothing = value.type(ir.Undefined)
            value = builder.fadd(
                builder.shuffle_vector(value, nothing, low),
                builder.shuffle_vector(value, nothing, high),
            )
        return builder.extract_element(value, _INDEX(0))

    return float32(FLOATS), codegen


@intrinsic
def spread(typing_context, x):
    """A single float in every lane."""

    def codegen(context, builder, signature, arguments):
        return _spread(builder, arguments[0])

    return FLOATS(float32), codegen
