"""`rev2net bench`: each stage says of itself what it measures."""

import importlib

import pytest

from rev2net.cli import main
from rev2net.commands.bench import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_teaches_its_use(stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", stage, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    summary = importlib.import_module(f"rev2net.bench.{stage}").__doc__
    assert summary
    assert summary.splitlines()[0] in text
    assert f"usage: rev2net bench {stage}" in text


def test_an_unknown_stage_or_option_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["flaw"], ["flow", "--pears", "2"]):
        with pytest.raises(SystemExit) as caught:
            main(["bench", *words])
        assert caught.value.code == 2
    assert "rev2net bench flow: error: unrecognized arguments: --pears 2" in capsys.readouterr().err
