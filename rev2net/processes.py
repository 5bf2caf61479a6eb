"""Cores for processes; what a child sees of this one's surroundings, and that it ends with it."""

import ctypes
import os
import signal
import sys

# What a program needs to be found and to run; nothing else changes what it does.
_PASSED_ON = (
    *("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"),
    *("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT"),
)
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def child_environment() -> dict[str, str]:
    """The environment of every program that we start: no variable of the user's steers it.

    AV_LOG_FORCE_COLOR, GIT_DIR, RAR and their like change what ffmpeg, git and unrar print or do.
    """
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"LC_ALL": "C.UTF-8"}


def end_with_parent(parent: int) -> None:
    """Have the system kill this process when `parent`, which started it, ends in whatever way."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has ended already
            os.kill(os.getpid(), signal.SIGKILL)
