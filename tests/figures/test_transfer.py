"""The transfer gap: what is written beside the bars."""

import math

from rev2net.figures.transfer import Transfer, transfer_gap
from tests.figures.svg_text import svg_texts


def test_every_model_is_named_once_and_every_bar_has_its_difference() -> None:
    rows = [
        Transfer("TSN", "rgb", 80.0, 50.0, 40.0, 60.0),
        Transfer("TSN", "flow", 60.0, 65.5, 50.0, 70.0),
        Transfer("Rev2Net", "rgb", 90.0, 70.0, math.nan, math.nan),
    ]
    texts = svg_texts(transfer_gap("HMDB→UCF", rows))
    assert texts.count("TSN") == texts.count("Rev2Net") == 1
    assert "HMDB→UCF" in texts
    assert [text for text in texts if text[0] in "+−-" and "." in text] == [
        "−30.0",
        "+5.5",
        "−20.0",
    ]
