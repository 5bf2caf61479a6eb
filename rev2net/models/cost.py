"""What a network costs: parameters, multiply-adds, and the activations that its training keeps.

Everything is counted on torch's meta device, where tensors have shapes and no data: a network at
its published size takes no memory and no time worth the name.

Shapes: B clips; the rest as the network's input layout says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

from rev2net.models import build_for
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import input_spec
from rev2net.models.weights import HEADS

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """The costs of one clip; B is 1 in every shape."""

    parameters: int
    parameters_without_head: int  # the classifier's left out
    multiply_adds: int  # of model(x); every filter tap counts, those on padding too
    training_multiply_adds: int  # of forward_train, decoders included; the backward pass not
    activation_bytes: int  # float32, kept by forward_train for its backward pass
    input_shape: Shape
    endpoints: dict[str, Shape]  # named activations, in the order of the forward pass


def measure(
    name: str,
    modality: str = "rgb",
    *,
    num_classes: int = 101,
    length: int | None = None,
    size: int | None = None,
    width: float = 1.0,
    **options: Any,
) -> Cost:
    """The cost of a network by name, at its published input unless `length` or `size` are given.

    `options` are the builder's. Raises UserError as `build` and the network's own check do.
    """
    spec = input_spec(name, modality)
    with torch.device("meta"):
        network = build_for(spec, name, num_classes, width, options)
    side = size or spec.size
    axes = {"B": 1, "C": spec.channels, "T": length or spec.length, "H": side, "W": side}
    shape = tuple(axes[axis] for axis in spec.layout)
    head = sum(p.numel() for key, p in network.named_parameters() if key.startswith(HEADS))
    parameters = sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as training:
        kept_bytes = activation_bytes(network, *shape)
    return Cost(
        parameters=parameters,
        parameters_without_head=parameters - head,
        multiply_adds=multiply_adds(network, *shape),
        training_multiply_adds=int(training.get_total_flops()) // 2,
        activation_bytes=kept_bytes,
        input_shape=shape,
        endpoints=endpoints(network, *shape),
    )


def multiply_adds(run: Callable[[Tensor], Any], *shape: int) -> int:
    """Multiply-adds of convolutions and matrix products in `run(x)`, of a network on "meta"."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run(torch.empty(shape, device="meta"))
    return int(counter.get_total_flops()) // 2


def activation_bytes(network: VideoNetwork, *shape: int) -> int:
    """Bytes that `forward_train(x)` keeps for its backward pass, x being float32 of the shape.

    Each piece of memory counts once, however many layers keep it; parameters do not count. What a
    step needs beside (the gradients on their way back, a convolution's workspace) is not in it.
    On "meta" this is right for one clip: of more, its 3D max pool gives another memory layout than
    real devices, and layers then keep copies that they would not need.
    """
    owned = {parameter.untyped_storage()._cdata for parameter in network.parameters()}
    kept: dict[int, Tensor] = {}  # held until the end, so that no address is used twice

    def keep(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage()._cdata
        if address not in owned:
            kept[address] = tensor
        return tensor

    network.train()
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        device = next(network.parameters()).device
        outputs = network.forward_train(torch.zeros(shape, device=device))
    del outputs
    network.eval()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def endpoints(network: VideoNetwork, *shape: int) -> dict[str, Shape]:
    """The shapes of the activations that a network has names for, of a network on "meta".

    In 2D networks B and T are one axis: every segment is an image.
    """
    found: dict[str, Shape] = {}
    handles = [
        layer.register_forward_hook(partial(_note_shape, found, name))
        for name, layer in network.stages().items()
    ]
    with torch.no_grad():
        logits = network(torch.empty(shape, device="meta"))
    for handle in handles:
        handle.remove()
    return {**found, "logits": tuple(logits.shape)}


def _note_shape(
    found: dict[str, Shape], name: str, module: nn.Module, inputs: Any, output: Tensor
) -> None:
    found[name] = tuple(output.shape)
