"""TV-L1 on a GPU: many pairs at once by Triton kernels, OpenCV's flow up to rounding.

Pyramids are made on the CPU, by OpenCV, while the GPU still works on the pairs before; from there
on everything stays on the GPU until the flow is done.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from rev2net.flow.parameters import Flow, Image, Parameters
from rev2net.flow.pyramid import pyramid

PAIRS_PER_MULTIPROCESSOR = 2  # one runs, the next is at hand when it stops
BYTES_PER_PIXEL = 100  # of device memory that a pair takes, all levels together
BATCH_BYTES = 4 << 30
PAIRS_WITHOUT_GPU = 3  # under Triton's interpreter
BLOCK = 2048  # pixels a program steps through memory by
MEDIAN_BLOCK = 1024  # fewer, because a 5x5 window takes 25 registers a pixel
ENLARGE_BLOCK = 1024
NUM_WARPS = 32


class Batch:
    """Flows of some pairs, still being computed and copied to the host."""

    def __init__(self, flows: torch.Tensor) -> None:
        self._flows = flows
        self._copied: torch.cuda.Event | None = None
        if flows.is_cuda:
            self._flows = torch.empty(flows.shape, pin_memory=True)
            self._flows.copy_(flows, non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record()

    def wait(self) -> npt.NDArray[np.float32]:
        """The flows (pairs, H, W, 2), once they are there."""
        if self._copied is not None:
            self._copied.synchronize()
        return np.asarray(self._flows)


def solve(frames: Iterable[Image], parameters: Parameters, device: str = "cuda") -> Iterator[Flow]:
    """Flow of each frame to the next; see `rev2net.flow.tvl1.tvl1_sequence`.

    Pairs are solved in batches; frames are taken a batch ahead. `device` "cpu" is for Triton's
    interpreter.
    """
    frames = iter(frames)
    last = list(islice(frames, 1))
    if not last:
        return
    batch_size = pairs_at_once(device, last[0].size)
    running: Batch | None = None
    while fresh := list(islice(frames, batch_size)):
        images = upload([*last, *fresh], parameters, device)
        batch = Batch(launch(images, parameters, device))
        last = fresh[-1:]
        if running is not None:
            yield from running.wait()
        running = batch
    if running is not None:
        yield from running.wait()


def pairs_at_once(device: str, pixels: int) -> int:
    """The size of a batch, for frames of so many pixels."""
    if device == "cpu":
        return PAIRS_WITHOUT_GPU
    multiprocessors = torch.cuda.get_device_properties(device).multi_processor_count
    fitting = BATCH_BYTES // (BYTES_PER_PIXEL * pixels)
    return max(1, min(PAIRS_PER_MULTIPROCESSOR * multiprocessors, fitting))


def upload(frames: list[Image], parameters: Parameters, device: str) -> list[torch.Tensor]:
    """The frames at each scale, finest first, each (T, h, w) float32 in 0..255."""
    levels = zip(*(pyramid(frame, parameters) for frame in frames), strict=True)
    stacked = (torch.from_numpy(np.stack(level)) for level in levels)
    if device == "cpu":
        return list(stacked)
    return [images.pin_memory().to(device, non_blocking=True) for images in stacked]


def launch(levels: list[torch.Tensor], parameters: Parameters, device: str) -> torch.Tensor:
    """Start the work on all pairs of neighbours; returns their flows (pairs, H, W, 2)."""
    from rev2net.flow.triton_kernels import STATE_FIELDS, enlarge, solve_level

    pairs = len(levels[0]) - 1
    fields = STATE_FIELDS.value
    zoom = torch.tensor(1 / parameters.scaleStep, dtype=torch.float64, device=device)
    state = torch.zeros(pairs, fields, *levels[-1].shape[1:], device=device)
    for images in reversed(levels):
        height, width = images.shape[1:]
        if state.shape[-2:] != (height, width):
            coarse = state
            state = torch.zeros(pairs, fields, height, width, device=device)
            enlarge[(pairs, 2, -(-height * width // ENLARGE_BLOCK))](
                coarse, state, *coarse.shape[-2:], height, width, zoom,
                BLOCK=ENLARGE_BLOCK, enable_fp_fusion=False,
            )  # fmt: skip
        solve_level[(pairs,)](
            images, *_gradients(images), state, height, width,
            parameters.tau / parameters.theta,
            parameters.lambda_ * parameters.theta,
            parameters.theta,
            parameters.epsilon**2 * height * width,
            parameters.warps, parameters.outerIterations, parameters.innerIterations,
            MEDIAN=parameters.medianFiltering, BLOCK=BLOCK, MEDIAN_BLOCK=MEDIAN_BLOCK,
            num_warps=NUM_WARPS, num_stages=1,  # loads must not be moved ahead of a barrier
            enable_fp_fusion=False,
        )  # fmt: skip
    return state[:, :2].permute(0, 2, 3, 1).contiguous()


def _gradients(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Central differences in x and y, edges repeated, each (T, H, W)."""
    padded = torch.nn.functional.pad(images[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    gradient_x = 0.5 * (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2])
    gradient_y = 0.5 * (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1])
    return gradient_x.contiguous(), gradient_y.contiguous()
