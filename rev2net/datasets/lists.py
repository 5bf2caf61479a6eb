"""Videos of one's own in a list: a CSV file, or the lists of mmaction2 and of TSN.

The CSV has a header `path,label[,group,split1,split2,…]` (`class` for label, `split` for one split;
other columns are ignored, where they are not a slip of one of these). mmaction2's lines are
`<path> <label>`, TSN's `<path> <frames> <label>`; the numbers are at the end, for paths may hold
blanks. Of a folder of lists, those are taken whose names say a side and, where there are several
splits, its number, as these authors name them (`hmdb51_train_split_1_videos.txt`). A path without
suffix is any video that is called so.
"""

import difflib
import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rev2net.config import DatasetSettings
from rev2net.datasets.listing import (
    Listing,
    Side,
    Video,
    as_text,
    numbered_lines,
    numbered_rows,
    own_listing,
    read_list,
    video_files,
    wrong_delimiter,
)
from rev2net.errors import UserError
from rev2net.files import VIDEO_SUFFIXES

SIDES: tuple[Side, ...] = ("train", "val", "test", "unused")
ALLOWED = (
    "a CSV file with the header path,label[,group,split1,split2,…], or lines '<path> <label>' or "
    "'<path> <frames> <label>' with numbers"
)
_SPLIT = re.compile(r"split([1-9]\d*)?")
_SIDE_IN_NAME = re.compile(r"(?<![a-z])(train|val|test)(?=list|[^a-z]|$)")
_SPLIT_IN_NAME = re.compile(r"(?:split|list)_?0*([1-9]\d*)")
_NUMBERS = re.compile(r"(?P<path>.*\S)\s+(?P<label>\d+)")


@dataclass(frozen=True)
class Line:
    """What a line of a list says of a video."""

    where: str  # file and number, for errors
    path: str
    label: str  # a name, or a number
    group: str = ""  # empty where the list does not say it
    sides: Mapping[int, Side] = field(default_factory=dict)  # by split, from 1


def list_of_file(settings: DatasetSettings) -> Listing:
    """Every video of the list, or the folder of lists, that `lists` names, and where it lies.

    Paths are relative to the folder `videos`, or absolute and below the root. Labels are names, or
    numbers of the file `classes`; without it numbers are names in the order of numbers, and names
    are in alphabetical order. Raises UserError, naming file and line, for a list that breaks its
    format, a path outside the root or listed twice, and a label that `classes` lacks.
    """
    source = Path(settings.root, settings.lists)
    folder = _Folder(settings)
    listed: dict[str, Line] = {}  # by path relative to the root
    present = set()
    for line in _all_lines(source):
        path, is_there = folder.find(line.path, line.where)
        if is_there:
            present.add(path)
        listed[path] = _joined(listed[path], line) if path in listed else line
    if not listed:
        raise UserError(f"{source}: no line with a video; expected is {ALLOWED}")
    names, warnings = _class_names(list(listed.values()), settings)
    splits = range(1, 1 + max((k for line in listed.values() for k in line.sides), default=0))
    videos = [
        Video(
            video_id="",
            path=path,
            class_name=names[line.label],
            group=line.group,
            sides=tuple(line.sides.get(k, "unused") for k in splits),
            present=path in present,
        )
        for path, line in listed.items()
    ]
    return own_listing(settings, list(dict.fromkeys(names.values())), videos, warnings)


def lists_inside(folder: Path) -> dict[Path, dict[int, Side]]:
    """The lists in a folder whose names say a side, each with its side by split."""
    sides: dict[Path, dict[int, Side]] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.lower()
        side = _SIDE_IN_NAME.search(name)
        if side and path.suffix.lower() in (".csv", ".txt") and not path.name.startswith("."):
            split = _SPLIT_IN_NAME.search(name)
            number = int(split[1]) if split else 1
            sides[path] = {number: side[1]}  # type: ignore[dict-item]
    return sides


def _all_lines(source: Path) -> Iterator[Line]:
    """The lines of a list, or of those lists in a folder whose names say the side."""
    if not source.is_dir():
        yield from read_lines(source)
        return
    sides = lists_inside(source)
    if not sides:
        raise UserError(
            f"{source}: no list there that has train, val or test in its name (.txt, .csv); give "
            "such ones, or one file"
        )
    for path, of_file in sides.items():
        for line in read_lines(path):
            if line.sides:
                raise UserError(
                    f"{path}: columns of splits in a list whose name says its side; give this file "
                    "alone, or lists without such columns"
                )
            yield replace(line, sides=of_file)


