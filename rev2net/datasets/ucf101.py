"""UCF101 as published: class folders of AVI files and the `ucfTrainTestlist` folder.

`classInd.txt` numbers the classes from 1; `trainlist0<k>.txt` holds lines `<Class>/<file> <number>`
and `testlist0<k>.txt` lines `<Class>/<file>`, with LF or CRLF line ends.
"""

import re
from pathlib import Path

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import Listing, PublishedFolder, Side, numbered_lines, odd_files
from rev2net.errors import UserError

NUM_CLASSES = 101
NUM_VIDEOS: dict[Side, tuple[int, int, int]] = {
    "train": (9537, 9586, 9624),
    "test": (3783, 3734, 3696),
}
_FILE = re.compile(r"v_(?P<class>\w+)_(?P<group>g\d+)_c\d+\.avi")


def list_ucf101(settings: DatasetSettings) -> Listing:
    """Every video of the three official splits, and where its file lies.

    Raises UserError for a missing folder or list, a line that breaks the format, a class that
    `classInd.txt` lacks, and, where `official` is set, counts other than the published ones.
    """
    folder = PublishedFolder(settings, {".avi"})
    lists = folder.lists()
    class_names = _class_names(lists / "classInd.txt")
    folder.check_count(lists / "classInd.txt", "classes", len(class_names), NUM_CLASSES)
    sides: dict[str, list[Side]] = {}  # "<Class>/<file>" -> its side in each split
    for k in range(3):
        for side, counts in NUM_VIDEOS.items():
            path = lists / f"{side}list0{k + 1}.txt"
            names = _listed(path, class_names)
            folder.check_count(path, "videos", len(names), counts[k])
            for name in names:
                entry = sides.setdefault(name, ["unused"] * 3)
                if entry[k] != "unused":
                    raise UserError(f"{path}: {name} is also in trainlist0{k + 1}.txt")
                entry[k] = side

    videos = []
    for name, entry in sides.items():
        class_name, file = name.split("/")
        match = _FILE.fullmatch(file)
        if match is None:
            raise UserError(f"{lists}: {file!r} is not named v_<Class>_g<NN>_c<NN>.avi")
        # Lists say HandstandPushups/v_HandStandPushups_*, some copies hold v_HandstandPushups_*.
        videos.append(folder.avi(class_name, file, f"{class_name}_{match['group']}", entry))
    warnings = odd_files(folder.files, videos, settings.videos, class_names)
    return Listing(class_names, videos, warnings)


def _class_names(path: Path) -> list[str]:
    names: list[str] = []
    for number, line in numbered_lines(path):
        fields = line.split()
        if len(fields) != 2 or fields[0] != str(len(names) + 1) or fields[1] in names:
            raise UserError(
                f"{path}:{number}: found {line!r}, expected '{len(names) + 1} <a new class>'"
            )
        names.append(fields[1])
    return names


def _listed(path: Path, class_names: list[str]) -> list[str]:
    """The "<Class>/<file>" names of a list, each once and of a known class."""
    numbers = {name: str(label + 1) for label, name in enumerate(class_names)}
    names: dict[str, None] = {}
    for number, line in numbered_lines(path):
        name, _, label = line.partition(" ")
        class_name, slash, file = name.partition("/")
        if not slash or "/" in file:
            raise UserError(f"{path}:{number}: found {line!r}, expected '<Class>/<file>.avi'")
        if class_name not in numbers:
            raise UserError(f"{path}:{number}: class {class_name!r} is not in classInd.txt")
        if label and label.strip() != numbers[class_name]:
            raise UserError(
                f"{path}:{number}: {class_name} has number {label.strip()}, "
                f"in classInd.txt {numbers[class_name]}"
            )
        if name in names:
            raise UserError(f"{path}:{number}: {name} is listed twice")
        names[name] = None
    return list(names)
