"""Moving discs: synthetic clips whose class is the direction in which a textured disc moves.

No frame by itself tells the class, and where the disc is tells little of it: it takes motion. The
flow is known exactly. Frames (T, S, S, 3) uint8, flow (T - 1, S, S, 2) in pixels per frame, x then
y; S pixels, T frames.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rev2net.bench.arrays import Clip

DIRECTIONS = ("right", "down", "left", "up")
RADIUS = (0.12, 0.20)  # of the frame's side
COARSE, FINE = 0.05, 0.10  # of the background's and the disc's texture, cycles per pixel
CONTRAST = 90.0  # mean brightness of the disc over the background's, grey levels of 255
BACKGROUND, TEXTURE = 19.0, 38.0  # standard deviations of the two textures, grey levels


def moving_discs(
    seed: int, trained: int, held_out: int, length: int, size: int, speed: tuple[float, float]
) -> Iterator[Clip]:
    """Clips to train on, then held-out ones; their classes take turns.

    `speed` is the range of the discs' speeds in pixels per frame.
    """
    for number in range(trained + held_out):
        label = number % len(DIRECTIONS)
        frames, flow = _moving_disc((seed, number), label, length, size, speed)
        part = "train" if number < trained else "test"
        yield Clip(f"disc{number}", frames, flow, label, f"g{number}", part)


def _moving_disc(
    seed: tuple[int, int], label: int, length: int, size: int, speed: tuple[float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    angle = 2 * math.pi * label / len(DIRECTIONS)
    velocity = rng.uniform(*speed) * np.array([math.cos(angle), math.sin(angle)])
    radius = rng.uniform(*RADIUS) * size
    way = velocity * (length - 1)
    # Anywhere, so that the disc stays in the picture; across its middle where that cannot be.
    low, high = np.maximum(radius, radius - way), np.minimum(size - radius, size - radius - way)
    start = np.where(low < high, rng.uniform(low, np.maximum(low, high)), (low + high) / 2)
    background = 128 - CONTRAST / 2 + BACKGROUND * _texture(rng, size, COARSE)
    texture = 128 + CONTRAST / 2 + TEXTURE * _texture(rng, size, FINE)
    frames = np.empty((length, size, size, 3), np.uint8)
    flow = np.zeros((length - 1, size, size, 2), np.float32)
    y, x = np.mgrid[:size, :size]
    for t in range(length):
        centre = start + velocity * t
        inside = np.hypot(x - centre[0], y - centre[1]) <= radius
        moved = _shifted(texture, centre)
        frame = np.where(inside[..., None], moved, background)
        frames[t] = np.clip(np.rint(frame), 0, 255)
        if t < length - 1:
            flow[t][inside] = velocity
    return frames, flow


def _texture(rng: np.random.Generator, size: int, cutoff: float) -> NDArray[np.float64]:
    """Smooth noise (S, S, 3) of mean 0 and standard deviation 1, periodic."""
    spectrum = np.fft.rfft2(rng.standard_normal((3, size, size)))
    y, x = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    spectrum *= np.exp(-(x**2 + y**2) / cutoff**2)
    spectrum[:, 0, 0] = 0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return np.moveaxis(noise / noise.std((1, 2), keepdims=True), 0, -1)


def _shifted(image: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """A periodic image moved by (x, y) pixels, between pixels linearly."""
    whole = np.floor(by).astype(int)
    part_x, part_y = by - whole
    image = np.roll(image, (whole[1], whole[0]), (0, 1))
    image = (1 - part_x) * image + part_x * np.roll(image, 1, 1)
    return (1 - part_y) * image + part_y * np.roll(image, 1, 0)
