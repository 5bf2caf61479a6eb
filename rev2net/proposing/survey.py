"""What a folder of videos holds: classes, clips, groups, and the length and size of a sample."""

import contextlib
import itertools
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from statistics import quantiles

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, Video
from rev2net.datasets.recognising import list_videos, recognise
from rev2net.errors import UserError
from rev2net.video.counting import announced_frames
from rev2net.video.decoding import FrameStream
from rev2net.video.ffmpeg import VideoError
from rev2net.video.ledger import judge

SAMPLE = 64  # videos of a dataset
MOST_FRAMES = 600  # decoded of one; how many a longer one has, its container says
TIME_LIMIT = 60  # seconds


@dataclass(frozen=True)
class Probe:
    """What decoding one video showed."""

    frames: int
    width: int  # pixels
    height: int
    fps: float


@dataclass(frozen=True)
class Survey:
    """A dataset as it was found."""

    name: str
    settings: DatasetSettings
    listing: Listing
    probes: list[Probe]  # of the sample, as far as it could be decoded
    broken: dict[str, str]  # path in the sample -> what is wrong with it
    remarks: list[str]  # a line each, for what is odd in lists and folders

    @property
    def videos(self) -> list[Video]:
        """Those that are there, decodable or not."""
        return [video for video in self.listing.videos if video.present]

    @property
    def classes(self) -> Counter[str]:
        """Videos of each class that has any, in the order of the labels."""
        counts = Counter(video.class_name for video in self.videos)
        return Counter({name: counts[name] for name in self.listing.class_names if counts[name]})

    @property
    def divided(self) -> bool:
        """Whether train and test sides are given."""
        sides = {video.sides[0] for video in self.videos if video.sides}
        return {"train", "test"} <= sides

    @property
    def alone(self) -> int:
        """Videos that are a source of their own: nobody says what they were cut from."""
        return sum(video.group == video.video_id for video in self.videos)

    @property
    def frames(self) -> tuple[int, int, int]:
        """Frames of a short, a usual and a long video: a tenth are shorter, or longer."""
        return self._deciles([probe.frames for probe in self.probes])

    @property
    def short_side(self) -> int:
        """Pixels; nine of ten videos have as many at least."""
        return self._deciles([min(probe.width, probe.height) for probe in self.probes])[0]

    @property
    def sizes(self) -> str:
        """The commonest size, and how many others there are."""
        sizes = Counter(f"{probe.width}x{probe.height}" for probe in self.probes)
        ((size, _),) = sizes.most_common(1)
        return size + (f" and {len(sizes) - 1} more" if sizes[size] < len(self.probes) else "")

    @property
    def fps(self) -> float:
        """Frames a second of the usual video; 0 where it is not known."""
        return float(self._deciles([round(probe.fps) for probe in self.probes])[1])

    @staticmethod
    def _deciles(values: list[int]) -> tuple[int, int, int]:
        tenths = quantiles(sorted(values), n=10, method="inclusive") if values[1:] else values * 9
        return int(tenths[0]), int(tenths[4]), int(tenths[8])

    def training(self, class_names: set[str], by_groups: bool) -> int:
        """Videos of these classes that are trained on: four fifths, or as divided."""
        videos = [video for video in self.videos if video.class_name in class_names]
        if by_groups:
            return round(0.8 * len(videos))
        return sum(video.sides[0] == "train" for video in videos)


def survey(name: str, place: Path, jobs: int) -> Survey:
    """Look at a folder or list; raises UserError as `recognise` and the importers do, and where no
    video of the sample can be decoded. `jobs` videos are decoded at a time.
    """
    settings, listing, remarks = list_videos(recognise(place))
    present = [video for video in listing.videos if video.present]
    if not present:
        raise UserError(f"{place}: none of the {len(listing.videos)} listed videos is there")
    if len(present) < (1 - settings.max_unusable_fraction) * len(listing.videos):
        settings = settings.model_copy(update={"partial": True})
    remarks += several_datasets(settings, listing)
    groups = group_pattern(listing)
    if groups is not None:
        settings, listing, _ = list_videos(settings.model_copy(update={"groups": groups}))
    step = max(1, len(present) // SAMPLE)
    sample = [Path(settings.root, video.path) for video in _by_class(present)[::step][:SAMPLE]]
    with ThreadPoolExecutor(jobs) as threads:
        found = dict(zip(sample, threads.map(_probe, sample), strict=True))
    probes = [result for result in found.values() if isinstance(result, Probe)]
    broken = {str(path): result for path, result in found.items() if isinstance(result, str)}
    if not probes:
        path, reason = next(iter(broken.items()))
        raise UserError(f"{place}: no video of {len(sample)} can be decoded ({path}: {reason})")
    return Survey(name, settings, listing, probes, broken, remarks + listing.warnings)


def several_datasets(settings: DatasetSettings, listing: Listing) -> list[str]:
    """A line where no class folder holds a video itself: they may be datasets with class folders.

    Or every class sorts its videos into folders; only a person can say.
    """
    if settings.format != "folders":
        return []
    places = [PurePath(video.path).parts for video in listing.videos]
    depth = 1 if listing.videos[0].sides else 0  # of the class's folder
    if any(len(parts) == depth + 2 for parts in places):
        return []
    classes = sorted({parts[depth] for parts in places})
    first, *inside = places[0][depth:]
    return [
        f"{settings.root}: no class folder holds a video itself, only folders do "
        f"({first}/{inside[0]}); if {' and '.join(classes[:2])} are datasets, not classes, give "
        "each for itself: --dataset NAME=DIR"
    ]


def group_pattern(listing: Listing) -> str | None:
    """An expression for the source video in the names of files, where all follow a known pattern.

    UCF101's `v_<Class>_g01_c01`, or HMDB51's tags; None for others, and where groups are known.
    """
    videos = listing.videos
    if any(video.group != video.video_id for video in videos):
        return None
    names = sorted({Path(video.path).parent.name for video in videos}, key=len, reverse=True)
    classes = "|".join(map(re.escape, names))
    for pattern in (
        r"([^/]+_g\d+)_c\d+\.\w+$",
        rf"([^/]+)_(?:{classes})_[a-z]+_[a-z]+_np\d+_[a-z]+_[a-z]+_\d+\.\w+$",
    ):
        if all(re.search(pattern, video.path) for video in videos):
            return pattern
    return None


def group_example(listing: Listing) -> str | None:
    """An expression that could tell the source video: it matches every path; None where none does.

    The name without the number behind it. Whether that is a recording, only a person can say.
    """
    for pattern in (r"([^/]+)_\d+\.\w+$", r"([^/]+)-\d+\.\w+$"):
        if all(re.search(pattern, video.path) for video in listing.videos):
            return pattern
    return None


def _by_class(videos: list[Video]) -> list[Video]:
    """So that evenly spaced ones are of every class."""
    return sorted(videos, key=lambda video: (video.class_name, video.path))


def _probe(path: Path) -> Probe | str:
    """A video decoded, or what is wrong with it."""
    stream = FrameStream(path, time_limit=TIME_LIMIT)
    try:
        with contextlib.closing(iter(stream)) as frames:  # type: ignore[type-var]
            decoded = sum(1 for _ in itertools.islice(frames, MOST_FRAMES))
            whole = next(frames, None) is None
    except VideoError as error:
        return error.reason
    facts = stream.input
    assert facts is not None
    announced = announced_frames(path, facts)
    if whole:
        status, message = judge(announced, stream.outcome()[1])
        if status != "ok":
            return message
    return Probe(decoded if whole else announced or decoded, facts.width, facts.height, facts.fps)
