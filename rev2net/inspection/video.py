"""A video file: what its container says, and what decoding it finds."""

from pathlib import Path
from typing import Any

from rev2net.inspection.report import Facts, Report
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ledger import judge


def inspect_video(path: Path) -> Report:
    """Decode the whole video; raises UserError (VideoError) where no frame can be decoded."""
    stream = FrameStream(path)
    for _ in stream:
        pass
    facts, decoding = stream.outcome()
    announced = announced_frames(path, facts)
    status, message = judge(announced, decoding)
    values: dict[str, Any] = {
        "file": path.name,
        "container": facts.container,
        "codec": facts.codec,
        "width x height": f"{facts.width} x {facts.height}",
        "frames per second": round(facts.fps, 4),
        "frames announced": "not stored" if announced is None else announced,
        "frames decoded": decoding.decoded,
        "status": f"{status}: {message}" if message else status,
    }
    return [Facts("video", values)]
