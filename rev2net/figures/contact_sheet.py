"""Sheets of frames, each beside the flow from it, and the key to the colours at the right."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from rev2net.figures.flow_colors import Flow, Picture, flow_colors, legible_scale, wheel

GAP = 4  # pixels between pictures
LEGEND_WIDTH = 132
LABEL_HEIGHT = 18
FONT = cv2.FONT_HERSHEY_SIMPLEX
FONT_SCALE = 0.38
INK, ALARM, FRAME = (40, 40, 40), (200, 30, 30), (200, 200, 200)


@dataclass(frozen=True)
class SheetRow:
    """A video: what is written above it, and its moments; a moment may lack its flow."""

    label: str
    alarm: bool = False  # something is wrong with it
    moments: Sequence[tuple[Picture, Flow | None]] = field(default_factory=list)


def contact_sheet(rows: Sequence[SheetRow], height: int = 96) -> tuple[Picture, float]:
    """The sheet (H, W, 3) RGB, a row a video, pictures `height` pixels high, and its flow scale.

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
    sheet = _stacked(strips)
    return _with_legend(sheet, max_motion) if speeds else sheet, max_motion


def flow_sheet(rows: list[tuple[Picture, Flow]], max_motion: float) -> Picture:
    """Frames (H, W, 3) with their flow, one below the other, in the size they have."""
    body: list[Picture] = []
    for frame, flow in rows:
        gap = _blank(frame.shape[0], GAP)
        pair = np.hstack((frame, gap, flow_colors(flow, max_motion)))
        body += [pair, _blank(GAP, pair.shape[1])]
    return _with_legend(np.vstack(body[:-1]), max_motion)


def legend(height: int, max_motion: float) -> Picture:
    """The colour wheel (height, LEGEND_WIDTH, 3), its rings labelled in pixels per frame."""
    left, top = 14, 22
    radius = LEGEND_WIDTH // 2 - left
    disc = wheel(radius)
    for ring in (0.5, 1.0):
        cv2.circle(disc, (radius, radius), round(ring * radius), INK, 1, cv2.LINE_AA)
    bottom = top + 2 * radius + 1
    picture = _blank(max(height, bottom + 41), LEGEND_WIDTH)
    picture[top:bottom, left : left + 2 * radius + 1] = disc
    for text, baseline in (
        ("pixels per frame", top - 9),
        (f"inner ring {max_motion / 2:g}", bottom + 17),
        (f"outer ring {max_motion:g}", bottom + 33),
    ):
        _write(picture, text, (LEGEND_WIDTH - _width(text)) // 2, baseline, INK)
    return picture


def _strip(row: SheetRow, height: int, max_motion: float) -> Picture:
    """The label, and below it the moments from left to right."""
    if not row.moments:
        return _label(row)
    pictures: list[Picture] = []
    for frame, flow in row.moments:
        pictures += [_scaled(frame, height), _blank(height, 1)]
        if flow is not None:
            # A still scene is white: without a line around it, its flow looks absent.
            colors = _scaled(flow_colors(flow, max_motion), height)
            cv2.rectangle(colors, (0, 0), (colors.shape[1] - 1, height - 1), FRAME)
            pictures.append(colors)
        pictures.append(_blank(height, 2 * GAP))
    return _stacked([_label(row), np.hstack(pictures), _blank(GAP, 1)])


def _label(row: SheetRow) -> Picture:
    # The font has ASCII only.
    text = row.label.encode("ascii", "replace").decode()
    picture = _blank(LABEL_HEIGHT, _width(text) + 2 * GAP)
    _write(picture, text, GAP, LABEL_HEIGHT - 6, ALARM if row.alarm else INK)
    return picture


def _width(text: str) -> int:
    return cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0]


def _write(
    picture: Picture, text: str, left: int, baseline: int, ink: tuple[int, int, int]
) -> None:
    cv2.putText(picture, text, (left, baseline), FONT, FONT_SCALE, ink, 1, cv2.LINE_AA)


def _scaled(picture: Picture, height: int) -> Picture:
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    shrinks = height < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def _blank(height: int, width: int) -> Picture:
    return np.full((height, width, 3), 255, np.uint8)


def _padded(picture: Picture, height: int, width: int) -> Picture:
    """White below and to the right."""
    missing = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    padded: npt.NDArray[np.uint8] = np.pad(picture, missing, constant_values=255)
    return padded


def _stacked(pictures: Sequence[Picture]) -> Picture:
    """One below the other, as wide as the widest."""
    width = max(picture.shape[1] for picture in pictures)
    return np.vstack([_padded(picture, picture.shape[0], width) for picture in pictures])


def _with_legend(body: Picture, max_motion: float) -> Picture:
    key = legend(body.shape[0], max_motion)
    return np.hstack((_padded(body, key.shape[0], body.shape[1]), key))
