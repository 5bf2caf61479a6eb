"""The networks of the paper's tables, one file each; these and one's own are built by name."""

import importlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rev2net.errors import UserError, did_you_mean
from rev2net.models.spec import InputSpec, input_specs
from rev2net.own_code import is_own

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

    The name is one of ours, or "package.module:Class" of one's own (`models.network.VideoNetwork`
    says how to write one). `in_channels` is C of the input, the stack included: 3 for RGB, 2 for
    I3D's flow, 10 for the 2D networks' flow. `width` scales every layer's channels; 1 is the
    published network. Options are the keyword arguments of the network's class. Raises UserError
    for a name, channel number, width or option that it does not know.
    """
    specs = input_specs(name).values()
    spec = next((spec for spec in specs if spec.channels == in_channels), None)
    if spec is None:
        allowed = ", ".join(f"{spec.channels} ({spec.modality})" for spec in specs)
        raise UserError(
            f"model {name!r}: in_channels {in_channels} is not allowed; allowed: {allowed}"
        )
    return build_for(spec, name, num_classes, width, options)


def build_for(
    spec: InputSpec, name: str, num_classes: int, width: float, options: dict[str, Any]
) -> "VideoNetwork":
    """The same for one of the network's inputs, of which two may have as many channels."""
    if width <= 0:
        raise UserError(f"model {name!r}: width {width} is not allowed; allowed: above 0")
    network, fixed = _network(name)
    parameters = inspect.signature(network).parameters
    known = [
        option
        for option, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and option not in {"width", *fixed}
    ]
    for option in options:
        if option not in known:
            raise UserError(
                f"model {name!r}: option {option!r} is unknown; {did_you_mean(option, known)}"
            )
    return network(num_classes, spec, width=width, **fixed, **options)


def _network(name: str) -> "tuple[Callable[..., VideoNetwork], dict[str, Any]]":
    """The class of a network, and the options that its name fixes."""
    if is_own(name):
        from rev2net.models.own_network import own_class

        return own_class(name), {}
    module, class_name, fixed = _NETWORKS[name]
    return getattr(importlib.import_module(f"rev2net.models.{module}"), class_name), fixed
