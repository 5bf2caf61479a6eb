"""How fast a machine is: what a plan multiplies with, and whether each figure was measured."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import Field

from rev2net.config import Section, validate
from rev2net.errors import UserError
from rev2net.files import write_text


class Rate(Section):
    """One figure and where it is from."""

    value: Annotated[float, Field(gt=0)]
    source: str  # "measured …" or "assumed …"


class Rates(Section):
    """The figures of one machine under one configuration."""

    open: Rate  # seconds to start decoding a video
    decode: Rate  # seconds for a megapixel as downloaded, resizing included
    encode: Rate  # seconds for a stored megapixel
    encode_flow: Rate  # the same of flow, both components, as it is stored
    flow: Rate  # seconds for a stored megapixel of a pair of frames
    read: Rate  # seconds to read a stored megapixel back
    training: dict[str, Rate]  # multiply-adds a second in the steps of a network, by its recipe
    start: Rate  # seconds until a job begins its work
    start_training: Rate  # the same with torch
    rgb_bytes: Rate  # for a stored megapixel
    flow_bytes: Rate


# At 340x256 on real clips: 24.6 kB a frame and, with both components, 5.4 kB a flow frame at JPEG
# quality 95, of which some 600 bytes are the head of any file; 14.7 kB as PNG (docs/throughput.md).
HEAD_BYTES = 600
RGB_BYTES = Rate(value=276_000, source="assumed: JPEG at quality 95 on real clips")
FLOW_BYTES = {
    "jpeg": Rate(value=55_000, source="assumed: JPEG at quality 95 on real clips"),
    "png": Rate(value=162_000, source="assumed: PNG on real clips"),
    "webp": Rate(value=95_000, source="assumed: lossless WebP on real clips"),
}
GPU_RATE = Rate(
    value=40e12, source="assumed: no GPU here; some 10 % of an H100's peak in bfloat16, untested"
)


def load_rates(path: Path) -> Rates:
    """Rates from a file that `save_rates` wrote; raises UserError for any other."""
    try:
        values = json.loads(path.read_text())
    except OSError as error:
        raise UserError(f"--rates: {path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"--rates: {path}: not JSON ({error})") from None
    return validate(Rates, values, f"--rates: {path}")


def save_rates(rates: Rates, path: Path) -> None:
    """Write rates for another plan, or for other machines' figures to be put in."""
    write_text(path, rates.model_dump_json(indent=1) + "\n")
