"""Which images of a video, and which part of each, make a clip: index arithmetic, no pixels.

In plain Python: for so few numbers, arrays and their random generators take longer than the images
leave time for.
"""

from random import Random
from typing import NamedTuple


class Crop(NamedTuple):
    """A rectangle of the stored images, in pixels, mirrored or not."""

    top: int
    left: int
    height: int
    width: int
    flip: bool = False


def dense(num_images: int, length: int, stride: int, start: int) -> list[int]:
    """Indices of `length` consecutive images from `start`; past the end the video loops.

    Source: I3D, "short videos looped" (Carreira 2017, section 3).
    """
    return [k % num_images for k in range(start, start + stride * length, stride)]


def random_start(num_images: int, length: int, stride: int, rng: Random) -> int:
    """A start from which the whole clip fits, or any start where the video is too short."""
    room = num_images - stride * (length - 1)
    return rng.randrange(room if room > 0 else num_images)


def even_starts(num_images: int, length: int, stride: int, clips: int) -> list[int]:
    """Starts of clips placed evenly over the video; one clip lies in the middle."""
    room = max(0, num_images - stride * (length - 1) - 1)
    if clips == 1:
        return [room // 2]
    return [round(room * k / (clips - 1)) for k in range(clips)]


def segments(
    num_images: int, length: int, stack: int, rng: Random | None, shift: float = 0.5
) -> list[int]:
    """Indices of one snippet of `stack` consecutive images from each of `length` segments.

    The video is cut into equal segments. With `rng` the snippet lies anywhere in its segment
    (training), without at the fraction `shift` of it (testing). Source: TSN, section 3.1.
    """
    room = max(1, num_images - stack + 1)  # positions a snippet can start at
    last = num_images - 1
    indices = []
    for segment in range(length):
        place = shift if rng is None else rng.random()
        start = int((segment + place) * room / length)
        indices += [min(k, last) for k in range(start, start + stack)]
    return indices


class Augmentation(NamedTuple):
    """The random crop and flip of a training clip. Source: TSN, section 3.2."""

    scales: tuple[float, ...]  # of the crop's sides, as fractions of the short side
    distortion: int  # steps in the list that width and height may be apart
    corners: bool  # at one of the four corners or the centre, else anywhere
    flip: bool


def random_crop(height: int, width: int, augmentation: Augmentation, rng: Random) -> Crop:
    """A crop of scale-jittered sides at a random place, mirrored or not."""
    scales, distortion, corners, flip = augmentation
    short = min(height, width)
    first = rng.randrange(len(scales))
    near = [k for k in range(len(scales)) if abs(k - first) <= distortion]
    second = rng.choice(near)
    crop_height, crop_width = (max(1, round(scales[k] * short)) for k in (first, second))
    if corners:
        top, left = rng.choice(_corners_and_centre(height, width, crop_height, crop_width))
    else:
        top = rng.randrange(height - crop_height + 1)
        left = rng.randrange(width - crop_width + 1)
    return Crop(top, left, crop_height, crop_width, bool(flip and rng.random() < 0.5))


def protocol_crops(height: int, width: int, size: int, crops: int) -> list[Crop]:
    """The crops of a test protocol.

    1: centre; 3: evenly from corner to corner; 10: corners and centre, and their mirror images.
    Images smaller than `size` are cropped to their short side.
    """
    side = min(size, height, width)
    top, left = height - side, width - side
    if crops == 1:
        return [Crop(top // 2, left // 2, side, side)]
    if crops == 3:
        places = [(round(top * k / 2), round(left * k / 2)) for k in range(3)]
        return [Crop(*place, side, side) for place in places]
    if crops == 10:
        places = _corners_and_centre(height, width, side, side)
        return [Crop(*place, side, side, flip) for flip in (False, True) for place in places]
    raise ValueError(f"crops {crops}: 1, 3 or 10")


def _corners_and_centre(
    height: int, width: int, crop_height: int, crop_width: int
) -> list[tuple[int, int]]:
    top, left = height - crop_height, width - crop_width
    return [(0, 0), (0, left), (top, 0), (top, left), (top // 2, left // 2)]
