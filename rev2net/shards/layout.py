"""What shards look like: names of files and attributes, which videos a shard holds, format checks.

The objects inside a shard are described in docs/formats.md.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from rev2net.config import FlowShardSettings, FramesSettings
from rev2net.digests import SEAL
from rev2net.errors import UserError

FORMAT_VERSION = 1
KINDS = ("rgb", "flow")

Attribute: TypeAlias = str | int | float
Attributes: TypeAlias = dict[str, Attribute]

# Shards of one dataset may be made by different backends and on different machines: their flow
# agrees, and each shard says which it was. All other attributes must be the same.
PER_SHARD = ("shard", "backend", "versions")


def shard_rows(num_videos: int, shard: int, num_shards: int) -> slice:
    """The rows of the index that a shard holds; empty where there are more shards than videos."""
    if num_shards < 1:
        raise UserError(f"--num-shards: {num_shards}; allowed is a whole number from 1")
    if not 0 <= shard < num_shards:
        raise UserError(f"--shard: {shard}; allowed is 0 to {num_shards - 1}")
    return slice(shard * num_videos // num_shards, (shard + 1) * num_videos // num_shards)


def resize_attributes(frames: FramesSettings) -> Attributes:
    """The rules by which frames were made: 0 and "" stand for no such rule."""
    return {
        "short_side": frames.short_side or 0,
        "size": "" if frames.size is None else f"{frames.size[0]}x{frames.size[1]}",
        "fps": frames.fps or 0.0,
    }


def rgb_attributes(settings: FramesSettings) -> Attributes:
    """What an RGB shard says of how it was made."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": "rgb",
        "codec": settings.codec,
        "quality": settings.quality,
        **resize_attributes(settings),
    }


def flow_attributes(
    settings: FlowShardSettings, backend: str, parameters: Mapping[str, Any], flow_version: int
) -> Attributes:
    """What a flow shard says of how it was made; `backend` is the one that ran."""
    return {
        "format_version": FORMAT_VERSION,
        "kind": "flow",
        "codec": settings.codec,
        "quality": settings.quality,
        **resize_attributes(settings.frames),
        "bound": settings.bound,
        "algorithm": "tvl1",
        "backend": backend,
        "parameters": json.dumps(parameters, sort_keys=True),
        "flow_version": flow_version,
    }


def required_attributes(
    kind: str, frames: FramesSettings, flow_bound: float | None = None
) -> Attributes:
    """What a run asks of the shards it reads: `ShardIndex` refuses others."""
    required: Attributes = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        **resize_attributes(frames),
    }
    if kind == "flow" and flow_bound is not None:
        required["bound"] = flow_bound
    return required


def check_attributes(path: Path, found: Mapping[str, Any], required: Mapping[str, Any]) -> None:
    """Raise UserError for the first attribute that differs, naming both values."""
    for name, value in required.items():
        if name not in found:
            raise UserError(f"{path}: no attribute {name!r}; not a shard of this program")
        if found[name] != value:
            raise UserError(f"{path}: {name} is {found[name]!r}; asked for is {value!r}")


def read_attributes(attributes: Any) -> Attributes:
    """HDF5 attributes, less the file's digest, as plain Python values."""
    return {
        name: value.item() if hasattr(value, "item") else value
        for name, value in attributes.items()
        if name != SEAL
    }
