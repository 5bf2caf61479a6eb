"""A network of one's own: the class that "package.module:Class" names, and what is asked of it.

Shapes: B clips, D features.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from rev2net import own_code
from rev2net.errors import UserError
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import InputSpec

BATCHES = (2, 1)  # clips that the outputs are looked at with: the last batch of a test has one
SIGNATURES = {
    "__init__": "(self, num_classes, input_spec, *, width=1.0), and options with defaults behind",
    "forward_train": "(self, x, *, decode_first=None)",
}


def own_class(name: str) -> type[VideoNetwork]:
    """Import a network's class; raises UserError, naming it, where it is not what is asked for.

    Asked for are a VideoNetwork that leaves no method abstract, its `input_specs`, and a
    constructor that takes (num_classes, input_spec, *, width) and options by name only.
    """
    found = own_code.load(name)
    if not (isinstance(found, type) and issubclass(found, VideoNetwork)):
        raise UserError(
            f"{name}: {_kind(found)}; needed: a class derived from "
            "rev2net.models.network.VideoNetwork"
        )
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise UserError(f"{name}: a VideoNetwork without {lacking}; needed: forward, forward_train")
    specs = found.input_specs
    right = isinstance(specs, dict) and all(
        isinstance(spec, InputSpec) and spec.modality == modality
        for modality, spec in specs.items()
    )
    if not specs or not right:
        raise UserError(
            f"{name}: input_specs is {specs!r:.80}; needed: an InputSpec of each modality that it "
            "takes, by modality, for example {'rgb': input_spec('i3d')}"
        )
    _check_signature(name, "__init__", found, 2, None, width=1.0)
    _check_signature(name, "forward_train", found.forward_train, found, None, decode_first=0)
    return found


def check_outputs(network: VideoNetwork, name: str, num_classes: int, x: Tensor) -> None:
    """Raise UserError where outputs have other shapes than logits (B, classes), features (B, D).

    `x` is one clip on the network's device, in its layout. The network is left in evaluation mode.
    """
    network.eval()
    num_features = None
    for clips in (x.expand(batch, *x.shape[1:]).contiguous() for batch in BATCHES):
        with torch.no_grad():
            logits, outputs = network(clips), network.forward_train(clips, decode_first=0)
        if not isinstance(outputs, dict):
            raise UserError(
                f"{name}: forward_train gives {_kind(outputs)}; needed: a dictionary of tensors"
            )
        _check_shape(name, "forward", logits, len(clips), num_classes)
        _check_shape(name, "logits", outputs.get("logits"), len(clips), num_classes)
        num_features = _check_shape(
            name, "features", outputs.get("features"), len(clips), num_features
        )


def _check_shape(name: str, what: str, value: object, rows: int, columns: int | None) -> int:
    """The columns of an output; any number is right where None is asked for."""
    shape = tuple(value.shape) if isinstance(value, Tensor) else ()
    if len(shape) != 2 or shape[0] != rows or shape[1] != (columns or shape[1]):
        found = f"shape {shape}" if isinstance(value, Tensor) else _kind(value)
        output = what if what == "forward" else f"forward_train()[{what!r}]"
        raise UserError(
            f"{name}: {output} is {found} for {rows} clips; needed: a tensor of shape "
            f"({rows}, {columns or 'D'})"
        )
    return shape[1]


def _check_signature(
    name: str, what: str, function: Callable[..., Any], *given: object, **named: object
) -> None:
    """Raise UserError for a function that does not take what it will be given."""
    signature = inspect.signature(function)
    try:
        signature.bind(*given, **named)
    except TypeError as error:
        raise UserError(f"{name}: {what}{signature}: {error}; needed: {SIGNATURES[what]}") from None


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{value!r:.60}, a {type(value).__name__}"
