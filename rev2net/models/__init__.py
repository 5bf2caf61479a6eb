"""The networks of the paper's tables, one file each; built by name."""

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from rev2net.errors import UserError
from rev2net.models.spec import did_you_mean, input_specs

if TYPE_CHECKING:
    from rev2net.models.network import VideoNetwork

# name: module, class, options that the name fixes. Without the discrepancy penalty Rev2Net is
# the same network, trained with two loss weights at zero.
_NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "tsn": ("tsn", "TSN", {}),
    "tsm": ("tsm", "TSM", {}),
    "stm": ("stm", "STM", {}),
    "off": ("off", "OFF", {}),
    "actionflownet": ("actionflownet", "ActionFlowNet", {}),
    "i3d": ("i3d", "I3D", {}),
    "rev2net": ("rev2net", "Rev2Net", {}),
    "rev2net-noframe": ("rev2net", "Rev2Net", {"use_frame_decoder": False}),
    "rev2net-noflow": ("rev2net", "Rev2Net", {"use_flow_decoder": False}),
    "rev2net-noddp": ("rev2net", "Rev2Net", {}),
}


def build(
    name: str, num_classes: int, *, in_channels: int = 3, width: float = 1.0, **options: Any
) -> "VideoNetwork":
    """Build a network by name, with fresh weights.

    `in_channels` is C of the input, the stack included: 3 for RGB, 2 for I3D's flow, 10 for the 2D
    networks' flow. `width` scales every layer's channels; 1 is the published network. Options are
    the keyword arguments of the network's class. Raises UserError for a name, channel number,
    width or option that it does not know.
    """
    specs = {spec.channels: spec for spec in input_specs(name).values()}
    if width <= 0:
        raise UserError(f"model {name!r}: width {width} is not allowed; allowed: above 0")
    if in_channels not in specs:
        allowed = ", ".join(f"{spec.channels} ({spec.modality})" for spec in specs.values())
        raise UserError(
            f"model {name!r}: in_channels {in_channels} is not allowed; allowed: {allowed}"
        )
    module, class_name, fixed = _NETWORKS[name]
    network = getattr(importlib.import_module(f"rev2net.models.{module}"), class_name)
    known = [
        option
        for option, parameter in inspect.signature(network).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and option not in {"width", *fixed}
    ]
    for option in options:
        if option not in known:
            raise UserError(
                f"model {name!r}: option {option!r} is unknown; {did_you_mean(option, known)}"
            )
    return network(num_classes, specs[in_channels], width=width, **fixed, **options)
