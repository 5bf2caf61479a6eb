"""The mini benchmark: synthetic videos on disk as UCF101, HMDB51 and Kinetics publish theirs."""

from rev2net.mini.worlds import MINI_VERSION
from rev2net.mini.write import MiniOptions, write_mini

__all__ = ["MINI_VERSION", "MiniOptions", "write_mini"]
