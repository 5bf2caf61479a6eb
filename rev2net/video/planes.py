"""Colour from luma and chroma planes: the form in which nearly all videos are stored.

Half the bytes of colour images come through the pipe, and OpenCV converts them in a fifth of the
time that ffmpeg takes. The planes are "yuv420p", 8 bits, of limited range, by the BT.601 matrix:
what MPEG-4 and H.264 files of no other declaration hold. A chroma sample counts for its 2x2 pixels.
"""

import re

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.video.images import ChannelOrder

PIXEL_FORMAT = "yuv420p"  # ffmpeg's name

# What ffmpeg may say of the colours of such planes beside their format: range, matrix, order of
# fields, place of the chroma samples.
_SAME_COLOURS = re.compile(
    r"tv|(smpte170m|bt470bg|unknown)(/\w+)*|progressive|(top|bottom) (coded )?first( \(swapped\))?"
    r"|left|center|topleft"
)
_CONVERSION = {"rgb": cv2.COLOR_YUV2RGB_I420, "bgr": cv2.COLOR_YUV2BGR_I420}


def are_planes(pixel_format: str) -> bool:
    """Whether a video's pixels, as ffmpeg describes them, are such planes.

    >>> are_planes("yuv420p(tv, progressive)"), are_planes("yuv420p(tv, bt709)")
    (True, False)
    """
    name, _, notes = pixel_format.rstrip(")").partition("(")
    colours = filter(None, notes.split(", "))
    return name == PIXEL_FORMAT and all(map(_SAME_COLOURS.fullmatch, colours))


class Planes:
    """Room for the planes of one image, which ffmpeg's bytes are read into."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        chroma = -(-height // 2) * -(-width // 2)
        self.data = np.empty(height * width + 2 * chroma, np.uint8)
        # OpenCV takes even sides only: others get a row or column more, which is cut off again.
        even_height, even_width = height + height % 2, width + width % 2
        self._shape = (even_height * 3 // 2, even_width)
        self._padded = None
        if (even_height, even_width) != (height, width):
            self._padded = np.zeros(self._shape, np.uint8)

    def colour(self, order: ChannelOrder) -> npt.NDArray[np.uint8]:
        """The image (H, W, 3) uint8, in memory of its own."""
        if self._padded is None:
            return self._converted(self.data.reshape(self._shape), order)
        luma = self.height * self.width
        self._padded[: self.height, : self.width] = self.data[:luma].reshape(self.height, -1)
        self._padded.reshape(-1)[-(len(self.data) - luma) :] = self.data[luma:]
        return self._converted(self._padded, order)[: self.height, : self.width]

    def _converted(
        self, planes: npt.NDArray[np.uint8], order: ChannelOrder
    ) -> npt.NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(planes, _CONVERSION[order]))
