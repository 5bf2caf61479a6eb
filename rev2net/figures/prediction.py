"""Classes with their probabilities, drawn over the frames of a video."""

from collections.abc import Sequence

import cv2
import numpy as np

from rev2net.figures.flow_colors import Picture

FONT = cv2.FONT_HERSHEY_SIMPLEX
PAPER, INK, BAR, BAR_BACK = (18, 18, 18), (245, 245, 245), (70, 160, 255), (70, 70, 70)
PANEL_OPACITY = 0.72
LINE_FRACTION = 0.075  # height of a row of the panel over the height of the picture
MIN_LINE = 14  # pixels


def prediction_panel(size: tuple[int, int], classes: Sequence[tuple[str, float]]) -> Picture:
    """A panel of classes with a bar each, for pictures of `size` (height, width).

    `classes` are (name, probability), best first.
    """
    height, width = size
    line = max(MIN_LINE, round(LINE_FRACTION * height))
    margin = line // 3
    scale, thickness = line / 36, max(1, line // 22)
    percents = [f"{100 * probability:.0f} %" for _, probability in classes]
    name_width = _widest([name for name, _ in classes], scale, thickness)
    percent_width = _widest(["100 %"], scale, thickness)
    bar_width = max(line, min(4 * line, width - name_width - percent_width - 6 * margin))
    panel_width = min(width, bar_width + name_width + percent_width + 4 * margin)
    panel_height = min(height, len(classes) * line + 2 * margin)
    panel = np.full((panel_height, panel_width, 3), PAPER, np.uint8)
    for row, ((name, probability), percent) in enumerate(zip(classes, percents, strict=True)):
        top = margin + row * line
        bar = (margin, top + line // 4), (margin + bar_width, top + 3 * line // 4)
        cv2.rectangle(panel, *bar, BAR_BACK, cv2.FILLED)
        end = margin + round(probability * bar_width)
        cv2.rectangle(panel, bar[0], (end, bar[1][1]), BAR, cv2.FILLED)
        baseline = top + round(0.7 * line)
        left = 2 * margin + bar_width
        right = left + percent_width + margin
        style = (FONT, scale, INK, thickness, cv2.LINE_AA)
        cv2.putText(panel, percent, (left, baseline), *style)
        cv2.putText(panel, name, (right, baseline), *style)
    return panel


def with_panel(picture: Picture, panel: Picture) -> Picture:
    """A copy of the picture with the panel in its lower left corner, through which it shows a
    little.
    """
    drawn = picture.copy()
    height, width = panel.shape[:2]
    region = drawn[-height:, :width]
    ink = (panel != np.array(PAPER, np.uint8)).any(axis=2, keepdims=True)
    opacity = np.where(ink, 1.0, PANEL_OPACITY)
    region[:] = np.rint(opacity * panel + (1 - opacity) * region).astype(np.uint8)
    return drawn


def _widest(texts: Sequence[str], scale: float, thickness: int) -> int:
    return max(cv2.getTextSize(text, FONT, scale, thickness)[0][0] for text in texts)
