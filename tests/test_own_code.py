"""Code of one's own: found in the folder where one works, told from edited, refused in one line."""

import sys
from pathlib import Path

import pytest

from rev2net import own_code
from rev2net.errors import UserError


def test_a_module_is_found_without_running_it_or_its_package(own_folder: Path) -> None:
    package = own_folder / "lab" / "nets"
    package.mkdir(parents=True)
    for name in ("lab/__init__.py", "lab/nets/__init__.py", "lab/nets/deep.py"):
        (own_folder / name).write_text("raise SystemExit('run')\n")
    assert own_code.source_file("lab.nets.deep:Deep") == package / "deep.py"
    assert own_code.source_file("lab.nets:Deep") == package / "__init__.py"
    assert not {"lab", "lab.nets", "lab.nets.deep"} & sys.modules.keys()


def test_the_folder_where_one_works_comes_before_what_is_installed(own_folder: Path) -> None:
    (own_folder / "yaml.py").write_text("")
    assert own_code.source_file("yaml:load") == own_folder / "yaml.py"
    assert own_code.source_file("numpy.linalg:norm").name == "__init__.py"


def test_a_digest_changes_with_the_file_alone(own_folder: Path) -> None:
    digests = {"mine:coral": own_code.source_digest("mine:coral")}
    assert own_code.source_digest("mine:PlainNetwork") == digests["mine:coral"]
    (own_folder / "other.py").write_text("")
    assert own_code.edited(digests) is None
    with (own_folder / "mine.py").open("a") as file:
        file.write("# a word\n")
    assert own_code.edited(digests) == own_folder / "mine.py"


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("absent:Net", "", "absent:Net: no module 'absent'; it has to be importable from .*{here}"),
        ("mine.net:Net", "", "mine.net:Net: no module 'mine.net'"),
        ("bad:Net", "x = 1\nimport absent_package\n", "bad.py:2 raises ModuleNotFoundError on imp"),
        ("bad:Net", "def f():\n  1 / 0\nf()\n", "bad.py:2 raises ZeroDivisionError .*by zero$"),
        ("bad:Net", "x = (\n", "bad.py:1 raises SyntaxError on import: .*never closed"),
        ("bad:Net", "import sys\nsys.exit(3)\n", "bad.py:2 raises SystemExit on import: 3$"),
        ("bad:Nat", "class Net: ...\n", "bad.py has no 'Nat'; did you mean 'Net'. allowed: Net$"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_one_line(
    own_folder: Path, name: str, source: str, expected: str
) -> None:
    (own_folder / "bad.py").write_text(source)
    with pytest.raises(UserError, match=expected.format(here=own_folder)) as raised:
        own_code.load(name)
    assert "\n" not in str(raised.value)
