"""What every network is: the interface that training and evaluation use, in 3D and in 2D.

Shapes: B clips, T segments, C channels, H x W pixels, N = B * T images, D features.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rev2net.errors import UserError
from rev2net.models.layers import initialise_classifier
from rev2net.models.spec import InputSpec

Outputs = dict[str, Tensor | list[Tensor]]


class VideoNetwork(nn.Module, ABC):
    """A classifier of clips.

    `model(x)` gives logits (B, num_classes). `model.forward_train(x)` gives a dictionary with at
    least "logits" and "features" (B, D): the pooled features before dropout and classifier, which
    domain adaptation compares.

    A network of one's own derives from this class, in any module that is importable from the folder
    where one works, and is named "package.module:Class" where ours are named "i3d":

    - `input_specs`, a class attribute: what it takes, an `InputSpec` of each modality ("rgb",
      "flow", "rgbdiff"). Clips come cut, laid out and normalised as it says; their length and size
      are the recipe's.
    - The constructor is `Class(num_classes, input_spec, *, width=1.0, …)`: `input_spec` is the one
      of the modality to be trained, `width` the recipe's `network.width` (1: the published channel
      numbers; `models.layers.scaled`), and every other argument an option with a default, by name,
      which `network.options` of the recipe sets. It passes `input_spec` on to this class.
    - `forward` and `forward_train`, as below. Further outputs of `forward_train` are what the loss
      terms take that a recipe gives a weight: "flow" (B, 2, T, H, W) in units of the mean flow of
      the training clips, "frames" (B, 3, T, H, W) in [-1, 1] in reversed order, "mask", and
      further classifiers as "logits_<name>" (`training.objective` names them all).
    - A last layer called `classifier`, `logits` or `fc` starts fresh where a checkpoint was of
      other classes, and has the learning-rate factor of the head; modules whose names begin with
      `flow_` or `frame_` are decoders, which have that of decoders and no pretrained weights.
      `self.lay_out(x)` gives the layout that the configuration asks for, `self.check(x)` refuses an
      input that is too small. `parts`, `stages`, `share_gradient` and `after_backward` may be left
      out.
    """

    input_specs: ClassVar[Mapping[str, InputSpec]] = {}  # of one's own; ours: `models.spec.SPECS`
    channels_last: bool = True  # layout of the activations: the fast one, on the CPU by far

    def __init__(self, input_spec: InputSpec) -> None:
        super().__init__()
        self.input_spec = input_spec

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, num_classes) of clips in the layout of `input_spec`."""

    @abstractmethod
    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        """Everything that training needs from one pass; "logits" and "features" for testing.

        `decode_first=n` runs the networks' decoders, where there are any, on the first n clips of
        the batch only (none where n is 0, None: all); classification always covers the whole batch.
        """

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Parts of the network that a training tells apart when it looks where gradients go."""
        return {}

    def share_gradient(self, share: float | None) -> None:
        """Set `loss.share`, where auxiliary tasks branch off an encoder (`models.junction`)."""

    def after_backward(self) -> None:
        """Called once a step of a training, after its backward passes and before its update."""

    def stages(self) -> dict[str, nn.Module]:
        """The layers whose outputs have names in the network's paper, in order."""
        return {}

    def lay_out(self, x: Tensor) -> Tensor:
        """Images or clips in the layout that the layers after them will keep."""
        if not self.channels_last:
            return x.contiguous()
        layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
        return x.contiguous(memory_format=layouts[x.ndim])

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


class Backbone(nn.Module, ABC):
    """A 2D network without its classifier: maps (N, out_channels, H', W') of images x_NCHW."""

    out_channels: int

    @abstractmethod
    def forward(self, x_NCHW: Tensor, num_segments: int) -> Tensor: ...

    @abstractmethod
    def stages(self) -> dict[str, nn.Module]:
        """As a VideoNetwork's."""


class SegmentNetwork(VideoNetwork):
    """A 2D backbone on every segment; a clip's logits are the mean of its segments' (TSN).

    Logits (B, num_classes) from segments x_BTCHW. `dropout` None is `usual_dropout`. `partial_bn`:
    while training, every batch normalisation but the first keeps its statistics, scale and shift
    (TSN section 3.2; meant for pretrained weights).
    """

    def __init__(
        self,
        num_classes: int,
        input_spec: InputSpec,
        *,
        width: float = 1.0,
        dropout: float | None = None,
        partial_bn: bool = False,
    ) -> None:
        super().__init__(input_spec)
        self.partial_bn = partial_bn
        self.backbone = self.make_backbone(width)
        self.dropout = nn.Dropout(self.usual_dropout() if dropout is None else dropout)
        self.classifier = nn.Linear(self.backbone.out_channels, num_classes)
        initialise_classifier(self.classifier, std=0.001)
        self.train()

    @abstractmethod
    def make_backbone(self, width: float) -> Backbone:
        """The method's backbone for images of `input_spec.channels` channels."""

    def usual_dropout(self) -> float:
        """TSM's on Kinetics."""
        return 0.5

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.segment_features(x))

    def forward_train(self, x: Tensor, *, decode_first: int | None = None) -> Outputs:
        features_BTD = self.segment_features(x)
        return {"logits": self.classify(features_BTD), "features": features_BTD.mean(1)}

    def stages(self) -> dict[str, nn.Module]:
        return self.backbone.stages()

    def segment_features(self, x: Tensor) -> Tensor:
        """Features (B, T, D) of x_BTCHW, averaged over positions."""
        self.check(x)
        x_NCHW = self.lay_out(x.flatten(0, 1))
        maps_NDHW = self.backbone(x_NCHW, x.shape[1])
        return maps_NDHW.mean((2, 3)).unflatten(0, x.shape[:2])

    def classify(self, features_BTD: Tensor) -> Tensor:
        return self.classifier(self.dropout(features_BTD)).mean(1)

    def train(self, mode: bool = True) -> "SegmentNetwork":
        super().train(mode)
        norms = [m for m in self.modules() if isinstance(m, _BatchNorm)]  # synchronised or not
        for norm in norms[1:]:
            norm.train(mode and not self.partial_bn)
            norm.requires_grad_(not self.partial_bn)
        return self
