"""Which format a folder of videos has: as published, a list of its videos, folders by class."""

import re
from pathlib import Path

from rev2net.config import DatasetFormat, DatasetSettings
from rev2net.datasets.index import IMPORTERS
from rev2net.datasets.listing import Listing
from rev2net.errors import UserError

# Of the published ones: the folder of the videos (elsewhere they are looked for in the whole root),
# the files by which they are known, and a word in the first line of these.
PUBLISHED: dict[DatasetFormat, tuple[str, str, str]] = {
    "ucf101": ("UCF-101", "classInd.txt", ""),
    "hmdb51": ("hmdb51_org", "*_test_split1.txt", ""),
    "kinetics400": ("videos", "*.csv", "youtube_id"),
}
NO_LISTS = (
    "nor is there a list of videos, classInd.txt (UCF101), <class>_test_split1.txt (HMDB51) or a "
    "CSV with a column youtube_id (Kinetics) in it or one folder below"
)
_NUMBERED = re.compile(r"\S*[/.].*\s\d+")  # "<path> <label>", as mmaction2 and TSN write


def recognise(place: Path) -> DatasetSettings:
    """How a folder, or a list in one, is read: its format, and where its videos and lists lie.

    Looked for are, in this order, the lists of the published datasets, there or one folder below;
    lists of one's own; folders by class, which are what is left. Raises UserError where there is no
    such folder.
    """
    if place.is_file():
        return DatasetSettings(format="list", root=str(place.parent), lists=place.name, shards=1)
    if not place.is_dir():
        raise UserError(f"{place}: no such folder, or list of videos")
    found = _published(place)
    if found is not None:
        return found
    lists = [path.name for path in _visible(place, "*.*") if _is_list(path)]
    if lists:
        named = lists[0] if len(lists) == 1 else "."  # of several, the names say the sides
        return DatasetSettings(format="list", root=str(place), lists=named, shards=1)
    return DatasetSettings(format="folders", root=str(place), shards=1)


def list_videos(settings: DatasetSettings) -> tuple[DatasetSettings, Listing, list[str]]:
    """The videos of what was recognised; as `official` where the lists are those published.

    Where they are not, a line says so. Raises UserError as the importers do.
    """
    importer = IMPORTERS[settings.format]
    if settings.format == "folders":
        try:
            return settings, importer(settings), []
        except UserError as error:
            raise UserError(f"{error}; {NO_LISTS}") from None
    if settings.format == "list":
        return settings, importer(settings), []
    try:
        official = settings.model_copy(update={"official": True})
        return official, importer(official), []
    except UserError as error:
        # Lists of one's own, or broken ones: then the second reading says so.
        return settings, importer(settings), [str(error).split(";")[0]]


def _published(folder: Path) -> DatasetSettings | None:
    """The same of a published dataset; None where there are no such lists."""
    places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    for dataset, (videos, pattern, word) in PUBLISHED.items():
        for place in places:
            files = _visible(place, pattern)
            ours = [path for path in files if word in _first_line(path)]
            if not ours:
                continue
            alone = word and not len(ours) == len(files) > 1  # a list, not a folder of lists
            lists = ours[0] if alone else place
            return DatasetSettings(
                format=dataset,
                root=str(folder),
                videos=videos if (folder / videos).is_dir() else ".",
                lists=lists.relative_to(folder).as_posix(),
                shards=1,
            )
    return None


def _visible(place: Path, pattern: str) -> list[Path]:
    return sorted(path for path in place.glob(pattern) if path.name[0] != "." and path.is_file())


def _is_list(path: Path) -> bool:
    """Whether a file's first line is that of a list of videos."""
    first = _first_line(path).strip()
    if path.suffix.lower() == ".csv":
        columns = {cell.strip(' "').lower() for cell in first.split(",")}
        return "path" in columns and bool(columns & {"label", "class"})
    return path.suffix.lower() == ".txt" and _NUMBERED.fullmatch(first) is not None


def _first_line(path: Path) -> str:
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        return file.readline()
