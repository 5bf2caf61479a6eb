"""A clip's sheet: the pictures stand where they belong, and rows follow what there is."""

import cv2
import numpy as np
import pytest

from rev2net.figures.decoded_clips import CELL, LABELS, TITLE, clip_sheet

DPI = 150
M, SIDE = 3, 6
RED, BLUE = (255, 0, 0), (0, 0, 255)


def pictures(color: tuple[int, int, int]) -> np.ndarray:
    return np.full((M, SIDE, SIDE, 3), color, np.uint8)


def sheet(**images: np.ndarray) -> np.ndarray:
    errors = {"flow_epe": 0.5, "still_epe": 1.0, "l1": 9.0, "psnr": 20.0}
    errors |= {"mean_frame_l1": 8.0, "mean_frame_psnr": float("inf")}
    png = clip_sheet("v (golf)", {"clip": pictures(RED), **images}, errors)
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[..., ::-1]


def cell(picture: np.ndarray, row: int, column: int) -> list[int]:
    """The colour in the middle of a cell."""
    y, x = TITLE + (row + 0.5) * CELL, LABELS + column * CELL + CELL / 2
    return picture[round(DPI * y), round(DPI * x)].tolist()


def test_a_network_without_decoders_shows_its_input() -> None:
    picture = sheet()
    assert picture.shape[0] == pytest.approx(DPI * (TITLE + CELL), abs=1)
    assert [cell(picture, 0, column) for column in range(M)] == [list(RED)] * M


def test_flow_is_drawn_by_its_direction() -> None:
    right = np.zeros((M, SIDE, SIDE, 2), np.float16)
    right[..., 0] = 2
    picture = sheet(stored_flow=right, predicted_flow=0 * right)
    assert picture.shape[0] == pytest.approx(DPI * (TITLE + 3 * CELL), abs=1)
    assert cell(picture, 1, 0) == [255, 0, 0]  # to the right, as fast as the rim of the wheel
    assert cell(picture, 2, 0) == [255, 255, 255]  # at rest


def test_reversed_frames_stand_above_their_reconstruction_and_the_mask_below() -> None:
    picture = sheet(
        reversed_clip=pictures(RED),
        reconstruction=pictures(BLUE),
        mean_frame=pictures(RED)[0],
        foreground=pictures(BLUE),
        mask=np.full((M, SIDE, SIDE), 255, np.uint8),
        background=pictures(BLUE)[0],
    )
    column = [cell(picture, row, 0) for row in range(7)]
    white = [255, 255, 255]
    assert column == [list(RED), list(RED), list(BLUE), list(RED), list(BLUE), white, list(BLUE)]
    assert cell(picture, 6, 1) == white  # one background a clip
