"""The command line: help that teaches, errors in one line with exit code 2."""

import errno
import importlib
import re
from pathlib import Path

import pytest
from torch.utils.data import DataLoader, Dataset

from rev2net.cli import COMMANDS, STAGES, main, module_name
from rev2net.errors import UserError


@pytest.mark.parametrize(("words", "names"), [([], COMMANDS), (["stage"], STAGES)])
def test_help_names_every_command_and_every_stage(
    words: list[str], names: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    shown = re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE)
    assert shown == list(names)


@pytest.mark.parametrize(
    ("words", "module"),
    [
        *(([name], module_name(name, False)) for name in COMMANDS if name != "stage"),
        *((["stage", name], module_name(name, True)) for name in STAGES),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_every_command_teaches_its_use(
    words: list[str], module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*words, "--help"])
    assert caught.value.code == 0
    taught = importlib.import_module(f"rev2net.commands.{module}").__doc__
    assert taught
    shown = capsys.readouterr().out
    assert taught.splitlines()[0] in shown
    assert f"usage: rev2net {' '.join(words)}" in shown


def test_a_stages_name_alone_means_the_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "usage: rev2net stage train" in capsys.readouterr().out


def test_bad_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["trian"], ["train"], ["mini"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    assert "required" in capsys.readouterr().err


def test_a_full_disk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Raised as it is, or behind the error of a library that tripped over it (torch.save)."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def tripped(*_: object) -> None:
        try:
            full()
        except OSError:
            raise RuntimeError("unexpected pos 704 vs 598")  # noqa: B904

    for fails in (full, tripped):
        monkeypatch.setattr("rev2net.commands.metrics.run", fails)
        assert main(["metrics", "x.h5"]) == 1
        error = capsys.readouterr().err
        assert error.startswith("rev2net metrics: no space left on the disk; ")
        assert error.count("\n") == 1


def test_an_error_from_a_loader_s_worker_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Damaged(Dataset[int]):
        def __getitem__(self, index: int) -> int:
            raise UserError("0.h5: damaged")

    def run(_: object) -> None:
        list(DataLoader(Damaged(), sampler=[0], num_workers=1))

    monkeypatch.setattr("rev2net.commands.metrics.run", run)
    assert main(["metrics", "x.h5"]) == 2
    assert capsys.readouterr().err == "rev2net metrics: 0.h5: damaged\n"


def test_bad_input_is_one_line_that_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "absent.h5"]) == 2
    error = capsys.readouterr().err
    assert error == "rev2net metrics: absent.h5: no such scores file\n"


@pytest.mark.parametrize(
    "command",
    [
        ["plan"],
        ["plan", "--config", "configs/paper.yaml"],
        ["predict", "clip.avi", "--run", "work/mini/runs/absent"],
        ["table", "--explain", "table5", "rev2net", "rgb", "hmdb-ucf"],
        ["inspect", "results/table5.csv"],
    ],
)
def test_outside_the_project_a_hint_says_where_to_stand(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """For the project's own paths; any other path is a person's own and gets no advice."""
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    error = capsys.readouterr().err
    project = Path(__file__).parents[1]
    assert error.endswith(
        f"; you stand in {tmp_path}, the project's paths start in {project}: cd there\n"
    )
    assert error.count("\n") == 1
    assert main(["inspect", "mine.avi"]) == 2
    assert "you stand in" not in capsys.readouterr().err


def test_inside_the_project_it_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    assert main(["inspect", "work/there-is-no-such-configuration"]) == 2
    assert "you stand in" not in capsys.readouterr().err
