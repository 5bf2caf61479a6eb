"""Contact sheets: what stands where, worked out by hand."""

import numpy as np
import pytest

from rev2net.figures.contact_sheet import (
    ALARM,
    GAP,
    LABEL_HEIGHT,
    LEGEND_WIDTH,
    SheetRow,
    contact_sheet,
)

BLUE = np.full((24, 32, 3), (0, 0, 255), np.uint8)
RIGHT = np.full((24, 32, 2), (4, 0), np.float32)  # 4 pixels a frame to the right


def test_a_frame_stands_left_of_its_flow_and_one_scale_holds_for_all_rows() -> None:
    still = np.zeros_like(RIGHT)
    rows = [SheetRow("a", moments=[(BLUE, RIGHT)]), SheetRow("b", moments=[(BLUE, still)])]
    sheet, max_motion = contact_sheet(rows, height=48)
    assert max_motion == 5
    frame = sheet[LABEL_HEIGHT : LABEL_HEIGHT + 48, :64]
    assert (frame == (0, 0, 255)).all()
    first = sheet[LABEL_HEIGHT + 24, 65 + 32]
    np.testing.assert_allclose(first, (255, 51, 51), atol=1)  # red, 4/5 saturated
    second = sheet[2 * LABEL_HEIGHT + 48 + GAP + 24, 65 + 32]
    assert (second == 255).all()


def test_videos_of_different_sizes_keep_their_shape() -> None:
    wide = np.zeros((24, 96, 3), np.uint8)
    tall = np.zeros((96, 24, 3), np.uint8)
    sheet, _ = contact_sheet(
        [SheetRow("w", moments=[(wide, None)]), SheetRow("t", moments=[(tall, None)])], height=48
    )
    black = (sheet == 0).all(axis=2)
    row = LABEL_HEIGHT + 24
    assert black[row].sum() == 192
    assert black[row + LABEL_HEIGHT + 48 + GAP].sum() == 12


def test_a_bad_video_is_named_in_red_without_pictures() -> None:
    good, _ = contact_sheet([SheetRow("video")])
    bad, _ = contact_sheet([SheetRow("video", alarm=True)])
    assert bad.shape == good.shape == (LABEL_HEIGHT, good.shape[1], 3)
    reddest = (bad[..., 0].astype(int) - bad[..., 2]).max()
    assert reddest == pytest.approx(ALARM[0] - ALARM[2], abs=20)
    assert (good[..., 0] == good[..., 2]).all()


def test_a_sheet_without_videos_or_flow_has_no_legend() -> None:
    empty, max_motion = contact_sheet([])
    assert max_motion == 0
    assert empty.shape[1] < LEGEND_WIDTH
    assert (empty < 255).any()  # says so


def test_names_beyond_ascii_are_drawn_with_a_question_mark() -> None:
    strange, _ = contact_sheet([SheetRow("vidéo")])
    marked, _ = contact_sheet([SheetRow("vid?o")])
    np.testing.assert_array_equal(strange, marked)
