from pathlib import Path

import numpy as np
import pytest

from rev2net.errors import UserError
from rev2net.video.ffmpeg import DecodingFacts
from rev2net.video.ledger import (
    ContentDigest,
    LedgerRow,
    contents,
    judge,
    read_ledger,
    write_ledger,
)


def decoding(packets: int, decoded: int, errors: int = 0, **flags: bool) -> DecodingFacts:
    facts = {"cut_off": False, "damaged": False} | flags
    return DecodingFacts(packets=packets, decoded=decoded, errors=errors, **facts)


@pytest.mark.parametrize(
    ("announced", "found", "status", "message"),
    [
        (131, decoding(131, 131), "ok", ""),
        (82, decoding(82, 81), "ok", ""),  # HMDB51: a packet without a picture
        (41, decoding(40, 40), "ok", ""),  # one too many announced
        (300, decoding(294, 294), "ok", ""),  # 2 %
        (300, decoding(293, 293), "short", "decoded 293 of 300 announced frames"),
        (160, decoding(71, 71, damaged=True), "short", "decoded 71 of 160 announced frames"),
        (2, decoding(1, 1), "ok", ""),
        (3, decoding(1, 1), "short", "decoded 1 of 3 announced frames"),
        (100, decoding(100, 90, errors=10), "short", "decoded 90 of 100 announced frames"),
        (100, decoding(120, 120), "ok", ""),  # more than announced
        (152, decoding(251, 152), "ok", ""),  # the container hides 99, and announces the others
        (100, decoding(100, 100, damaged=True), "ok", "some frames are damaged"),
        (100, decoding(98, 61, 2, damaged=True), "short", "decoded 61 of 100 announced frames"),
        (100, decoding(100, 52, damaged=True), "short", "decoded 52 of 100 announced frames"),
        (100, decoding(100, 52), "short", "decoded 52 of 100 announced frames"),
        (None, decoding(100, 100), "ok", ""),
        (None, decoding(100, 50), "ok", ""),  # two fields, or pictures that are never shown
        (None, decoding(100, 50, damaged=True), "short", "decoded 50 frames of 100 found"),
        (
            None,
            decoding(53, 53, cut_off=True),
            "short",
            "decoded 53 frames of 53 found; the file ends too early",
        ),
        (None, decoding(100, 60, errors=40), "short", "decoded 60 frames of 100 found"),
    ],
)
def test_a_video_is_short_where_more_than_a_frame_and_2_percent_are_lost(
    announced: int | None, found: DecodingFacts, status: str, message: str
) -> None:
    assert judge(announced, found) == (status, message)


def test_a_ledger_survives_the_way_through_its_file(tmp_path: Path) -> None:
    rows = [
        LedgerRow("v_Archery_g01_c01", "rgb", 131, 131, "ok", "", "0123456789abcdef"),
        LedgerRow('a, "b"\nü', "flow", None, 0, "missing", "no file x, y.avi"),
    ]
    write_ledger(tmp_path / "ledger.csv", rows)
    assert read_ledger(tmp_path / "ledger.csv") == rows


def test_the_file_reads_as_documented(tmp_path: Path) -> None:
    rows = [LedgerRow("v_Archery_g01_c02", "rgb", None, 0, "missing", "no file x.avi")]
    write_ledger(tmp_path / "ledger.csv", rows)
    assert (tmp_path / "ledger.csv").read_text() == (
        "video_id,kind,announced,decoded,status,message,content\n"
        "v_Archery_g01_c02,rgb,,0,missing,no file x.avi,\n"
    )


def test_another_file_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    with pytest.raises(UserError, match=r"ledger\.csv: not a readable ledger"):
        read_ledger(path)
    path.write_text("video_id,label\nv,1\n")
    with pytest.raises(UserError, match="columns 'video_id,label'; a ledger has video_id,kind"):
        read_ledger(path)
    for row in ("v,rgb,,many,ok,,", "v,rgb"):
        path.write_text(f"video_id,kind,announced,decoded,status,message,content\n{row}\n")
        with pytest.raises(UserError, match=r"ledger\.csv: not a readable ledger"):
            read_ledger(path)


def digest(*images: int) -> str:
    """Of a video whose images are made of these numbers."""
    content = ContentDigest()
    for image in images:
        content.add(np.full(5, image, np.uint8))
    return content.value()


def test_a_digest_is_of_the_first_images_that_move() -> None:
    moving = digest(*range(16))
    assert len(moving) == 16
    assert digest(*range(16), 99, 98) == moving  # later ones say nothing
    assert digest(*range(15), 99) != moving
    assert digest(0, 0, 0, *range(16)) == moving  # nor does a still beginning
    assert digest(1, *range(1, 16)) != moving
    assert digest(0, 1, 1, 1) != digest(0, 1, 1)


def test_a_video_that_never_moves_has_no_digest() -> None:
    assert digest() == digest(7) == digest(*[7] * 40) == ""


def test_a_ledgers_contents_are_those_of_frames_or_else_of_flow(tmp_path: Path) -> None:
    rows = [
        LedgerRow("a", "flow", 9, 9, "ok", "", "2" * 16),
        LedgerRow("b", "flow", 9, 9, "ok", "", "3" * 16),
        LedgerRow("a", "rgb", 9, 9, "ok", "", "1" * 16),
        LedgerRow("c", "rgb", 9, 9, "ok", "", ""),
    ]
    write_ledger(tmp_path / "ledger.csv", rows)
    assert contents(tmp_path / "ledger.csv") == {"a": "1" * 16, "b": "3" * 16}
