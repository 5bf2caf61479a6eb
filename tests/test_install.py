"""What a plain installation can do, and what it says of the rest."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.apply.moving_videos import write_video

ROOT = Path(__file__).resolve().parents[1]
# Packages of the extras are not there.
PLAIN = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from rev2net.cli import main
sys.exit(main(sys.argv[1:]))
"""
IMPORTED_AS = {"scikit-learn": "sklearn"}


def extras() -> set[str]:
    """The packages of the extras, as they are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = [
        word
        for extra in ("train", "report", "workflow")
        for word in project["optional-dependencies"][extra]
        if not word.startswith("rev2net[")
    ]
    names = [word.split(">")[0] for word in words]
    return {IMPORTED_AS.get(name, name) for name in names}


def plain(*words: str | Path) -> subprocess.CompletedProcess[str]:
    script = PLAIN.format(absent=extras())
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_flow_needs_no_extra(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", 3)
    done = plain("flow", tmp_path / "clip.mp4", "--out", tmp_path / "flow", "--format", "npy")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "flow" / "clip.npy").is_file()


@pytest.mark.parametrize(
    ("words", "extra"), [(["models"], "train"), (["features", "x", "--out", "y"], "train")]
)
def test_what_needs_an_extra_says_which(words: list[str], extra: str, tmp_path: Path) -> None:
    write_video(tmp_path / "x.mp4", 2)
    words = [str(tmp_path / "x.mp4") if word == "x" else word for word in words]
    more = ["--run", str(tmp_path)] if words[0] == "features" else []
    done = plain(*words, *more)
    assert done.returncode == 2
    assert f"pip install 'rev2net[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_weak_module_of_a_dependency_is_never_imported() -> None:
    """ffmpeg-python needs `future`, whose standard_library imports any test.py (CVE-2025-50817)."""
    modules = "rev2net.video, rev2net.mini.write, rev2net.apply.flow, ffmpeg"
    script = f"import sys, {modules}; sys.exit('future.standard_library' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=120).returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["flow", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """Help takes tenths of a second: numpy alone would double that."""
    script = (
        "import sys\nfrom rev2net.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.exit(bool({'numpy', 'cv2', 'torch', 'pydantic'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, *words]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60).returncode == 0
