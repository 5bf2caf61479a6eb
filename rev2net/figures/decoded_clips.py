"""One clip as a decoder sees it: flow beside TV-L1, reversed frames beside the truth, mask."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rev2net.figures.flow_colors import flow_colors, legible_scale, wheel
from rev2net.figures.style import MUTED, Format, canvas, save

DPI = 150  # pixels per inch of the sheet; the others are inches
CELL, GAP, LABELS, TITLE = 0.92, 0.05, 1.5, 0.3

Images = Mapping[str, NDArray[Any]]
Pictures = Sequence[NDArray[Any]] | NDArray[Any]  # (H, W) or (H, W, 3) each


class _Row(NamedTuple):
    """A line of the sheet."""

    name: str
    detail: str
    pictures: Pictures


def clip_sheet(
    title: str, images: Images, errors: Mapping[str, float], kind: Format = "png"
) -> bytes:
    """Draw one clip; arrays and errors are named as in `evaluation.examples`, those there are.

    Columns are moments of the clip; the reconstruction at a column is compared with the reversed
    clip at that column. Flow is coloured by direction and speed, as the wheel shows.
    """
    flows = [
        images[name].astype(np.float32)
        for name in ("stored_flow", "predicted_flow")
        if name in images
    ]
    max_motion = legible_scale(np.linalg.norm(flows[0], axis=-1)) if flows else 1.0
    rows = _rows(images, errors, max_motion)
    width = LABELS + len(images["clip"]) * CELL
    height = TITLE + len(rows) * CELL
    with canvas(width, height) as figure:
        figure.set_layout_engine("none")
        # Pixel for pixel, in one image: an axes a picture would take seconds.
        area = figure.add_axes((LABELS / width, 0, 1 - LABELS / width, 1 - TITLE / height))
        area.imshow(_mosaic([row.pictures for row in rows]), interpolation="nearest", aspect="auto")
        area.set_axis_off()
        figure.text(0.02, 1 - 0.18 / height, title, weight="bold", va="center")
        for line, row in enumerate(rows):
            middle = height - TITLE - (line + 0.5) * CELL
            figure.text(0.02, (middle + 0.02) / height, row.name, va="bottom", fontsize=8)
            figure.text(
                0.02, (middle - 0.02) / height, row.detail, va="top", fontsize=7, color=MUTED
            )
        if flows:
            first = next(line for line, row in enumerate(rows) if "flow" in row.name)
            _wheel(figure, height - TITLE - first * CELL, max_motion, width, height)
        return save(figure, kind, DPI)


def _mosaic(rows: Sequence[Pictures]) -> NDArray[np.uint8]:
    """Pictures (H, W) or (H, W, 3) of rows as one, at the sheet's size, white between them."""
    cell, side = round(CELL * DPI), round((CELL - GAP) * DPI)
    gap = (cell - side) // 2
    columns = max(map(len, rows))
    mosaic = np.full((len(rows) * cell, columns * cell, 3), 255, np.uint8)
    for line, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            # Small pictures show their pixels, large ones are averaged.
            way = cv2.INTER_NEAREST if max(picture.shape[:2]) < side else cv2.INTER_AREA
            sized = cv2.resize(picture, (side, side), interpolation=way)
            top, left = line * cell + gap, column * cell + gap
            mosaic[top : top + side, left : left + side] = sized.reshape(side, side, -1)
    return mosaic


def _rows(images: Images, errors: Mapping[str, float], max_motion: float) -> list[_Row]:
    """What is shown, from top to bottom."""
    rows = [_Row("input frames", "", images["clip"])]
    if "predicted_flow" in images:
        stored, predicted = (
            [flow_colors(flow.astype(np.float32), max_motion) for flow in images[name]]
            for name in ("stored_flow", "predicted_flow")
        )
        rows.append(_Row("TV-L1 flow", "as stored", stored))
        quality = f"error {errors['flow_epe']:.2f} px (still {errors['still_epe']:.2f})"
        rows.append(_Row("predicted flow", quality, predicted))
    if "reconstruction" in images:
        mean = [images["mean_frame"]] * len(images["clip"])
        rows += [
            _Row("reversed frames", "what is to be predicted", images["reversed_clip"]),
            _Row("reconstruction", _quality(errors, ""), images["reconstruction"]),
            _Row("baseline: mean frame", _quality(errors, "mean_frame_"), mean),
        ]
    # Of their sum only what changes in time counts: alone they look like nothing in the video.
    part = "a part of the sum"
    if "foreground" in images:
        rows.append(_Row("foreground", part, images["foreground"]))
    if "mask" in images:
        rows.append(_Row("mask", "a part; white: foreground", images["mask"]))
    if "background" in images:
        rows.append(_Row("background", part, images["background"][None]))
    return rows


def _quality(errors: Mapping[str, float], prefix: str) -> str:
    ratio = errors[f"{prefix}psnr"]
    text = "exact" if math.isinf(ratio) else f"{ratio:.1f} dB"
    return f"{text}, L1 {errors[f'{prefix}l1']:.1f} of 255"


def _wheel(figure: Figure, top: float, max_motion: float, width: float, height: float) -> None:
    """The colour wheel in the label column, at the first row of flow."""
    side = 0.34
    left, bottom = LABELS - side - 0.06, top - CELL - side / 2
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    axes.imshow(wheel(60))
    axes.set_axis_off()
    figure.text(
        (left - 0.05) / width,
        (bottom + side / 2) / height,
        f"rim: {max_motion:g} px per frame",
        fontsize=6.5,
        color=MUTED,
        va="center",
        ha="right",
    )
