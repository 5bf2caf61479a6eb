"""How far long work is: a bar in a terminal, a few plain lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 15.0

T = TypeVar("T")


def with_progress(
    done: Iterable[T], total: int, name: str, *, began: bool = True, unit: str = "video"
) -> Iterator[T]:
    """Things one by one, and on standard error how many of `total` and how long it will take.

    `began`: each is given when its work begins, and counts when the next is asked for; else it is
    given when its work is done.
    """
    if sys.stderr.isatty():
        yield from tqdm(done, name, total, unit=unit, smoothing=0)
        return
    start = last = time.monotonic()
    for number, one in enumerate(done, 0 if began else 1):
        now = time.monotonic()
        if now - last > SECONDS_BETWEEN_LINES and 0 < number < total:
            last, passed = now, now - start
            left = passed / number * (total - number)
            print(
                f"{name}: {number} of {total} {unit}s, {60 * number / passed:.3g} a minute, "
                f"{left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
        yield one


def note(line: str) -> None:
    """A line on standard error that does not tear a bar; of bytes that are no text, the numbers."""
    tqdm.write(line.encode(errors="backslashreplace").decode(), file=sys.stderr)
