"""A term of one's own that makes features alike: the function that "package.module:function" names.

Shapes: B source and B target clips, D features.
"""

import inspect
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from rev2net import own_code
from rev2net.errors import UserError

# Of source and target features, each (B, D), float32, in training those of all processes: the
# scalar that is minimised.
Adaptation: TypeAlias = Callable[[Tensor, Tensor], Tensor]

CLIPS = 4  # of each domain, that it is tried on


def load_adaptation(name: str, num_features: int) -> Adaptation:
    """Import a function and try it on a few features of D numbers.

    Raises UserError, naming it, where it takes something else, gives no scalar, or one without a
    gradient with respect to the features.
    """
    function: Adaptation = own_code.load(name)
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise UserError(
            f"{name}: {function!r:.60}: {error}; needed: a function (source, target) of features "
            "(B, D) each"
        ) from None
    steps = torch.linspace(-1, 1, CLIPS * num_features).reshape(CLIPS, num_features)
    source, target = (features.requires_grad_() for features in (steps.sin(), steps.cos()))
    value = function(source, target)
    if not isinstance(value, Tensor) or value.ndim > 0:
        found = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r:.60}"
        raise UserError(f"{name}: gives {found}; needed: a tensor without axes, shape ()")
    reached = value.requires_grad and any(
        gradient is not None
        for gradient in torch.autograd.grad(value, (source, target), allow_unused=True)
    )
    if not reached:
        raise UserError(
            f"{name}: its value has no gradient with respect to the features; needed: one that "
            "torch can differentiate"
        )
    return function
