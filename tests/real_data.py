"""Where the real clips and official lists lie; tests that need them are skipped without."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("REV2NET_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
WITHOUT = f"no real data in {REAL_DATA}; set REV2NET_REAL_DATA"
