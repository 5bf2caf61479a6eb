"""The JSON schema: kept equal to the types, named in every file, and as strict as they are."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from rev2net.config.schema import schema
from rev2net.config.section import read_yaml

jsonschema = pytest.importorskip("jsonschema")  # Snakemake brings it

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "configs" / "schema.json"
FILES = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml"))]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def problems(values: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    return [error.message for error in validator.iter_errors(values)]


def test_the_file_is_what_the_types_say() -> None:
    advice = "python -m rev2net.config.schema > configs/schema.json"
    assert SCHEMA.read_text() == schema(), advice


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


@each_file
def test_the_first_line_of_a_configuration_leads_to_it(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert Path(os.path.normpath(path.parent / named)) == SCHEMA


@each_file
def test_a_shipped_configuration_obeys_it(path: Path) -> None:
    assert problems(read_yaml(path)) == []


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ((), "sedes", [0]),
        ((), "seeds", []),
        (("frames",), "short_sid", 64),
        (("frames",), "codec", "gif"),
        (("datasets", "ucf101"), "format", "ucf-101"),
        (("datasets",), "UCF101", {"format": "ucf101", "shards": 1}),
        (("benchmarks", "hmdb-ucf"), "protocol", "official-splt1"),
        (("recipes",), "i3d.rbg", {}),
        (("recipes", "i3d.rgb", "optimisation"), "batch", 0),
        (("tables",), "mine", {"title": "T", "benchmarks": ["hmdb-ucf"], "rows": ["i3d"]}),
    ],
)
def test_what_is_mistyped_is_marked(section: tuple[str, ...], key: str, value: object) -> None:
    values = read_yaml(ROOT / "config.yaml")
    place = values
    for word in section:
        place = place.setdefault(word, {})
    place[key] = value
    assert problems(values)


def test_keys_are_described_as_in_the_code() -> None:
    sections = json.loads(SCHEMA.read_text())["$defs"]
    described = sections["OptimisationSettings"]["properties"]
    assert described["warmup"]["description"].startswith("fraction of the whole in which the rate")
    assert described["epochs"]["description"].startswith("How long: passes through the labelled")
    assert "description" not in described["optimiser"]
