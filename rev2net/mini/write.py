"""Writes one dataset of the mini benchmark to disk, whole or not at all."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rev2net.errors import UserError
from rev2net.mini import published
from rev2net.mini.encode import encode
from rev2net.mini.worlds import MINI_VERSION, Clip, film, stream
from rev2net.video.ffmpeg import ffmpeg_version

MARKER = "mini.json"  # tells a folder of ours from a downloaded dataset


@dataclass(frozen=True)
class MiniOptions:
    """Size of the benchmark; the defaults are the demo's."""

    classes: str = "small"  # UCF-HMDB class set: small (5 classes) or full (12 of HMDB51)
    groups: int = 28  # source videos a class; for Kinetics, videos a class
    clips: int = 2  # cut from each source
    frames: tuple[int, int] = (20, 26)  # fewest and most in a clip
    height: int = 72  # pixels
    seed: int = 0

    def check(self) -> None:
        """Raise UserError for the first option that cannot be met."""
        fewest, most = self.frames
        allowed: list[tuple[bool, str, object, str]] = [
            (self.classes in published.CLASS_SETS, "classes", self.classes, "small or full"),
            (4 <= self.groups <= 99, "groups", self.groups, "4 to 99"),
            (1 <= self.clips <= 99, "clips", self.clips, "1 to 99"),
            (2 <= fewest <= most, "frames", f"{fewest} {most}", "two numbers, 2 <= MIN <= MAX"),
            (
                self.height >= 32 and self.height % 2 == 0,
                "height",
                self.height,
                "an even number from 32",
            ),
            (self.seed >= 0, "seed", self.seed, "0 or more"),
        ]
        for fine, name, value, words in allowed:
            if not fine:
                raise UserError(f"{name} = {value} is not possible: allowed is {words}")


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
    if dataset not in published.DATASETS:
        raise UserError(
            f"dataset {dataset!r} is unknown: allowed are {', '.join(published.DATASETS)}"
        )
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
    videos = _WRITERS[dataset](partial, options, progress or (lambda done, total: None))
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


def _write_ucf101(folder: Path, options: MiniOptions, progress: Progress) -> int:
    labels = published.mini_classes("ucf101", options.classes)
    order = [
        (label, group, clip)
        for label in labels
        for group in range(1, options.groups + 1)
        for clip in range(1, options.clips + 1)
    ]
    for done, (label, group, clip) in enumerate(order, start=1):
        path = folder / "UCF-101" / published.ucf101_path(label, group, clip)
        _save(_film("ucf101", label, group, clip, options), path, "ucf101")
        progress(done, len(order))
    lists = published.ucf101_lists(labels, options.groups, options.clips)
    _write_lists(folder / "ucfTrainTestlist", lists)
    return len(order)


def _write_hmdb51(folder: Path, options: MiniOptions, progress: Progress) -> int:
    labels = published.mini_classes("hmdb51", options.classes)
    sources = [
        (group, clip)
        for group in range(1, options.groups + 1)
        for clip in range(1, published.hmdb51_clips(group, options.clips) + 1)
    ]
    done, total = 0, len(labels) * len(sources)
    for label in labels:
        names: dict[tuple[int, int], str] = {}
        for group, clip in sources:
            filmed = _film("hmdb51", label, group, clip, options)
            names[group, clip] = published.hmdb51_name(
                label, group, clip, filmed.camera_moves, filmed.side, filmed.quality
            )
            _save(filmed, folder / "hmdb51_org" / label.name / names[group, clip], "hmdb51")
            done += 1
            progress(done, total)
        rng = stream(options.seed, "hmdb51", label.name, "splits")
        lists = published.hmdb51_lists(label, names, options.clips, rng)
        _write_lists(folder / "testTrainMulti_7030_splits", lists)
    return total


def _write_kinetics400(folder: Path, options: MiniOptions, progress: Progress) -> int:
    labels = published.mini_classes("kinetics400", options.classes)
    order = [(label, group) for label in labels for group in range(1, options.groups + 1)]
    rows = []
    for done, (label, group) in enumerate(order, start=1):
        rng = stream(options.seed, "kinetics400", label.name, group, "name")
        row = published.kinetics400_clip(label, group, options.groups, rng)
        rows.append(row)
        _save(_film("kinetics400", label, group, 1, options), folder / row.path, "kinetics400")
        progress(done, len(order))
    _write_lists(folder, published.kinetics400_lists(rows, labels))
    return len(order)


def _film(
    dataset: str, label: published.MiniClass, group: int, clip: int, options: MiniOptions
) -> Clip:
    return film(
        dataset,
        label.hmdb,
        label.actions[group % len(label.actions)],
        group,
        clip,
        frames=options.frames,
        height=options.height,
        seed=options.seed,
    )


def _save(filmed: Clip, path: Path, dataset: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(filmed.frames, filmed.fps, path, dataset, filmed.quality)


def _write_lists(folder: Path, lists: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in lists.items():
        (folder / name).write_bytes(text.encode())  # keeps the published line ends


_WRITERS = {
    "ucf101": _write_ucf101,
    "hmdb51": _write_hmdb51,
    "kinetics400": _write_kinetics400,
}
