"""Fixtures of the flow tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from flow_images import REAL_DATA, real_clips


@pytest.fixture(scope="session")
def clips() -> list[Path]:
    """Real video clips."""
    found = real_clips()
    if not found:
        pytest.skip(f"no real clips under {REAL_DATA} (REV2NET_REAL_DATA)")
    return found
