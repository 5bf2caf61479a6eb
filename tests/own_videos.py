"""Videos of one's own: a few short clips by class, in folders, and the project around them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rev2net.mini.encode import encode

ROOT = Path(__file__).resolve().parents[1]
FRAMES, HEIGHT, WIDTH, FPS = 14, 48, 64, 25
NAMES = [f"{place}-{k}" for place in ("park", "hall", "yard") for k in (1, 2)]


def write_video(path: Path, label: int, seed: int) -> None:
    """Grain that moves to the right, downwards or not at all, by the label."""
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (HEIGHT + FRAMES, WIDTH + FRAMES, 3)).astype(np.uint8)
    moved = [(t * (label == 1), t * (label == 0)) for t in range(FRAMES)]
    frames = np.stack([scene[y : y + HEIGHT, x : x + WIDTH] for y, x in moved])
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(frames, FPS, path, "ucf101" if path.suffix == ".avi" else "kinetics400")


def write_folder(
    folder: Path, classes: Sequence[str], names: Sequence[str] = NAMES, suffix: str = ".mp4"
) -> Path:
    """`<class>/<name>` for every class and name."""
    for label, class_name in enumerate(classes):
        for k, name in enumerate(names):
            write_video(folder / class_name / f"{name}{suffix}", label, 100 * label + k)
    return folder


def link_project(folder: Path) -> Path:
    """A folder in which the workflow runs as in the project's own."""
    for name in ("Snakefile", "workflow", "profiles", "envs", "config.yaml", "configs"):
        (folder / name).symlink_to(ROOT / name)
    return folder
