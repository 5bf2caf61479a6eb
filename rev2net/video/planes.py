"""Luma and chroma planes: the form in which nearly all videos are stored.

Half the bytes of colour images come through the pipe, and OpenCV converts them in a fifth of the
time that ffmpeg takes. The planes are "yuv420p", 8 bits, of limited range, by the BT.601 matrix:
what MPEG-4 and H.264 files of no other declaration hold. A chroma sample counts for its 2x2 pixels.

JPEG files hold the same planes in full range, so that these become JPEGs without passing through
colours: in less time, and with one rounding in place of three.
"""

import re

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from rev2net.video.images import ChannelOrder, ImageBytes, encode_image

PIXEL_FORMAT = "yuv420p"  # ffmpeg's name

# What ffmpeg may say of the colours of such planes beside their format: range, matrix, order of
# fields, place of the chroma samples.
_SAME_COLOURS = re.compile(
    r"tv|(smpte170m|bt470bg|unknown)(/\w+)*|progressive|(top|bottom) (coded )?first( \(swapped\))?"
    r"|left|center|topleft"
)


def _widened(zero: int, steps: int, to: int) -> npt.NDArray[np.uint8]:
    """A table of bytes: `zero` becomes `to`, and `steps` of limited range become 255."""
    values = (np.arange(256.0) - zero) * 255 / steps + to
    return np.rint(values).clip(0, 255).astype(np.uint8)


# BT.601: luma from black to white is 16 to 235, chroma is none at 128 and lies within 112 of it.
_FULL_LUMA, _FULL_CHROMA = _widened(16, 219, to=0), _widened(128, 224, to=128)
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
        self._chroma_shape = -(-height // 2), -(-width // 2)
        chroma = self._chroma_shape[0] * self._chroma_shape[1]
        self.data = np.empty(height * width + 2 * chroma, np.uint8)
        self._full = np.empty_like(self.data)
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

    def encode(self, codec: str, quality: int) -> ImageBytes:
        """The image as bytes of a codec, as through `images.encode_image`."""
        if codec != "jpeg":
            return encode_image(self.colour("bgr"), codec, quality, order="bgr")
        luma = self.height * self.width
        cv2.LUT(self.data[:luma], _FULL_LUMA, self._full[:luma])
        cv2.LUT(self.data[luma:], _FULL_CHROMA, self._full[luma:])
        blue, red = self._full[luma:].reshape(2, *self._chroma_shape)
        grey = self._full[:luma].reshape(self.height, self.width)
        data = simplejpeg.encode_jpeg_yuv_planes(grey, blue, red, quality)
        return np.frombuffer(data, np.uint8)

    def _converted(
        self, planes: npt.NDArray[np.uint8], order: ChannelOrder
    ) -> npt.NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(planes, _CONVERSION[order]))
