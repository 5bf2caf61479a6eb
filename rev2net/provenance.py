"""Which code made a file: the commit of this checkout, or the installed version."""

import functools
import platform
import subprocess
from pathlib import Path

from rev2net import __version__
from rev2net.processes import child_environment


@functools.cache
def commit() -> str:
    """The commit of the checkout that this package runs from, `+` where files are changed.

    Outside a git checkout: the version of the package.
    """
    root = Path(__file__).resolve().parent.parent
    try:
        # An installed copy may lie inside somebody else's repository.
        if Path(_git(root, "rev-parse", "--show-toplevel")).resolve() != root:
            return f"v{__version__}"
        return _git(root, "describe", "--always", "--abbrev=12", "--dirty=+")
    except (OSError, subprocess.SubprocessError):
        return f"v{__version__}"


def processor(facts: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name and its widest vector unit: float sums, and so accuracies, depend on it.

    `facts` as Linux writes them; elsewhere what Python knows.
    """
    lines = facts.read_text().splitlines() if facts.is_file() else []
    known = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    name = known.get("model name") or platform.processor() or platform.machine()
    units = [unit for unit in ("AVX512F", "AVX2") if unit.lower() in known.get("flags", "").split()]
    return f"{name}, {units[0]}" if units else name


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
        env=child_environment(),  # GIT_DIR names another repository
    )
    return done.stdout.strip()
