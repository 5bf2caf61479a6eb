"""Which code made a file: the commit of this checkout, or the installed version."""

import functools
import subprocess
from pathlib import Path

from rev2net import __version__


@functools.cache
def commit() -> str:
    """The commit of the checkout that this package runs from, `+` where files are changed.

    Outside a git checkout: the version of the package.
    """
    folder = Path(__file__).resolve().parent
    try:
        described = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty=+"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return f"v{__version__}"
    return described or f"v{__version__}"
