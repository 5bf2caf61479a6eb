"""The command line: help that teaches, errors in one line with exit code 2."""

import importlib

import pytest

from rev2net.cli import COMMANDS, main


def test_help_names_every_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert command in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_teaches_its_use(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    module = importlib.import_module(f"rev2net.commands.{command}")
    assert module.__doc__
    assert module.__doc__.splitlines()[0] in capsys.readouterr().out


def test_bad_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["trian"], ["train"], ["mini"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
    assert "required" in capsys.readouterr().err


def test_bad_input_is_one_line_that_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics", "absent.h5"]) == 2
    error = capsys.readouterr().err
    assert error == "rev2net metrics: absent.h5: no such scores file\n"
