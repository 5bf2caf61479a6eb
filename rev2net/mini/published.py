"""Names and lists as UCF101, HMDB51 and Kinetics-400 publish them, with their quirks."""

import string
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

DATASETS = ("ucf101", "hmdb51", "kinetics400")
CLASS_SETS = ("small", "full")
SPLITS = (1, 2, 3)


@dataclass(frozen=True)
class MiniClass:
    """A class under its published name; its sources take turns at its actions.

    `hmdb` is the HMDB51 class that it maps to.
    """

    name: str
    hmdb: str
    actions: tuple[str, ...]


_UCF101 = (
    MiniClass("Archery", "shoot_bow", ("shoot_bow",)),
    MiniClass("Basketball", "shoot_ball", ("shoot_ball",)),
    MiniClass("Biking", "ride_bike", ("ride_bike",)),
    MiniClass("BoxingPunchingBag", "punch", ("punch_heavy_bag",)),
    MiniClass("BoxingSpeedBag", "punch", ("punch_speed_bag",)),
    MiniClass("Fencing", "fencing", ("fencing",)),
    MiniClass("GolfSwing", "golf", ("golf",)),
    MiniClass("HorseRiding", "ride_horse", ("ride_horse",)),
    MiniClass("PullUps", "pullup", ("pullup",)),
    MiniClass("Punch", "punch", ("punch",)),
    MiniClass("PushUps", "pushup", ("pushup",)),
    MiniClass("RockClimbingIndoor", "climb", ("climb",)),
    MiniClass("RopeClimbing", "climb", ("climb_rope",)),
    MiniClass("SoccerPenalty", "kick_ball", ("kick_ball",)),
    MiniClass("WalkingWithDog", "walk", ("walk_dog",)),
)
_HMDB51 = tuple(
    MiniClass(name, name, actions)
    for name, actions in (
        ("climb", ("climb", "climb_rope")),
        ("fencing", ("fencing",)),
        ("golf", ("golf",)),
        ("kick_ball", ("kick_ball",)),
        ("pullup", ("pullup",)),
        ("punch", ("punch", "punch_heavy_bag", "punch_speed_bag")),
        ("pushup", ("pushup",)),
        ("ride_bike", ("ride_bike",)),
        ("ride_horse", ("ride_horse",)),
        ("shoot_ball", ("shoot_ball",)),
        ("shoot_bow", ("shoot_bow",)),
        ("walk", ("walk", "walk_dog")),
    )
)
_KINETICS400 = (
    MiniClass("archery", "shoot_bow", ("shoot_bow",)),
    MiniClass("climbing a rope", "climb", ("climb_rope",)),
    MiniClass("golf driving", "golf", ("golf",)),
    MiniClass("pull ups", "pullup", ("pullup",)),
    MiniClass("punching bag", "punch", ("punch_heavy_bag", "punch_speed_bag")),
    MiniClass("punching person (boxing)", "punch", ("punch",)),
    MiniClass("push up", "pushup", ("pushup",)),
    MiniClass("riding a bike", "ride_bike", ("ride_bike",)),
    MiniClass("riding or walking with horse", "ride_horse", ("ride_horse",)),
    MiniClass("rock climbing", "climb", ("climb",)),
    MiniClass("shooting basketball", "shoot_ball", ("shoot_ball",)),
    MiniClass("shooting goal (soccer)", "kick_ball", ("kick_ball",)),
    MiniClass("walking the dog", "walk", ("walk_dog",)),
)
_EVERY = {"ucf101": _UCF101, "hmdb51": _HMDB51, "kinetics400": _KINETICS400}
_SMALL = {"golf", "pullup", "ride_bike", "ride_horse", "shoot_ball"}
_SMALL_KINETICS = _SMALL | {"shoot_bow", "pushup", "kick_ball"}  # a few more to pre-train on


def mini_classes(dataset: str, class_set: str) -> list[MiniClass]:
    """The classes of a dataset that belong to the UCF-HMDB `small` or `full` set, in name order."""
    if class_set == "full":
        return list(_EVERY[dataset])
    kept = _SMALL_KINETICS if dataset == "kinetics400" else _SMALL
    return [label for label in _EVERY[dataset] if label.hmdb in kept]


# UCF101 ------------------------------------------------------------------------------------------


