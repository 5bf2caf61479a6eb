"""How large a dataset is; and the published ones, for plans made before there is a copy."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rev2net.config import FramesSettings
from rev2net.datasets import hmdb51, kinetics, ucf101
from rev2net.datasets.listing import Side


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset as it lies on disk."""

    videos: int
    frames: float  # a video, on average
    width: int  # pixels, as downloaded
    height: int
    fps: float
    num_classes: int
    source: str  # where the figures are from
    assumed: str = ""  # what of them is not known yet
    looked_at: int = 0  # videos that were opened for their length and size
    lists: Mapping[Side, tuple[int, ...]] = field(default_factory=dict)  # of each split's sides
    classes: Mapping[str, int] = field(default_factory=dict)  # videos by class, where known

    def stored_frames(self, frames: FramesSettings) -> float:
        """Frames a video has in the shards, on average."""
        return self.frames * (frames.fps / self.fps if frames.fps else 1.0)

    def stored_size(self, frames: FramesSettings) -> tuple[int, int]:
        """Width and height of its frames in the shards, pixels."""
        if frames.size is not None:
            return frames.size
        if frames.short_side is None:
            return self.width, self.height
        scale = frames.short_side / min(self.width, self.height)
        return round(self.width * scale), round(self.height * scale)


def _published(
    frames: float,
    width: int,
    height: int,
    fps: float,
    num_classes: int,
    lists: Mapping[Side, tuple[int, ...]],
    source: str = "published",
) -> DatasetFacts:
    """All videos that stand in the lists of a split."""
    videos = sum(of_split[0] for of_split in lists.values())
    return DatasetFacts(videos, frames, width, height, fps, num_classes, source, lists=lists)


# By format. UCF101: clips of 7.21 s at 25 frames a second (Soomro 2012). HMDB51: 240 pixels high,
# some 0.63 million frames. Kinetics-400: clips of 10 s; their size is assumed.
SIZES: dict[str, DatasetFacts] = {
    "ucf101": _published(180, 320, 240, 25, ucf101.NUM_CLASSES, ucf101.NUM_VIDEOS),
    "hmdb51": _published(
        *(93, 352, 240, 30, hmdb51.NUM_CLASSES),
        {side: (number,) * 3 for side, number in hmdb51.NUM_VIDEOS.items()},
        "published; width assumed",
    ),
    "kinetics400": _published(
        *(250, 640, 360, 25, kinetics.NUM_CLASSES),
        {side: (number,) for side, number in kinetics.NUM_VIDEOS.items()},
        "published; size assumed",
    ),
}
# Of a class map and its set: videos by format on the training and test list of split 1.
SHARED_VIDEOS: dict[tuple[str | None, str | None], dict[str, tuple[int, int]]] = {
    ("ucf101_hmdb51", "full"): {"ucf101": (1438, 571), "hmdb51": (840, 360)},
    ("ucf101_hmdb51", "wide-14"): {"ucf101": (1819, 717), "hmdb51": (980, 420)},
    ("ucf101_hmdb51", "wide-16"): {"ucf101": (2764, 1103), "hmdb51": (1120, 480)},
    ("ucf101_hmdb51", "wide-20"): {"ucf101": (3819, 1510), "hmdb51": (1400, 600)},
}
