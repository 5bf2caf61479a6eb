"""Claims as data: the paper's are about rows its tables have; own ones are refused else."""

from typing import Any

import pytest

from rev2net.errors import UserError
from rev2net.paper.claims import CLAIMS, claims
from rev2net.paper.tables import TABLES
from tests.work_folder import CONFIG, own_config


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_every_claim_compares_rows_that_its_table_has(claim: Any) -> None:
    rows = {(row.method, row.input) for row in TABLES[claim.table].rows}
    assert {(row.method, row.input) for pair in claim.pairs for row in pair} <= rows


def test_claims_of_ones_own_stand_behind_the_papers() -> None:
    assert claims(CONFIG) == list(CLAIMS)
    assert [claim.name for claim in claims(own_config())] == ["mine-is-better"]
    statement = {"statement": "s", "pairs": [["rev2net.rgb", "i3d.rgb"]], "table": "table5"}
    both = CONFIG.model_copy(update={"claims": own_config(claims={"mine": statement}).claims})
    assert claims(both)[: len(CLAIMS)] == list(CLAIMS)
    assert claims(both)[-1].name == "mine"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"table": "transfers"}, "claims.mine.table: 'transfers' is none of transfer, starts"),
        ({"table": "table5"}, "claims.mine.table: 'table5' is none of transfer, starts"),
        (
            {"pairs": [["my-i3d.rgb", "tsn.rgb"]]},
            "claims.mine.pairs: tsn.rgb is no row of transfer; its rows are "
            "i3d.rgb.scratch.mkmmd, my-i3d.rgb.scratch.mkmmd, i3d.rgb+flow.scratch.mkmmd",
        ),
        (
            {"pairs": [["i3d.rgb", "my-i3d.rgb.scratch.none"]]},
            "claims.mine.pairs: my-i3d.rgb.scratch.none is no row of transfer; ",
        ),
        (
            {"table": "starts", "pairs": [["i3d.rgb", "my-i3d.rgb"]]},
            "claims.mine.pairs: i3d.rgb may be i3d.rgb.scratch.none or i3d.rgb.imagenet.none of "
            "starts; say which",
        ),
        (
            {"pairs": [["i3d.rgb", "i3d.rgb.scratch"]]},
            "claims.mine.pairs: i3d.rgb is compared with itself",
        ),
    ],
)
def test_a_claim_about_what_is_not_there_is_refused(changes: dict[str, Any], line: str) -> None:
    claim = {"statement": "s", "table": "transfer", "pairs": [["my-i3d.rgb", "i3d.rgb"]]}
    with pytest.raises(UserError) as caught:
        claims(own_config(claims={"mine": claim | changes}))
    assert str(caught.value).startswith(line)


def test_the_name_of_a_claim_of_the_paper_is_taken() -> None:
    claim = {"statement": "s", "table": "transfer", "pairs": [["my-i3d.rgb", "i3d.rgb"]]}
    with pytest.raises(UserError, match=r"claims\.frame-decoder-helps: the paper has a claim"):
        claims(own_config(claims={"frame-decoder-helps": claim}))