def ucf101_path(label: MiniClass, group: int, clip: int) -> str:
    """Path below UCF-101; groups and clips count from 1."""
    return f"{label.name}/v_{label.name}_g{group:02d}_c{clip:02d}.avi"


def ucf101_test_groups(groups: int, split: int) -> range:
    """Groups tested in a split: as published, each the next 7 of 25, and 4 never."""
    count = max(1, round(groups * 7 / 25))
    return range(1 + (split - 1) * count, 1 + split * count)


def ucf101_lists(labels: list[MiniClass], groups: int, clips: int) -> dict[str, str]:
    """The files of ucfTrainTestlist: CRLF line ends and, in test lists, no labels, as published."""
    lists = {"classInd.txt": [f"{i} {label.name}" for i, label in enumerate(labels, start=1)]}
    for split in SPLITS:
        tested = ucf101_test_groups(groups, split)
        train = lists[f"trainlist{split:02d}.txt"] = []
        test = lists[f"testlist{split:02d}.txt"] = []
        for index, label in enumerate(labels, start=1):
            for group in range(1, groups + 1):
                paths = [ucf101_path(label, group, clip) for clip in range(1, clips + 1)]
                if group in tested:
                    test += paths
                else:
                    train += [f"{path} {index}" for path in paths]
    return {name: "".join(f"{line}\r\n" for line in lines) for name, lines in lists.items()}


# HMDB51 ------------------------------------------------------------------------------------------

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


def hmdb51_clips(group: int, clips: int) -> int:
    """Clips cut from a source: every sixth gives one more, which the lists leave unused."""
    return clips + (group % 6 == 0)


def hmdb51_name(
    label: MiniClass, group: int, clip: int, moving: bool, side: str, quality: str
) -> str:
    """File name: title, class, whole body, camera motion, one person, side, quality, clip."""
    camera = "cm" if moving else "nm"
    title = hmdb51_title(label, group)
    return f"{title}_{label.name}_f_{camera}_np1_{side}_{quality}_{clip - 1}.avi"


def hmdb51_lists(
    label: MiniClass, names: dict[tuple[int, int], str], clips: int, rng: np.random.Generator
) -> dict[str, str]:
    """The three split files of a class from its file names by (group, clip), both from 1.

    1 is train, 2 test, 0 unused; clips of one source are never on both sides. As published, lines
    end in a blank.
    """
    groups = sorted({group for group, _ in names})
    shuffled = rng.permutation(groups).tolist()
    count = max(1, round(0.3 * len(groups)))
    lists = {}
    for split in SPLITS:
        tested = set(shuffled[(split - 1) * count : split * count])
        lines = []
        for (group, clip), name in names.items():
            part = 0 if clip > clips else 2 if group in tested else 1
            lines.append(f"{name} {part} \n")
        lists[f"{label.name}_test_split{split}.txt"] = "".join(sorted(lines))
    return lists


# Kinetics-400 ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KineticsClip:
    """One row of the published lists."""

    label: str
    youtube_id: str
    start: int  # seconds
    split: str  # "train" or "val"

    @property
    def path(self) -> str:
        name = f"{self.youtube_id}_{self.start:06d}_{self.start + 10:06d}.mp4"
        return f"{self.split}/{self.label}/{name}"


def kinetics400_clip(
    label: MiniClass, group: int, groups: int, rng: np.random.Generator
) -> KineticsClip:
    """One video of a class; the first fifth of the groups is the validation list."""
    letters = np.array(list(string.ascii_letters + string.digits + "-_"))
    youtube_id = "".join(rng.choice(letters, 11).tolist())
    split = "val" if group <= max(1, groups // 5) else "train"
    return KineticsClip(label.name, youtube_id, int(rng.integers(0, 300)), split)


def kinetics400_lists(clips: Iterable[KineticsClip], labels: list[MiniClass]) -> dict[str, str]:
    """The CSV files and label_map.txt; labels with a comma do not occur, so nothing is quoted."""
    header = "label,youtube_id,time_start,time_end,split,is_cc\n"
    lists = {"label_map.txt": "".join(f"{label.name}\n" for label in labels)}
    ordered = sorted(clips, key=lambda clip: (clip.label, clip.youtube_id))
    for split in ("train", "val"):
        lists[f"kinetics-400_{split}.csv"] = header + "".join(
            f"{clip.label},{clip.youtube_id},{clip.start},{clip.start + 10},{split},0\n"
            for clip in ordered
            if clip.split == split
        )
    return lists
