"""Fixtures of the flow tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def clips(real_data: Path) -> list[Path]:
    """Real video clips."""
    return sorted(real_data.glob("*/*/*/*.avi"))
