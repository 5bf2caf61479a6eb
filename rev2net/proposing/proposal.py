"""The proposal: a commented configuration and its class map as text, and what to say about them."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from rev2net.config import Config, validate
from rev2net.datasets.class_maps import CLASS_MAPS, class_map
from rev2net.errors import UserError
from rev2net.files import csv_text
from rev2net.printing import Report, Table
from rev2net.proposing.classes import SharedClasses, left_over, shared_classes
from rev2net.proposing.fitting import Machine, fitting, num_shards
from rev2net.proposing.place import Place
from rev2net.proposing.survey import Survey, group_example

BY_GROUPS = ("by-group", "all-videos")  # protocols that divide by source video
TITLES = {
    "transfer": "Trained on {0} and tested on {1}, and the other way round",
    "accuracy": "Trained and tested on {0}",
}
FEW = 10  # videos of a class


@dataclass(frozen=True)
class Proposal:
    """What will be written, and what was found."""

    configuration: str
    class_map: str | None  # CSV; None for one dataset
    table: str
    report: Report
    remarks: list[str]  # what a person should look at


def propose(surveys: Sequence[Survey], machine: Machine, place: Place) -> Proposal:
    """A configuration for one dataset, or for two and the classes that they share.

    Raises UserError where fewer than two classes are left.
    """
    shared = _shared(surveys[0], surveys[1]) if surveys[1:] else None
    used = [set(names) for names in zip(*shared.pairs, strict=True)] if shared else []
    protocol, why = _protocol(surveys)
    by_groups = protocol in BY_GROUPS
    training = [
        survey.training(names, by_groups)
        for survey, names in zip(surveys, used or _all(surveys), strict=True)
    ]
    sizes = fitting(surveys, training, machine)
    names = [survey.name for survey in surveys]
    table = "transfer" if shared else "accuracy"
    values = {
        "surveys": surveys,
        "by_groups": by_groups,
        "examples": {s.name: group_example(s.listing) for s in surveys},
        "shards": {s.name: num_shards(len(s.videos), machine.cores) for s in surveys},
        "num_classes": len(used[0]) if used else len(surveys[0].classes),
        "benchmarks": ["-".join(names), "-".join(names[::-1])] if shared else names,
        "table": table,
        "title": TITLES[table].format(*names),
        "protocol": protocol,
        "why": why,
        "training": training,
        "steps": [round(sizes.epochs * videos / sizes.batch) for videos in training],
        "frames": min(survey.frames for survey in surveys),
        "sizes": sizes,
        "machine": machine,
        "place": place,
    }
    environment = Environment(
        loader=PackageLoader("rev2net.proposing", "."),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quoted"] = quoted
    environment.filters["name"] = as_name
    text = environment.get_template("configuration.yaml.j2").render(values)
    validate(Config, yaml.safe_load(text), place.file)
    return Proposal(
        configuration=text,
        class_map=_map(surveys, shared) if shared else None,
        table=table,
        report=_report(surveys, shared),
        remarks=_remarks(surveys, shared, by_groups, place),
    )


def _all(surveys: Sequence[Survey]) -> list[set[str]]:
    """Every class of the only dataset."""
    (survey,) = surveys
    if len(survey.classes) < 2:
        raise UserError(
            f"{survey.settings.root}: one class, {next(iter(survey.classes))!r}; needed are two"
        )
    return [set(survey.classes)]


def _protocol(surveys: Sequence[Survey]) -> tuple[str, list[str]]:
    """The protocol, and sentences on it."""
    if all(survey.divided for survey in surveys):
        return "official-split1" if surveys[1:] else "official", ["Train and test as given."]
    why = ["A fifth of the videos is tested, divided by source video."]
    for survey in surveys:
        if survey.divided:
            why.append(f"What {survey.name} gives as train and test is not used: both need it.")
    return "all-videos" if surveys[1:] else "by-group", why


def as_name(word: str) -> str:
    """A name as YAML: quoted where it would be read as something else, such as a number."""
    return word if yaml.safe_load(word) == word else quoted(word)


def quoted(text: str) -> str:
    """Text as YAML, whatever it holds."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


