"""Writing a small text file so that it exists whole or not at all."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 beside the final name, then rename; makes the folder where it is absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
