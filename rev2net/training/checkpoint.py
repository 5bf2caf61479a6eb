"""Saving and loading training state: atomic files, digests, and one-line refusals."""

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rev2net.digests import check_zip, unreadable_checkpoint
from rev2net.errors import UserError
from rev2net.files import atomic_path


def save(state: dict[str, Any], path: Path) -> None:
    """Write beside the final name, flush to disk, rename: the file is whole or absent."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        torch.save(state, file)


def load(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a file that `save` wrote; raises UserError where it is absent or damaged."""
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint")
    check_zip(path)
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise unreadable_checkpoint(path, f"not a readable checkpoint ({reason})") from None
    return state


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def random_states() -> dict[str, Any]:
    """The states of the generators that a training draws from (clips have their own)."""
    states: dict[str, Any] = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Undo of `random_states`."""
    torch.set_rng_state(states["torch"].cpu())
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"].cpu())


def seed_everything(seed: int) -> None:
    """Seed every generator that a library may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
