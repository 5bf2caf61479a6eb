"""Which videos of a dataset can be used: those whose ledger rows are ok in RGB and in flow."""

from pathlib import Path

import pandas as pd

from rev2net.digests import check_text
from rev2net.errors import UserError

KINDS = ("rgb", "flow")
STATUSES = ("ok", "short", "broken", "missing")


def usable_videos(ledger: Path, index: pd.DataFrame) -> set[str]:
    """Ids of the usable videos of an index.

    Raises UserError for an unreadable ledger, an unknown status, or a ledger that lacks a row of
    an index video in either kind (a ledger of another index or of unfinished shards).
    """
    check_text(ledger)
    try:
        rows = pd.read_csv(
            ledger, dtype=str, keep_default_na=False, encoding_errors="surrogateescape"
        )
        rows = rows[["video_id", "kind", "status"]]
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{ledger}: not a ledger ({error})") from None
    unknown = rows[~rows["status"].isin(STATUSES)]
    if len(unknown):
        raise UserError(
            f"{ledger}: status {unknown['status'].iloc[0]!r} of {unknown['video_id'].iloc[0]}; "
            f"allowed: {', '.join(STATUSES)}"
        )
    videos = set(index["video_id"])
    usable = set(videos)
    for kind in KINDS:
        of_kind = rows[rows["kind"] == kind]
        unlisted = videos - set(of_kind["video_id"])
        if unlisted:
            raise UserError(
                f"{ledger}: no {kind} row for {len(unlisted)} of {len(videos)} videos of the index "
                f"(first: {min(unlisted)}); make the {kind} shards of this index"
            )
        # A video with two rows of a kind counts only if both are ok.
        usable -= set(of_kind["video_id"][of_kind["status"] != "ok"])
    return usable
