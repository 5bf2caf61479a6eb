"""The paper's claims as data: they are about rows its tables have, and its differences by hand."""

from typing import Any

import pytest

from rev2net.paper.claims import CLAIMS, paper_difference
from rev2net.paper.tables import TABLES

NAMED = {claim.name: claim for claim in CLAIMS}
BETTER = NAMED["flow-transfers-worse"]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_every_claim_compares_rows_that_its_table_has(claim: Any) -> None:
    rows = {(row.method, row.input) for row in TABLES[claim.table].rows}
    assert all(set(pair) <= rows for pair in claim.pairs)


def test_the_papers_own_differences_are_those_of_its_tables() -> None:
    pair = (("i3d", "rgb"), ("i3d", "flow"))
    assert paper_difference(BETTER, pair, "hmdb-ucf") == 11.4  # 56.4 - 45.0
    assert paper_difference(BETTER, pair, "ucf-hmdb") == 9.9  # 41.0 - 31.1
    frame_only = NAMED["no-penalty-below-frame-decoder"]
    # The text claims the opposite sign: one of the paper's contradictions.
    assert paper_difference(frame_only, frame_only.pairs[0], "ucf101") == -0.2
    off = NAMED["rev2net-beats-all-imagenet"]
    absent = (("rev2net", "rgb"), ("off", "rgb+rgbdiff"))
    assert paper_difference(off, absent, "hmdb51") is None
