"""What every network is: the interface that training and evaluation use, and the width rule."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from rev2net.errors import UserError
from rev2net.models.spec import InputSpec

Outputs = dict[str, Tensor | list[Tensor]]


class VideoNetwork(nn.Module, ABC):
    """A classifier of clips.

    `model(x)` gives logits (B, num_classes). `model.forward_train(x)` gives a dictionary with at
    least "logits" and "features" (B, D): the pooled features before dropout and classifier, which
    domain adaptation compares.
    """

    channels_last: bool = True  # layout of the activations: the fast one, on the CPU by far

    def __init__(self, input_spec: InputSpec) -> None:
        super().__init__()
        self.input_spec = input_spec

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor: ...

    @abstractmethod
    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        """Everything that training needs from one pass.

        `decode_first=n` runs the networks' decoders, where there are any, on the first n clips of
        the batch only; classification always covers the whole batch.
        """

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parts of the network that a training tells apart when it looks where gradients go."""
        return {}

    def lay_out(self, x: Tensor) -> Tensor:
        """Images or clips in the layout that the layers after them will keep."""
        if not self.channels_last:
            return x.contiguous()
        three_d = x.ndim == 5
        return x.contiguous(
            memory_format=torch.channels_last_3d if three_d else torch.channels_last
        )

    def check(self, x: Tensor) -> None:
        """Raise UserError unless x has the layout, channels and least size of the network."""
        spec, layout = self.input_spec, self.input_spec.layout
        given = f"{type(self).__name__}: input of shape {tuple(x.shape)}"
        if x.ndim != len(layout):
            raise UserError(f"{given} has {x.ndim} dimensions; needed: {', '.join(layout)}")
        sizes = dict(zip(layout, x.shape, strict=True))
        if sizes["C"] != spec.channels:
            raise UserError(f"{given} has {sizes['C']} channels; needed: {spec.channels}")
        if sizes["T"] < spec.min_length:
            raise UserError(
                f"{given} has {sizes['T']} {spec.time_axis}; needed: at least {spec.min_length}"
            )
        if min(sizes["H"], sizes["W"]) < spec.min_size:
            raise UserError(
                f"{given} is {sizes['W']}x{sizes['H']} pixels; "
                f"needed: at least {spec.min_size}x{spec.min_size}"
            )


def scaled(channels: int, width: float) -> int:
    """A layer's channels at a width: the nearest multiple of 8 (halves up), at least 8.

    All published channel numbers here are multiples of 8, so width 1 is the published network.
    """
    return max(8, 8 * int(channels * width / 8 + 0.5))


def initialise_convolutions(module: nn.Module) -> None:
    """He's normal initialisation, fan-out mode, of every convolution; biases start at zero."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def initialise_classifier(layer: nn.Linear | nn.Conv3d, std: float) -> None:
    """Small normal weights and a zero bias, so that training starts from even class scores."""
    nn.init.normal_(layer.weight, std=std)
    if layer.bias is not None:
        torch.nn.init.zeros_(layer.bias)
