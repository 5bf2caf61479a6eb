"""Where the texts of a figure lie, asked of matplotlib itself."""

from collections.abc import Callable
from importlib import import_module

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from tests.figures.svg_text import svg_texts


def texts_outside(
    draw: Callable[[], bytes], module: str, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The texts that are cut off in what `draw` saves through the module's `save`."""
    figures: list[Figure] = []
    save = import_module(module).save

    def watched(figure: Figure, *options: object) -> bytes:
        figures.append(figure)
        content: bytes = save(figure, *options)
        return content

    with monkeypatch.context() as patched:
        patched.setattr(f"{module}.save", watched)
        drawn = set(svg_texts(draw()))  # ticks beyond the ends of an axis are texts, and not drawn
    (figure,) = figures
    FigureCanvasAgg(figure).draw()
    width, height = figure.bbox.size
    return [
        text.get_text()
        for text in figure.findobj(Text)
        if isinstance(text, Text) and drawn & set(text.get_text().split("\n"))
        if (box := text.get_window_extent()).x0 < -0.5
        or box.y0 < -0.5
        or box.x1 > width + 0.5
        or box.y1 > height + 0.5
    ]
