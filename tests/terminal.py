"""A command in a terminal of its own, for what is shown to people only."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios


def seen_in_terminal(*words: str) -> tuple[str, str]:
    """What `rev2net words` prints to a file and shows on an 80-column terminal (stderr)."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    script = "import sys; from rev2net.cli import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0, shown
    return printed, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed: Linux says so instead of giving nothing
        return b""
