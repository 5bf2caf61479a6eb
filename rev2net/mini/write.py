"""Writes one dataset of the mini benchmark to disk, whole or not at all."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rev2net.errors import UserError
from rev2net.mini.conventions import CONVENTIONS, mini_classes
from rev2net.mini.encode import encode
from rev2net.mini.worlds import MINI_VERSION, film
from rev2net.video.ffmpeg import ffmpeg_version

MARKER = "mini.json"  # tells a folder of ours from a downloaded dataset


@dataclass(frozen=True)
class MiniOptions:
    """Size of the benchmark; the defaults are the demo's."""

    classes: str = "small"  # UCF-HMDB class set: small (5 classes) or full (12 of HMDB51)
    groups: int = 56  # source videos a class; for Kinetics, videos a class
    clips: int = 2  # cut from each source
    frames: tuple[int, int] = (10, 12)  # fewest and most in a clip
    height: int = 48  # pixels
    seed: int = 0

    def check(self) -> None:
        """Raise UserError for the first option that cannot be met."""
        fewest, most = self.frames
        even_height = self.height >= 32 and self.height % 2 == 0
        allowed: list[tuple[bool, str, str]] = [
            (self.classes in ("small", "full"), f"classes = {self.classes}", "small or full"),
            (4 <= self.groups <= 99, f"groups = {self.groups}", "4 to 99"),
            (1 <= self.clips <= 99, f"clips = {self.clips}", "1 to 99"),
            (2 <= fewest <= most, f"frames = {fewest} {most}", "two numbers, 2 <= MIN <= MAX"),
            (even_height, f"height = {self.height}", "an even number from 32"),
            (self.seed >= 0, f"seed = {self.seed}", "0 or more"),
        ]
        for fine, given, words in allowed:
            if not fine:
                raise UserError(f"{given} is not possible: allowed is {words}")


Progress = Callable[[int, int], None]  # videos done, videos in all


def write_mini(
    root: Path | str,
    dataset: str,
    options: MiniOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Path:
    """Write `root`/`dataset` with videos and official-style lists; returns that folder.

    Everything is written to a hidden folder beside it and renamed at the end. An older mini dataset
    is replaced; a folder that is not one is left alone (UserError).
    """
    options = options or MiniOptions()
    options.check()
    if dataset not in CONVENTIONS:
        raise UserError(f"dataset {dataset!r} is unknown: allowed are {', '.join(CONVENTIONS)}")
    root = Path(root)
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file: allowed as root is a folder, or the name of a new one")
    final = root / dataset
    if final.exists() and not (final / MARKER).is_file():
        raise UserError(
            f"{final} exists and holds no {MARKER}, so it is not a mini dataset and will not be "
            "replaced: allowed is another root, or a new folder"
        )
    partial, replaced = (
        final.with_name(f".{dataset}.{state}") for state in ("partial", "replaced")
    )
    for leftover in (partial, replaced):
        if leftover.exists():
            shutil.rmtree(leftover)
    partial.mkdir(parents=True)
    videos = _write(partial, dataset, options, progress or (lambda done, total: None))
    about = {
        "mini_version": MINI_VERSION,
        "dataset": dataset,
        "options": asdict(options),
        "videos": videos,
        "ffmpeg": ffmpeg_version(),
    }
    (partial / MARKER).write_text(json.dumps(about, indent=2) + "\n")
    if final.exists():
        final.rename(replaced)
    partial.rename(final)
    shutil.rmtree(replaced, ignore_errors=True)
    return final


def _write(folder: Path, dataset: str, options: MiniOptions, progress: Progress) -> int:
    """Film and encode every video, then write the lists; returns the number of videos."""
    labels = mini_classes(dataset, options.classes)
    convention = CONVENTIONS[dataset](labels, options.groups, options.clips, options.seed)
    order = [
        (label, group, clip)
        for label in labels
        for group in range(1, options.groups + 1)
        for clip in range(1, convention.clips_of(group) + 1)
    ]
    paths = {}
    for done, (label, group, clip) in enumerate(order, start=1):
        filmed = film(
            dataset,
            label.hmdb,
            label.actions[group % len(label.actions)],
            group,
            clip,
            frames=options.frames,
            height=options.height,
            seed=options.seed,
        )
        paths[label, group, clip] = convention.path(label, group, clip, filmed)
        path = folder / convention.videos / paths[label, group, clip]
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(filmed.frames, filmed.fps, path, dataset, filmed.quality)
        progress(done, len(order))
    lists = folder / convention.lists
    lists.mkdir(exist_ok=True)
    for name, text in convention.list_files(paths).items():
        (lists / name).write_bytes(text.encode())  # keeps the published line ends
    return len(order)
