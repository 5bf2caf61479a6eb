"""The networks of the paper's tables, one file each; built by name."""

from rev2net.models.builder import build

__all__ = ["build"]
