"""What a network costs: parameters, multiply-adds, and the activations that its training keeps.

Everything is counted on torch's meta device, where tensors have shapes and no data: a network at
its published size takes no memory and no time worth the name.

Shapes: B clips; the rest as the network's input layout says.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from rev2net.models.actionflownet import ActionFlowNet
from rev2net.models.bn_inception import BLOCKS, BNInception
from rev2net.models.builder import build
from rev2net.models.i3d import I3D
from rev2net.models.network import VideoNetwork
from rev2net.models.off import OFF
from rev2net.models.resnet import ResNet50
from rev2net.models.spec import input_spec
from rev2net.models.weights import HEADS

Shape = tuple[int, ...]

OFF_SCALES = ("scale_28", "scale_14", "scale_7")


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
        network = build(name, num_classes, in_channels=spec.channels, width=width, **options)
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
    trunk = network.get_submodule("backbone") if hasattr(network, "backbone") else network
    layers: dict[str, nn.Module] = {}
    if isinstance(network, I3D):
        layers = {name: network.get_submodule(name) for name in network.channels}
    elif isinstance(trunk, ResNet50 | ActionFlowNet):  # a stage ends with its last block
        layers = {name: [*trunk.get_submodule(name).children()][-1] for name in trunk.stages}
    elif isinstance(network, OFF):
        layers = {name: network.get_submodule(name) for name in OFF_SCALES}
    x = torch.empty(shape, device="meta")
    with torch.no_grad():
        if isinstance(trunk, BNInception):  # its blocks are no modules
            maps = trunk.blocks(x.flatten(0, 1), list(BLOCKS))
            found = {f"inception_{name}": tuple(maps[name].shape) for name in BLOCKS}
        handles = [_note_shape(layer, name, found) for name, layer in layers.items()]
        logits = network(x)
    for handle in handles:
        handle.remove()
    return {**found, "logits": tuple(logits.shape)}


def _note_shape(layer: nn.Module, name: str, found: dict[str, Shape]) -> RemovableHandle:
    """Write down the shape of a layer's output whenever it runs."""

    def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
        found[name] = tuple(output.shape)

    return layer.register_forward_hook(note)