def _joined(first: Line, second: Line) -> Line:
    """What two lists say of one video, each for splits of its own."""
    if first.sides.keys() & second.sides.keys() or not first.sides:
        raise UserError(
            f"{second.where}: {second.path!r} is the video of {first.where}; each is listed once"
        )
    if first.label != second.label:
        raise UserError(
            f"{second.where}: label {second.label!r}, in {first.where} {first.label!r}; a video "
            "has one label"
        )
    return replace(first, sides={**first.sides, **second.sides})


def read_lines(source: Path) -> list[Line]:
    """The lines of a list in either form; raises UserError for one that breaks its form."""
    text = read_list(source)
    header = next(filter(str.strip, text.splitlines()), "").lower()
    columns = [cell.strip(' "') for cell in header.split(",")]
    if "path" in columns:
        return list(_csv_lines(source, text, columns))
    if (found := wrong_delimiter(columns)) and re.search(r"\bpath\b", header):
        raise UserError(f"{source}:1: {found}; expected is {ALLOWED}")
    return list(_plain_lines(source))


def _csv_lines(source: Path, text: str, columns: list[str]) -> Iterator[Line]:
    label = next((name for name in ("label", "class") if name in columns), None)
    splits = _split_columns(source, columns)
    _refuse_near_misses(source, columns, label, splits)
    if label is None or len(set(columns)) < len(columns):
        raise UserError(f"{source}:1: columns {columns}; expected is {ALLOWED}, each column once")
    numbered = [
        (number, dict(zip(columns, row, strict=True)))
        for number, row in numbered_rows(source, text)[1:]
    ]
    # A column of which nothing is known says nothing.
    splits = [name for name in splits if any(cells[name] for _, cells in numbered)]
    for number, cells in numbered:
        for name in ("path", label):
            if not cells[name]:
                raise UserError(f"{source}:{number}: {name} is empty")
        for name in splits:
            if cells[name] not in SIDES:
                raise UserError(
                    f"{source}:{number}: {name} {cells[name]!r}; allowed: {', '.join(SIDES)}"
                )
        sides = {int(name[5:] or 1): cells[name] for name in splits}
        group = as_text(cells.get("group", ""))
        yield Line(
            f"{source}:{number}",
            cells["path"],
            cells[label],
            group,
            sides,  # type: ignore[arg-type]
        )


def _split_columns(source: Path, columns: list[str]) -> list[str]:
    """`split`, or `split1`, `split2` and so on without a gap."""
    found = sorted(filter(_SPLIT.fullmatch, columns), key=lambda name: int(name[5:] or 1))
    allowed = [f"split{k + 1}" for k in range(len(found))]
    if found not in ([], ["split"], allowed):
        raise UserError(
            f"{source}:1: columns {', '.join(found)}; allowed are split, or split1, split2, …"
        )
    return found


def _refuse_near_misses(
    source: Path, columns: list[str], label: str | None, splits: list[str]
) -> None:
    """Raise UserError for a column that is called nearly like one that the list lacks."""
    lacking = [] if label else ["label", "class"]
    lacking += [] if "group" in columns else ["group"]
    lacking += [f"split{len(splits) + 1}"] if splits else ["split", "split1"]
    for column in columns:
        near = difflib.get_close_matches(column, lacking, n=1, cutoff=0.75)
        if near and not _SPLIT.fullmatch(column):
            raise UserError(
                f"{source}:1: unknown column {column!r}; did you mean {near[0]!r}? Another name "
                "leaves it out"
            )


def _plain_lines(source: Path) -> Iterator[Line]:
    """Lines that end in a label, all of them with a number of frames before it or none."""
    with_frames = None
    for number, line in numbered_lines(source):
        match = _NUMBERS.fullmatch(line)
        if match is None:
            raise UserError(f"{source}:{number}: found {line!r}; expected is {ALLOWED}")
        path = match["path"]
        longer = None if _is_video(path) else _NUMBERS.fullmatch(path)
        if with_frames is None:
            with_frames = longer is not None
        if with_frames != (longer is not None):
            numbers = ("a label", "frames and label")
            raise UserError(
                f"{source}:{number}: found {line!r}, expected '<path>' and "
                f"{numbers[with_frames]}, as in the lines above"
            )
        yield Line(f"{source}:{number}", longer["path"] if longer else path, match["label"])


