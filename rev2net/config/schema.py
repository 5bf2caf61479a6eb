"""The configuration's JSON schema, by which editors complete keys and mark wrong ones.

    python -m rev2net.config.schema > configs/schema.json

Descriptions are those of the code: a section's docstring, and the comment behind or above a key.
What the schema cannot say (a name that has to be defined elsewhere in the file) is left to
`rev2net.config.load`.
"""

import inspect
import json
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from rev2net.config.whole import Config

_KEY = re.compile(r" {4}(?P<key>[a-z_0-9]+): [^#]*(# (?P<comment>.*))?")
_COMMENT = re.compile(r" {4}# (?P<comment>.*)")


class _Commented(GenerateJsonSchema):
    """Sections whose keys are described by the comments of their source."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # it would repeat the key

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False  # a name of another form is an error to us
        return made

    def model_schema(self, schema: Any) -> dict[str, Any]:
        made = super().model_schema(schema)
        for key, text in _comments(schema["cls"]).items():
            if key in made.get("properties", {}):
                made["properties"][key].setdefault("description", text)
        return made


def _comments(section: type[BaseModel]) -> dict[str, str]:
    """The comment of each key of a section and of those it derives from."""
    found: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if not issubclass(base, BaseModel) or base is BaseModel:
            continue
        above: list[str] = []
        for line in inspect.getsource(base).splitlines():
            if match := _COMMENT.fullmatch(line):
                above.append(match["comment"])
            elif match := _KEY.fullmatch(line):
                words = [*above, match["comment"] or ""]
                if text := " ".join(words).strip():
                    found[match["key"]] = text
                above = []
            else:
                above = []
    return found


def schema() -> str:
    """The schema as the text of `configs/schema.json`."""
    values = Config.model_json_schema(schema_generator=_Commented)
    values["properties"]["recipes_from"] = {
        "description": "Files of parts of recipes, such as results/search.csv leaves beside itself",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | values, indent=1) + "\n"


if __name__ == "__main__":
    print(schema(), end="")
