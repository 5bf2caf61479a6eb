"""TV-L1 by OpenCV's own `DualTVL1OpticalFlow`: the reference that other backends are held to."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import cv2

from rev2net.flow.parameters import Flow, Image, Parameters


def solve(frames: Iterable[Image], parameters: Parameters) -> Iterator[Flow]:
    """Flow of each frame to the next; see `rev2net.flow.tvl1.tvl1_sequence`."""
    frames = iter(frames)
    previous = next(frames, None)
    if previous is None:
        return
    # One solver for all pairs reuses its buffers; it is made for one size, because OpenCV lowers
    # a solver's number of scales for good once it meets an image too small for them.
    arguments = vars(parameters).copy()
    del arguments["lambda_"]  # a keyword of Python without its underscore
    del arguments["innerIterations"]  # misspelt among create's arguments
    solver = cv2.optflow.DualTVL1OpticalFlow_create(**arguments)  # type: ignore[attr-defined]
    solver.setLambda(parameters.lambda_)
    solver.setInnerIterations(parameters.innerIterations)
    for frame in frames:
        with one_thread():
            flow: Flow = solver.calc(previous, frame, None)
        yield flow
        previous = frame


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to the calling thread, and leave the process's setting as it was."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
