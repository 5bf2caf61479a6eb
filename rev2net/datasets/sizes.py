"""How large the published datasets are: for plans that are made before there is a copy."""

from dataclasses import dataclass

from rev2net.datasets import hmdb51, kinetics, ucf101
from rev2net.datasets.listing import Side


@dataclass(frozen=True)
class Size:
    """A dataset as its authors publish it."""

    frames: float  # a video, on average
    width: int  # pixels
    height: int
    fps: float
    num_classes: int
    lists: dict[Side, tuple[int, ...]]  # videos on each side of split 1, 2, ...
    source: str = "published"

    @property
    def videos(self) -> int:
        """All that stand in the lists of a split."""
        return sum(of_split[0] for of_split in self.lists.values())


# By format. UCF101: clips of 7.21 s at 25 frames a second (Soomro 2012). HMDB51: 240 pixels high,
# some 0.63 million frames. Kinetics-400: clips of 10 s; their size is assumed.
SIZES: dict[str, Size] = {
    "ucf101": Size(180, 320, 240, 25, ucf101.NUM_CLASSES, dict(ucf101.NUM_VIDEOS)),
    "hmdb51": Size(
        *(93, 352, 240, 30, hmdb51.NUM_CLASSES),
        {side: (number,) * 3 for side, number in hmdb51.NUM_VIDEOS.items()},
        "published; width assumed",
    ),
    "kinetics400": Size(
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
