"""The documents: indexed, and every file, heading and Python name in them exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*DOCS, *sorted(ROOT.glob("*.md"))]
FOLDERS = ("rev2net", "tests", "workflow", "configs", "docs", "envs", "profiles", ".ci", ".github")
FILES = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def quoted(path: Path) -> list[str]:
    """What a page sets as code within its sentences, word by word."""
    return [word for text in re.findall(r"`([^`\n]+)`", prose(path)) for word in text.split()]


def headings(path: Path) -> set[str]:
    """The headings of a page as GitHub addresses them."""
    lines = re.findall(r"^#+ (.*)", prose(path), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def exists(name: str) -> bool:
    """Whether a path from the top, or the end of one, is there; `<…>` stands for anything."""
    pattern = re.sub(r"<[^<>]+>", "*", name).rstrip("/")
    if name.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
        return any(ROOT.glob(pattern))
    return any(path.match(pattern) for path in FILES)


def defined(name: str) -> bool:
    """Whether `rev2net.a.b.c` is a module, or a name that the module a.b speaks of."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module = ROOT.joinpath(*parts[:length])
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            if file.is_file():
                words = parts[length : length + 1]
                return all(re.search(rf"\b{word}\b", file.read_text()) for word in words)
    return False


def test_the_index_has_every_document_once() -> None:
    index = ROOT / "docs" / "README.md"
    linked = re.findall(r"^- \[[\w.-]+\]\(([\w.-]+)\): .+", index.read_text(), flags=re.MULTILINE)
    assert sorted(linked) == [path.name for path in DOCS if path != index]


@each_page
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith("https://"):
            name, _, heading = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), link
            assert not heading or heading in headings(target), link


@each_page
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    ours = tuple(f"{folder}/" for folder in FOLDERS)
    sources = (".py", ".smk", ".j2", ".sh")
    named = [word.rstrip(",;:") for word in quoted(page)]
    absent = [
        name
        for name in named
        if (name.startswith(ours) or name.endswith(sources)) and not exists(name)
    ]
    assert absent == []


@each_page
def test_the_python_names_on_a_page_are_defined(page: Path) -> None:
    # A recipe is named by method and input: `rev2net.rgb` is none of ours.
    named = [re.match(r"rev2net(?!\.rgb)(\.\w+)+", word) for word in quoted(page)]
    imported = re.findall(r"from (rev2net[\w.]*) import (\w+)", page.read_text("utf-8"))
    names = [name[0] for name in named if name] + [".".join(pair) for pair in imported]
    assert [name for name in names if not defined(name)] == []


def test_the_documents_that_code_and_configurations_name_exist() -> None:
    texts = [path for path in FILES if path.suffix in (".py", ".smk", ".yaml")]
    for path in [*texts, ROOT / "Snakefile", ROOT / "config.yaml"]:
        for name in re.findall(r"\bdocs/[\w./-]*\w", path.read_text("utf-8")):
            assert (ROOT / name).exists(), f"{path.name}: {name}"
