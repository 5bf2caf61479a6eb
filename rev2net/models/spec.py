"""What each network takes, at a glance and without torch: layout, value range, published size.

Of a network of one's own its class is asked, which imports torch.

The clip loader reads an `InputSpec` to cut and normalise clips, the networks check their input
against the same one. Sources are the methods' own papers and code, except where a line says ours.
"""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from rev2net.errors import UserError, did_you_mean
from rev2net.own_code import is_own

Modality = Literal["rgb", "flow", "rgbdiff"]
Kind = Literal["rgb", "flow"]  # of stored images, one set of shards each

STACK = 5  # flow fields, or frame differences, that one segment stacks in its channels (TSN)


@dataclass(frozen=True)
class InputSpec:
    """The tensor a network takes for one modality.

    B clips, C channels, T frames of a dense clip or segments spread over the whole video, H x W
    pixels, float32. Normalisation is `(value - mean) / std`, channel by channel, where value is in
    [0, 1] for RGB frames, their difference for RGB differences, and in units of the flow bound,
    [-1, 1], for flow. `mean` and `std` have one entry per channel of one image (x and y of flow),
    so a stack repeats them.

    A network of one's own says what it takes by one of these a modality; often it is that of one of
    ours: `replace(input_spec("i3d"), length=16, size=112)`, with `dataclasses.replace`. Raises
    UserError for fields that do not fit together.
    """

    modality: Modality
    layout: Literal["BCTHW", "BTCHW"]
    time_axis: Literal["frames", "segments"]  # what T counts
    value_range: Literal["symmetric", "imagenet"]  # the name of the normalisation below
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: int  # C, the stack included
    stack: int  # consecutive images (flow fields, frame differences) in C
    length: int  # T as published; trainings have that of their recipe, as for the size
    size: int  # height and width as published, pixels
    min_length: int
    min_size: int

    def __post_init__(self) -> None:
        kinds = get_args(Modality)
        if self.modality not in kinds:
            raise UserError(f"InputSpec: modality {self.modality!r}; allowed: {', '.join(kinds)}")
        colours = 2 if self.modality == "flow" else 3
        layouts = (("BCTHW", "frames"), ("BTCHW", "segments"))
        for name, found, allowed in (
            ("layout, time_axis", (self.layout, self.time_axis), layouts),
            ("means and deviations", (len(self.mean), len(self.std)), ((colours, colours),)),
            ("channels", self.channels, (colours * self.stack,)),
        ):
            if found not in allowed:
                words = " or ".join(map(str, allowed))
                raise UserError(f"InputSpec of {self.modality}: {name} {found}; allowed: {words}")
        if self.layout == "BCTHW" and self.images > 1:
            raise UserError(
                f"InputSpec of {self.modality}: {self.images} images in C; layout BCTHW has one "
                "(stacks and differences are of BTCHW)"
            )

    @property
    def kind(self) -> Kind:
        """The stored images that clips are read from: differences are taken of RGB frames."""
        return "flow" if self.modality == "flow" else "rgb"

    @property
    def images(self) -> int:
        """Stored images a segment (or frame of a clip) takes: n differences take n + 1 frames."""
        return self.stack + (self.modality == "rgbdiff")


_SYMMETRIC_RGB = InputSpec(
    modality="rgb",
    layout="BCTHW",
    time_axis="frames",
    value_range="symmetric",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    channels=3,
    stack=1,
    length=64,
    size=224,
    min_length=8,  # one step of the temporal stride: fewer frames would be mostly padding
    min_size=32,
)
_SYMMETRIC_FLOW = replace(
    _SYMMETRIC_RGB, modality="flow", mean=(0.0, 0.0), std=(1.0, 1.0), channels=2
)
_IMAGENET_RGB = replace(
    _SYMMETRIC_RGB,
    layout="BTCHW",
    time_axis="segments",
    value_range="imagenet",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    length=3,
    min_length=1,
)
# TSM's code: a flow byte over 255 is divided by 0.226, the mean of the deviations above, and a
# difference by twice that. In units of the bound, half a byte's range, both are 0.452.
_IMAGENET_FLOW = replace(
    _IMAGENET_RGB,
    modality="flow",
    mean=(0.0, 0.0),
    std=(0.452, 0.452),
    channels=2 * STACK,
    stack=STACK,
)
_IMAGENET_DIFFERENCE = replace(
    _IMAGENET_RGB,
    modality="rgbdiff",
    mean=(0.0, 0.0, 0.0),
    std=(0.452, 0.452, 0.452),
    channels=3 * STACK,
    stack=STACK,
)


def _segments(length: int, *specs: InputSpec, min_length: int = 1) -> dict[str, InputSpec]:
    return {s.modality: replace(s, length=length, min_length=min_length) for s in specs}


_REV2NET = {"rgb": _SYMMETRIC_RGB}
_ACTIONFLOWNET = {"rgb": replace(_SYMMETRIC_RGB, length=16)}  # ours: the paper is silent

SPECS: dict[str, dict[str, InputSpec]] = {
    "tsn": _segments(3, _IMAGENET_RGB, _IMAGENET_FLOW, _IMAGENET_DIFFERENCE),
    "tsm": _segments(8, _IMAGENET_RGB, _IMAGENET_FLOW, min_length=2),
    "stm": _segments(8, _IMAGENET_RGB, min_length=2),
    "off": _segments(7, _IMAGENET_RGB, _IMAGENET_FLOW, _IMAGENET_DIFFERENCE, min_length=2),
    "actionflownet": _ACTIONFLOWNET,
    "i3d": {"rgb": _SYMMETRIC_RGB, "flow": _SYMMETRIC_FLOW},
    "rev2net": _REV2NET,
    "rev2net-noframe": _REV2NET,
    "rev2net-noflow": _REV2NET,
    "rev2net-noddp": _REV2NET,
}


def input_spec(name: str, modality: str = "rgb") -> InputSpec:
    """The input of a network for a modality, without building it.

    Raises UserError for an unknown network or a modality that it does not take.
    """
    specs = input_specs(name)
    if modality not in specs:
        raise UserError(
            f"model {name!r} does not take input {modality!r}; allowed: {', '.join(specs)}"
        )
    return specs[modality]


def input_specs(name: str) -> dict[str, InputSpec]:
    """The inputs of a network, one of ours or one's own, by modality.

    Raises UserError for an unknown network, and as `models.own_network.own_class` does.
    """
    if is_own(name):
        from rev2net.models.own_network import own_class

        return dict(own_class(name).input_specs)
    if name not in SPECS:
        raise UserError(f"model {name!r} is unknown; {did_you_mean(name, list(SPECS))}")
    return SPECS[name]
