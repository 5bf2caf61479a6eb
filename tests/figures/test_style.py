"""Figures leave in one style: the same bytes each time, and as addresses of their own content."""

import base64
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from rev2net.figures.style import Format, canvas, data_uri, panel, save


def draw(kind: Format) -> bytes:
    with panel(2, 1, "a < b") as (figure, axes):
        axes.plot([0, 1], [1, 0])
        return save(figure, kind, dpi=100)


@pytest.mark.parametrize("kind", ["svg", "png", "webp"])
def test_the_same_figure_is_the_same_bytes(kind: Format) -> None:
    assert draw(kind) == draw(kind)


def test_svg_keeps_its_text_as_text() -> None:
    texts = [element.text for element in ElementTree.fromstring(draw("svg")).iter()]
    assert "a < b" in texts


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_pictures_have_the_size_asked_for(kind: Format) -> None:
    picture = cv2.imdecode(np.frombuffer(draw(kind), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (100, 200, 3)


def test_a_data_address_holds_the_content() -> None:
    head, content = data_uri(b"\x00\xffpicture", "png").split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == b"\x00\xffpicture"


def test_the_style_does_not_leak() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    with canvas(1, 1):
        assert dict(matplotlib.rcParams) != before
    assert dict(matplotlib.rcParams) == before
