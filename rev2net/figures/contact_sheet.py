"""A contact sheet: a row a video, moments evenly in time, each frame beside the flow from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.figures.flow_colors import (
    FONT,
    FONT_SCALE,
    GAP,
    INK,
    Flow,
    Picture,
    flow_colors,
    legend,
    legible_scale,
)

LABEL_HEIGHT = 18  # pixels
ALARM = (200, 30, 30)
FRAME = (200, 200, 200)


@dataclass(frozen=True)
class SheetRow:
    """A video: what is written above it, and its moments; a moment may lack its flow."""

    label: str
    alarm: bool = False  # something is wrong with it
    moments: Sequence[tuple[Picture, Flow | None]] = field(default_factory=list)


def contact_sheet(rows: Sequence[SheetRow], height: int = 96) -> tuple[Picture, float]:
    """The sheet (H, W, 3) RGB, pictures `height` pixels high, and its flow scale.

    One scale holds for the whole sheet: the motion, in pixels per frame of the stored size, that is
    drawn fully saturated. Its wheel stands at the right where there is any flow.
    """
    speeds = [
        np.hypot(flow[::4, ::4, 0], flow[::4, ::4, 1]).ravel()
        for row in rows
        for _, flow in row.moments
        if flow is not None
    ]
    max_motion = legible_scale(np.concatenate(speeds)) if speeds else 0.0
    strips = [_strip(row, height, max_motion) for row in rows] or [_label(SheetRow("no videos"))]
    width = max(strip.shape[1] for strip in strips)
    strips = [_padded(strip, strip.shape[0], width) for strip in strips]
    sheet = np.vstack(strips)
    if speeds:
        key = legend(sheet.shape[0], max_motion)
        sheet = np.hstack((_padded(sheet, key.shape[0], width), key))
    return sheet, max_motion


def _strip(row: SheetRow, height: int, max_motion: float) -> Picture:
    """The label, and below it the moments from left to right."""
    label = _label(row)
    if not row.moments:
        return label
    pictures: list[Picture] = []
    for frame, flow in row.moments:
        pictures += [_scaled(frame, height), _blank(height, 1)]
        if flow is not None:
            pictures.append(_framed(_scaled(flow_colors(flow, max_motion), height)))
        pictures.append(_blank(height, 2 * GAP))
    line = np.hstack(pictures)
    width = max(line.shape[1], label.shape[1])
    parts = (label, line, _blank(GAP, width))
    return np.vstack([_padded(part, part.shape[0], width) for part in parts])


def _label(row: SheetRow) -> Picture:
    # The font has ASCII only.
    text = row.label.encode("ascii", "replace").decode()
    (width, _), _ = cv2.getTextSize(text, FONT, FONT_SCALE, 1)
    picture = _blank(LABEL_HEIGHT, width + 2 * GAP)
    ink = ALARM if row.alarm else INK
    cv2.putText(picture, text, (GAP, LABEL_HEIGHT - 6), FONT, FONT_SCALE, ink, 1, cv2.LINE_AA)
    return picture


def _scaled(picture: Picture, height: int) -> Picture:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    shrinks = height < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def _framed(picture: Picture) -> Picture:
    """A still scene is white: without a line around it, its flow looks absent."""
    picture[[0, -1]] = FRAME
    picture[:, [0, -1]] = FRAME
    return picture


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), 255, np.uint8)


def _padded(picture: Picture, height: int, width: int) -> Picture:
    """White below and to the right."""
    missing = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    padded: npt.NDArray[np.uint8] = np.pad(picture, missing, constant_values=255)
    return padded