def _class_names(lines: list[Line], settings: DatasetSettings) -> tuple[dict[str, str], list[str]]:
    """The class of each label, in the order of the classes; remarks on classes without videos."""
    labels: dict[str, Line] = {}  # where each stands first
    for line in lines:
        labels.setdefault(line.label, line)
    numeric = all(map(str.isdecimal, labels))
    if settings.classes is None:
        ordered = sorted(labels, key=int) if numeric else sorted(labels)
        return {label: str(int(label)) if numeric else as_text(label) for label in ordered}, []
    listed = Path(settings.root, settings.classes)
    by_number = read_classes(listed)
    known = {str(number): name for number, name in by_number.items()}
    if not numeric:
        known = {name: name for name in by_number.values()}
    found = {}
    for label, line in labels.items():
        key = str(int(label)) if numeric else label
        if key not in known:
            allowed = f"{min(by_number)} to {max(by_number)}" if numeric else ", ".join(known)
            raise UserError(
                f"{line.where}: label {label!r} is no class of {listed}; allowed: {allowed}"
            )
        found[label] = known[key]
    order = list(by_number.values())
    names = dict(sorted(found.items(), key=lambda item: order.index(item[1])))
    empty = [name for name in order if name not in names.values()]
    warnings = []
    if empty:
        warnings.append(
            f"classes of {listed} without a video: {len(empty)} left out (first: {empty[0]})"
        )
    return names, warnings


def read_classes(listed: Path) -> dict[int, str]:
    """Class names by number: a name a line from 0, or lines `<number> <name>` from 0 or 1.

    Raises UserError for a file without lines, and a name that stands twice.
    """
    lines = list(numbered_lines(listed))
    pairs = [re.fullmatch(r"(\d+)[\s,]+(.+)", line) for _, line in lines]
    numbers = [int(match[1]) if match else -1 for match in pairs]
    if lines and numbers in ([*range(len(lines))], [*range(1, len(lines) + 1)]):
        names = {int(match[1]): match[2] for match in pairs if match}
    else:
        names = {number: line for number, (_, line) in enumerate(lines)}
    if not names:
        raise UserError(f"{listed}: no class; expected is a name a line, or '<number> <name>'")
    first: dict[str, int] = {}
    for (line_number, _), name in zip(lines, names.values(), strict=True):
        if first.setdefault(name, line_number) != line_number:
            raise UserError(f"{listed}:{line_number}: {name!r} is in line {first[name]} already")
    return names


def _is_video(path: str) -> bool:
    return posixpath.splitext(path)[1].lower() in VIDEO_SUFFIXES


class _Folder:
    """Where the videos of a list lie."""

    def __init__(self, settings: DatasetSettings) -> None:
        self.root, self.videos = Path(settings.root), settings.videos
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder; `root` is the one with the videos")
        self._by_name: dict[str, str] | None = None

    def find(self, listed: str, where: str) -> tuple[str, bool]:
        """The path of a listed video relative to the root, and whether it is there.

        `where` is the line, for errors. Raises UserError for a path outside the root.
        """
        path = self._below(listed, where)
        if (self.root / path).is_file():
            return path, True
        name = self.names().get(_name(path))
        return (path, False) if name is None else (name, True)

    def names(self) -> dict[str, str]:
        """The videos below the root by their paths, also without suffix, however accents are coded.

        Looked for once, where a list does not name files as they are.
        """
        if self._by_name is None:
            files = video_files(self.root, self.root / self.videos, VIDEO_SUFFIXES)
            by_stem = {_name(posixpath.splitext(path)[0]): path for path in reversed(files)}
            self._by_name = by_stem | {_name(path): path for path in files}
        return self._by_name

    def _below(self, listed: str, where: str) -> str:
        place = listed
        if "\\" in listed and not (self.root / self.videos / listed).is_file():
            place = listed.replace("\\", "/")  # as Windows writes it
        path = posixpath.normpath(posixpath.join(self.videos, place))
        if posixpath.isabs(path):
            for root in (os.path.abspath(self.root), os.path.realpath(self.root)):
                if path.startswith(f"{root}/"):
                    return path[len(root) + 1 :]
        if posixpath.isabs(path) or path.split("/")[0] == ".." or re.match("[A-Za-z]:/", place):
            raise UserError(
                f"{where}: {listed!r} is outside the root {self.root}; allowed are paths below it"
            )
        return path


def _name(path: str) -> str:
    return unicodedata.normalize("NFC", path)
