"""Methods: the compared systems of the paper, and those that a configuration adds by name."""

from typing import Annotated, Literal

from pydantic import Field

from rev2net.config.data import Name
from rev2net.config.section import Section

# "package.module:name" of something of one's own, importable from the folder where one works.
OWN_CODE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
Term = Literal["flow", "frames", "feature_discrepancy", "latent_discrepancy", "mask"]


class MethodSettings(Section):
    """A compared system: its network, what tables call it, whose recipe it uses without what."""

    # A network of ours (`rev2net models` lists them), or a class of one's own.
    network: Annotated[str, Field(pattern=rf"^([a-z0-9-]+|{OWN_CODE})$")]
    label: str | None = None  # none: the method's name
    recipe: Name | None = None  # recipes are named "<recipe>.<input>"; none: the method's name
    without: tuple[Term, ...] = ()  # loss terms whose weight is 0


class Method(MethodSettings):
    """The same with nothing left open."""

    label: str
    recipe: Name

    @classmethod
    def of(cls, name: str, settings: MethodSettings) -> "Method":
        """A method under the name that the configuration gives it."""
        return cls(
            network=settings.network,
            label=settings.label or name,
            recipe=settings.recipe or name,
            without=settings.without,
        )


_DISCREPANCY: tuple[Term, ...] = ("feature_discrepancy", "latent_discrepancy")


def _shipped(label: str, network: str, recipe: str, without: tuple[Term, ...] = ()) -> Method:
    return Method(network=network, label=label, recipe=recipe, without=without)


METHODS: dict[str, Method] = {
    "tsn": _shipped("TSN", "tsn", "tsn"),
    "tsm": _shipped("TSM", "tsm", "tsm"),
    "stm": _shipped("STM", "stm", "stm"),
    "off": _shipped("Sun-OFF", "off", "off"),
    "actionflownet": _shipped("ActionFlowNet", "actionflownet", "actionflownet"),
    "i3d": _shipped("I3D", "i3d", "i3d"),
    "rev2net": _shipped("Rev2Net", "rev2net", "rev2net"),
    "rev2net-noframe": _shipped(
        "Rev2Net w/o frame dec.", "rev2net-noframe", "rev2net", ("frames", "mask", *_DISCREPANCY)
    ),
    "rev2net-noflow": _shipped(
        "Rev2Net w/o flow dec.", "rev2net-noflow", "rev2net", ("flow", *_DISCREPANCY)
    ),
    "rev2net-noddp": _shipped("Rev2Net w/o DDP", "rev2net-noddp", "rev2net", _DISCREPANCY),
}
