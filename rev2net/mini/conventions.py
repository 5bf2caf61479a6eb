"""How UCF101, HMDB51 and Kinetics-400 name and list their videos, with their quirks."""

import string
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rev2net.config import MiniSettings
from rev2net.mini.worlds import Clip, stream

SPLITS = (1, 2, 3)


@dataclass(frozen=True)
class MiniClass:
    """A class under its published name; its sources take turns at its actions.

    `hmdb` is the HMDB51 class that it maps to.
    """

    name: str
    hmdb: str
    actions: tuple[str, ...]


_CLASSES: dict[str, dict[str, tuple[str, ...]]] = {  # actions by dataset and class
    "hmdb51": {
        "climb": ("climb", "climb_rope"),
        "fencing": ("fencing",),
        "golf": ("golf",),
        "kick_ball": ("kick_ball",),
        "pullup": ("pullup",),
        "punch": ("punch", "punch_heavy_bag", "punch_speed_bag"),
        "pushup": ("pushup",),
        "ride_bike": ("ride_bike",),
        "ride_horse": ("ride_horse",),
        "shoot_ball": ("shoot_ball",),
        "shoot_bow": ("shoot_bow",),
        "walk": ("walk", "walk_dog"),
    },
    "ucf101": {
        "Archery": ("shoot_bow",),
        "Basketball": ("shoot_ball",),
        "Biking": ("ride_bike",),
        "BoxingPunchingBag": ("punch_heavy_bag",),
        "BoxingSpeedBag": ("punch_speed_bag",),
        "Fencing": ("fencing",),
        "GolfSwing": ("golf",),
        "HorseRiding": ("ride_horse",),
        "PullUps": ("pullup",),
        "Punch": ("punch",),
        "PushUps": ("pushup",),
        "RockClimbingIndoor": ("climb",),
        "RopeClimbing": ("climb_rope",),
        "SoccerPenalty": ("kick_ball",),
        "WalkingWithDog": ("walk_dog",),
    },
    "kinetics400": {
        "archery": ("shoot_bow",),
        "climbing a rope": ("climb_rope",),
        "golf driving": ("golf",),
        "pull ups": ("pullup",),
        "punching bag": ("punch_heavy_bag", "punch_speed_bag"),
        "punching person (boxing)": ("punch",),
        "push up": ("pushup",),
        "riding a bike": ("ride_bike",),
        "riding or walking with horse": ("ride_horse",),
        "rock climbing": ("climb",),
        "shooting basketball": ("shoot_ball",),
        "shooting goal (soccer)": ("kick_ball",),
        "walking the dog": ("walk_dog",),
    },
}
_SMALL = {"golf", "pullup", "ride_bike", "ride_horse", "shoot_ball"}
_SMALL_KINETICS = _SMALL | {"shoot_bow", "pushup", "kick_ball"}  # a few more to pre-train on


def mini_classes(dataset: str, class_set: str) -> list[MiniClass]:
    """The classes of a dataset that belong to the UCF-HMDB `small` or `full` set, in name order."""
    hmdb = {action: name for name, actions in _CLASSES["hmdb51"].items() for action in actions}
    published = _CLASSES[dataset].items()
    every = [MiniClass(name, hmdb[actions[0]], actions) for name, actions in published]
    if class_set == "full":
        return every
    kept = _SMALL_KINETICS if dataset == "kinetics400" else _SMALL
    return [label for label in every if label.hmdb in kept]


def num_mini_videos(dataset: str, mini: MiniSettings) -> int:
    """How many videos a dataset has; those of Kinetics are one of each source."""
    classes = len(mini_classes(dataset, mini.classes))
    return classes * mini.groups * (1 if dataset == "kinetics400" else mini.clips)


Paths = dict[tuple[MiniClass, int, int], str]  # of videos by class, group and clip


@dataclass(frozen=True)
class Convention(ABC):
    """The names and lists of one dataset; groups and clips count from 1."""

    labels: list[MiniClass]
    groups: int  # source videos a class
    clips: int  # cut from each source
    seed: int

    videos: ClassVar[str]  # folder of the videos
    lists: ClassVar[str]  # folder of the lists

    def clips_of(self, group: int) -> int:
        """How many clips are cut from a source."""
        return self.clips

    @abstractmethod
    def path(self, label: MiniClass, group: int, clip: int, filmed: Clip) -> str:
        """Path of a video below the folder of videos."""

    @abstractmethod
    def list_files(self, paths: Paths) -> dict[str, str]:
        """The texts of the lists by file name, line ends as published."""


class UCF101(Convention):
    """CRLF line ends and, in test lists, no labels."""

    videos, lists = "UCF-101", "ucfTrainTestlist"

    def path(self, label: MiniClass, group: int, clip: int, filmed: Clip) -> str:
        return f"{label.name}/v_{label.name}_g{group:02d}_c{clip:02d}.avi"

    def list_files(self, paths: Paths) -> dict[str, str]:
        index = {label: number for number, label in enumerate(self.labels, start=1)}
        lists = {"classInd.txt": [f"{number} {label.name}" for label, number in index.items()]}
        for split in SPLITS:
            tested = ucf101_test_groups(self.groups, split)
            lists[f"trainlist{split:02d}.txt"] = [
                f"{path} {index[label]}"
                for (label, group, _), path in paths.items()
                if group not in tested
            ]
            lists[f"testlist{split:02d}.txt"] = [
                path for (_, group, _), path in paths.items() if group in tested
            ]
        return {name: "".join(f"{line}\r\n" for line in lines) for name, lines in lists.items()}


