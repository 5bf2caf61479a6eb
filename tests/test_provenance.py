"""The commit that a file is said to be made by is that of the code, whatever git is told."""

import pytest

from rev2net import provenance


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_CEILING_DIRECTORIES"]
)
def test_variables_for_git_do_not_change_the_commit(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = provenance.commit.__wrapped__()
    monkeypatch.setenv(name, "/nowhere")
    assert provenance.commit.__wrapped__() == expected