def _shared(first: Survey, second: Survey) -> SharedClasses:
    """The shipped pairs of two published datasets, or the classes of the same words."""
    formats = (first.settings.format, second.settings.format)
    for name in ("_".join(formats), "_".join(formats[::-1])):
        if name in CLASS_MAPS:
            found = _shipped(name, first, second)
            break
    else:
        found = shared_classes(first.classes, second.classes)
    if len(found.pairs) < 2:
        raise UserError(
            f"{first.name} and {second.name} have {len(found.pairs)} classes of the same name, "
            f"needed are two ({first.name}: {_some(first)}; {second.name}: {_some(second)}); name "
            "the folders alike, or propose each dataset for itself"
        )
    return found


def _shipped(name: str, first: Survey, second: Survey) -> SharedClasses:
    """The pairs of a shipped map, as far as both have the classes."""
    sets = CLASS_MAPS[name][1]
    labels = class_map(name, "full" if "full" in sets else sets[0]).labels
    one, other = labels[first.settings.format], labels[second.settings.format]
    pairs = [
        (a, b) for a in first.classes for b in second.classes if one.get(a, -1) == other.get(b, -2)
    ]
    return SharedClasses(pairs, [], left_over(first.classes, second.classes, pairs))


def _some(survey: Survey) -> str:
    names = list(survey.classes)
    return ", ".join(names[:5]) + (", …" if names[5:] else "")


def _map(surveys: Sequence[Survey], shared: SharedClasses) -> str:
    """The class map: a row a pair."""
    first, second = surveys
    noted = [(a, b, f"{first.classes[a]} and {second.classes[b]} videos") for a, b in shared.pairs]
    return csv_text([(first.name, second.name, "note"), *noted])


def _report(surveys: Sequence[Survey], shared: SharedClasses | None) -> Report:
    """What was found, as tables."""
    rows = [
        [
            survey.name,
            survey.settings.format,
            len(survey.videos),
            len(survey.classes),
            len({video.group for video in survey.videos}),
            "train and test" if survey.divided else None,
            " / ".join(map(str, survey.frames)),
            survey.sizes,
            f"{survey.fps:g}" if survey.fps else None,
            f"{len(survey.broken)} of {len(survey.broken) + len(survey.probes)}",
        ]
        for survey in surveys
    ]
    columns = [
        *("dataset", "format", "videos", "classes", "source videos", "divided"),
        *("frames (short / usual / long)", "pixels", "fps", "broken"),
    ]
    report: Report = [Table("found", columns, rows)]
    report += [
        Table(f"broken in {survey.name}", ["video", "why"], [list(it) for it in found.items()])
        for survey in surveys
        if (found := survey.broken)
    ]
    if shared is None:
        return report
    first, second = surveys
    pairs = [[a, first.classes[a], b, second.classes[b]] for a, b in shared.pairs]
    columns = [first.name, "videos", second.name, "videos"]
    report.append(Table("classes taken for the same", columns, pairs))
    if any(shared.rest):
        rest = list(itertools.zip_longest(*shared.rest, fillvalue=""))
        report.append(Table("classes of one side", [first.name, second.name], rest))
    return report


def _remarks(
    surveys: Sequence[Survey], shared: SharedClasses | None, by_groups: bool, place: Place
) -> list[str]:
    """What a person should look at, a line each."""
    lines = [f"{survey.name}: {line}" for survey in surveys for line in survey.remarks]
    if shared is not None:
        lines.append(f"{place.class_map}: do these pairs mean the same actions?")
        lines += [f"are {a!r} and {b!r} the same? Then add a row there" for a, b in shared.near]
    for survey in surveys:
        if survey.settings.groups:
            lines.append(
                f"{survey.name}: `groups` was read off the file names: "
                f"{len({video.group for video in survey.videos})} source videos"
            )
        elif survey.alone and by_groups:
            lines.append(
                f"{survey.name}: {survey.alone} videos count as sources of their own; if several "
                "are cut from one recording, set `groups`, or accuracy will be too good"
            )
        if survey.settings.partial:
            lines.append(
                f"{survey.name}: {len(survey.videos)} of {len(survey.listing.videos)} listed "
                "videos are there"
            )
        if survey.broken:
            lines.append(
                f"{survey.name}: broken videos are left out; above max_unusable_fraction they "
                "stop the run"
            )
        counts = survey.classes
        least = min(counts, key=lambda name: counts[name])
        if counts[least] < FEW:
            lines.append(f"{survey.name}: {counts[least]} videos of class {least!r} are very few")
    return lines
