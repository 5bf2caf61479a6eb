"""Single images as bytes: JPEG, PNG or WebP, in RGB order or greyscale.

The bytes of a flow frame are one greyscale image, the x component above the y component.
"""

from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

ImageBytes: TypeAlias = npt.NDArray[np.uint8]  # (bytes,)
ChannelOrder: TypeAlias = Literal["rgb", "bgr"]
Image: TypeAlias = npt.NDArray[np.uint8]  # (H, W, 3) RGB, or (H, W) greyscale

PNG_COMPRESSION = 3  # of 0..9; PNG is lossless, so its `quality` means nothing
_JPEG = b"\xff\xd8\xff"  # how such files begin
_PARAMETERS = {
    "jpeg": (".jpg", cv2.IMWRITE_JPEG_QUALITY),
    "png": (".png", None),
    "webp": (".webp", cv2.IMWRITE_WEBP_QUALITY),
}


def encode_image(
    image: Image, codec: str, quality: int, *, order: ChannelOrder = "rgb"
) -> ImageBytes:
    """A colour (H, W, 3) or greyscale (H, W) uint8 image as bytes of a codec.

    `quality` is 1..100 for JPEG and WebP; 101 makes WebP lossless. `order` is that of the image's
    channels: "bgr", OpenCV's own, saves a pass over the pixels. Raises ValueError for an unknown
    codec or an image that the codec cannot hold.
    """
    if codec not in _PARAMETERS:
        raise ValueError(f"codec: {codec!r}; allowed are {', '.join(_PARAMETERS)}")
    suffix, quality_flag = _PARAMETERS[codec]
    if quality_flag is None:
        parameters = [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION]
    else:
        parameters = [quality_flag, quality]
    convert = image.ndim == 3 and order == "rgb"
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if convert else image
    try:
        encoded, data = cv2.imencode(suffix, pixels, parameters)
    except cv2.error as error:
        raise ValueError(f"{codec}: cannot hold an image of shape {image.shape}: {error}") from None
    if not encoded:
        raise ValueError(f"{codec}: cannot hold an image of shape {image.shape}")
    return data


def decode_image(data: ImageBytes | memoryview | bytes, grey: bool = False) -> Image:
    """The image (H, W, 3) uint8 RGB, or (H, W) with `grey`; raises ValueError for other bytes."""
    buffer = np.frombuffer(data, np.uint8)
    flags = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB
    # Looking for a tag that turns the picture takes time, and none is ever written.
    flags |= cv2.IMREAD_IGNORE_ORIENTATION
    image: Any = cv2.imdecode(buffer, flags) if len(buffer) else None
    if image is None:
        raise ValueError(f"{len(buffer)} bytes that are no image")
    return image


class ImageDecoder:
    """Decodes images of one size, each into the memory of the one before.

    JPEGs, which most shards hold, give the same pixels as through `decode_image`, in less time.
    """

    def __init__(self, height: int, width: int, *, grey: bool = False) -> None:
        self.image: Image = np.empty((height, width) if grey else (height, width, 3), np.uint8)
        self._grey = grey
        self._shape = (height, width, 1 if grey else 3)

    def decode(self, data: ImageBytes) -> Image:
        """The image, `self.image`; raises ValueError for other bytes or another size."""
        if data[:3].tobytes() == _JPEG:
            colours = "GRAY" if self._grey else "RGB"
            shape = simplejpeg.decode_jpeg(data, colours, buffer=self.image).shape
        else:
            image = decode_image(data, self._grey)
            shape = (*image.shape, 1)[:3]
            if shape == self._shape:
                self.image[:] = image
        if shape != self._shape:
            raise ValueError(f"an image of {shape[1]}x{shape[0]} pixels among others")
        return self.image


def stack_components(flow_bytes: Image) -> Image:
    """Two components (H, W, 2) to one greyscale image (2H, W), x above y."""
    if flow_bytes.ndim != 3 or flow_bytes.shape[2] != 2:
        raise ValueError(f"flow bytes: shape {flow_bytes.shape}; allowed is (height, width, 2)")
    return np.concatenate((flow_bytes[..., 0], flow_bytes[..., 1]))


def split_components(image: Image) -> Image:
    """One greyscale image (2H, W), x above y, as two components (H, W, 2), without a copy."""
    if image.ndim != 2 or image.shape[0] % 2:
        raise ValueError(f"flow image: shape {image.shape}; allowed is (2 * height, width)")
    return image.reshape(2, -1, image.shape[1]).transpose(1, 2, 0)
