"""What made a file: the commit of the code, whatever git is told, and the processor."""

from pathlib import Path

import pytest

from rev2net import provenance
from rev2net.provenance import processor


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse2 avx avx2 avx512f", "Some CPU @ 2 GHz, AVX512F"),
        ("fpu avx avx2", "Some CPU @ 2 GHz, AVX2"),
        ("fpu sse2", "Some CPU @ 2 GHz"),
    ],
)
def test_a_processor_is_named_with_its_widest_vector_unit(
    flags: str, expected: str, tmp_path: Path
) -> None:
    facts = tmp_path / "cpuinfo"
    facts.write_text(f"processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: {flags}\n\n")
    assert processor(facts) == expected


def test_elsewhere_it_is_what_python_knows(tmp_path: Path) -> None:
    assert processor(tmp_path / "absent")


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"]
)
def test_variables_for_git_do_not_change_the_commit(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = provenance.commit.__wrapped__()
    monkeypatch.setenv(name, "/nowhere")
    assert provenance.commit.__wrapped__() == expected
