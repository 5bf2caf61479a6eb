"""TV-L1 optical flow: fast backends that give OpenCV's flow, and flow as bytes."""

from rev2net.flow.tvl1 import tvl1

__all__ = ["tvl1"]