def ucf101_test_groups(groups: int, split: int) -> range:
    """Groups tested in a split: as published, each the next 7 of 25, and 4 never."""
    count = max(1, round(groups * 7 / 25))
    return range(1 + (split - 1) * count, 1 + split * count)


class HMDB51(Convention):
    """Three split files a class: 1 is train, 2 test, 0 unused; lines end in a blank.

    Clips of one source are never on both sides.
    """

    videos, lists = "hmdb51_org", "testTrainMulti_7030_splits"

    def clips_of(self, group: int) -> int:
        """Every sixth source gives one clip more, which the lists leave unused."""
        return self.clips + (group % 6 == 0)

    def path(self, label: MiniClass, group: int, clip: int, filmed: Clip) -> str:
        """Title, class, whole body, camera motion, one person, side, quality, clip."""
        camera = "cm" if filmed.camera_moves else "nm"
        tags = f"{label.name}_f_{camera}_np1_{filmed.side}_{filmed.quality}_{clip - 1}"
        return f"{label.name}/{hmdb51_title(label, group)}_{tags}.avi"

    def list_files(self, paths: Paths) -> dict[str, str]:
        count = max(1, round(0.3 * self.groups))
        lists = {}
        for label in self.labels:
            rng = stream(self.seed, "hmdb51", label.name, "splits")
            shuffled = rng.permutation(range(1, self.groups + 1)).tolist()
            for split in SPLITS:
                tested = set(shuffled[(split - 1) * count : split * count])
                lines = []
                for (of, group, clip), path in paths.items():
                    if of == label:
                        part = 0 if clip > self.clips else 2 if group in tested else 1
                        lines.append(f"{path.partition('/')[2]} {part} \n")
                lists[f"{label.name}_test_split{split}.txt"] = "".join(sorted(lines))
        return lists


_TITLES = (  # with the awkward characters that its file names hold
    "{a}_{b}",
    "{b}_in_the_{a}!",
    "#{n}_{a}_-_{b}",
    "({a})_{b}_part_{n}",
    "{a}_&_{b}",
    "[{a}]_{b}",
    "{b}+{a}",
    "{a}~{b}_{n}",
    "@{a}_{b}",
    "{n}_{b}s_{a};-)",
    "{a}{b}{n}",
    "The_{a}_{b}___{n}",
)
_FIRST = ("Sunday", "Old_Mill", "Harbour", "Summer", "Backlot", "North_Side", "Matinee", "Second")
_SUBJECTS = {
    "climb": "ascent",
    "fencing": "duel",
    "golf": "golf_round",
    "kick_ball": "penalty",
    "pullup": "100_pullup",
    "punch": "knockout",
    "pushup": "drill",
    "ride_bike": "bike_tour",
    "ride_horse": "ranch",
    "shoot_ball": "three_pointer",
    "shoot_bow": "archer",
    "walk": "stroll",
}


def hmdb51_title(label: MiniClass, group: int) -> str:
    """The source title of a group, different for each group of a class."""
    template = _TITLES[group % len(_TITLES)]
    first = _FIRST[group % len(_FIRST)]
    title = template.format(a=first, b=_SUBJECTS[label.name], n=group)
    return title if "{n}" in template else f"{title}_{group}"


class Kinetics400(Convention):
    """One clip a source; CSV files and label_map.txt.

    Labels with a comma do not occur, so nothing is quoted.
    """

    videos = lists = "."

    def clips_of(self, group: int) -> int:
        return 1

    def path(self, label: MiniClass, group: int, clip: int, filmed: Clip) -> str:
        youtube_id, start = self._source(label, group)
        name = f"{youtube_id}_{start:06d}_{start + 10:06d}.mp4"
        return f"{self._split(group)}/{label.name}/{name}"

    def list_files(self, paths: Paths) -> dict[str, str]:
        lists = {"label_map.txt": "".join(f"{label.name}\n" for label in self.labels)}
        for split in ("train", "val"):
            rows = sorted(
                (label.name, *self._source(label, group))
                for label, group, _ in paths
                if self._split(group) == split
            )
            lines = ["label,youtube_id,time_start,time_end,split,is_cc"]
            lines += [f"{name},{of},{start},{start + 10},{split},0" for name, of, start in rows]
            lists[f"kinetics-400_{split}.csv"] = "".join(f"{line}\n" for line in lines)
        return lists

    def _split(self, group: int) -> str:
        """The first fifth of the groups is the validation list."""
        return "val" if group <= max(1, self.groups // 5) else "train"

    def _source(self, label: MiniClass, group: int) -> tuple[str, int]:
        """The YouTube id of a video, and the second at which it starts."""
        rng = stream(self.seed, "kinetics400", label.name, group, "name")
        letters = np.array(list(string.ascii_letters + string.digits + "-_"))
        return "".join(rng.choice(letters, 11).tolist()), int(rng.integers(0, 300))


CONVENTIONS: dict[str, type[Convention]] = {
    "ucf101": UCF101,
    "hmdb51": HMDB51,
    "kinetics400": Kinetics400,
}
