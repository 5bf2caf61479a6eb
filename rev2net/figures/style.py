"""How every figure looks, and how it leaves: SVG for lines and text, PNG or WebP for pictures.

The colours are Okabe and Ito's, which people with any common colour blindness tell apart.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

INK, MUTED, RULE = "#1a1a1a", "#666666", "#dddddd"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#aa4499"
SKY, YELLOW, BLACK = "#56b4e9", "#e69f00", "#000000"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, BLACK)
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", BLUE])
INPUT_COLORS = {"rgb": BLUE, "flow": ORANGE, "rgbdiff": GREEN}

_STYLE: Any = {
    "font.family": "sans-serif",
    # The first is matplotlib's own, so that text is measured alike on every machine.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "svg.fonttype": "none",  # text stays text: small, sharp, searchable
    "svg.hashsalt": "rev2net",  # the same figure is the same bytes
}
_SAVED: dict[str, Any] = {
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "png": {"metadata": {"Software": None}},
    "webp": {"pil_kwargs": {"quality": 75}},
}
_MEDIA = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}

Format = Literal["svg", "png", "webp"]


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """A figure of so many inches in the style of all; draw and `save` it inside the block."""
    with matplotlib.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


@contextmanager
def panel(width: float, height: float, title: str) -> Iterator[tuple[Figure, Axes]]:
    """The same with one pair of axes."""
    with canvas(width, height) as figure:
        axes = figure.subplots()
        entitle(figure, title)
        yield figure, axes


def entitle(figure: Figure, text: str, indent: float = 0.04) -> int:
    """Set a title over the whole width of a figure, which breaks at words where it is too long.

    Over its axes alone it would be cut off, since these begin behind the names of their ticks.
    `indent` in inches; returns the number of lines.
    """
    room = (figure.get_figwidth() - 2 * indent) * figure.dpi
    title = figure.suptitle("", x=indent / figure.get_figwidth(), ha="left", fontsize=9,
                            fontweight="bold")  # fmt: skip
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        title.set_text(longer)
        if lines[-1] and title.get_window_extent().width > room:
            lines.append(word)
        else:
            lines[-1] = longer
    title.set_text("\n".join(lines))
    return len(lines)


def save(figure: Figure, kind: Format = "svg", dpi: float = 150) -> bytes:
    """The finished figure; without a date, so that equal figures are equal files."""
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=dpi, **_SAVED[kind])
    return out.getvalue()


def data_uri(content: bytes, kind: Format) -> str:
    """A picture as the address of an `<img>`, so that the page needs no other file."""
    return f"data:{_MEDIA[kind]};base64,{base64.b64encode(content).decode()}"
