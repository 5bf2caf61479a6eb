"""Checkpoints by URL: asked for in the configuration, downloaded once, checked."""

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rev2net.cli import main
from rev2net.config import WeightsSource, validate
from rev2net.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where a checkpoint is served."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "resnet50.pth").write_bytes(CONTENT)
    handler = functools.partial(Quiet, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/resnet50.pth"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("digits", [8, 64])
def test_a_checkpoint_is_downloaded_once_to_its_place(
    url: str, tmp_path: Path, digits: int
) -> None:
    path = tmp_path / "weights" / "resnet50.pth"
    words = ["weights", str(path), "--url", url, "--sha256", DIGEST[:digits]]
    assert main(words) == 0
    assert path.read_bytes() == CONTENT
    (tmp_path / "site" / "resnet50.pth").unlink()
    assert main(words) == 0


def test_the_mirror_is_asked_where_the_address_does_not_answer(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights" / "x.pth"
    gone = url.replace("resnet50", "gone")
    words = ["--url", gone, "--sha256", DIGEST, "--mirror"]
    assert main(["weights", str(path), *words, url]) == 0
    assert hashlib.sha256(path.read_bytes()).hexdigest() == DIGEST
    capsys.readouterr()
    assert main(["weights", str(tmp_path / "y.pth"), *words, gone]) == 2
    assert "gone" in capsys.readouterr().err.splitlines()[-1]


def test_another_digest_is_refused(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "resnet50.pth"
    assert main(["weights", str(path), "--url", url, "--sha256", "0" * 8]) == 2
    assert f"sha256 is {DIGEST}; expected 00000000" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"url": "https://host/x.pth"}, "url https://host/x.pth without sha256"),
        ({"url": "ftp://host/x.pth", "sha256": DIGEST}, "url: String should match pattern"),
        ({"sha256": "abc"}, "sha256: String should match pattern"),
        ({"sha265": DIGEST}, "unknown key 'sha265', did you mean 'sha256'?"),
    ],
)
def test_the_configuration_asks_for_a_digest(values: dict[str, str], line: str) -> None:
    with pytest.raises(UserError) as error:
        validate(WeightsSource, {"file": "x.pth", **values}, "weights")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_the_command_leaves_the_file_in_its_place(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights" / "x.pth"
    assert main(["weights", str(path), "--url", url, "--sha256", DIGEST]) == 0
    assert path.read_bytes() == CONTENT
    assert main(["weights", str(path), "--url", url, "--sha256", "0" * 64]) == 2
    assert "delete it to download it again" in capsys.readouterr().err


@pytest.mark.slow
def test_the_workflow_downloads_what_a_run_starts_from(url: str, tmp_path: Path) -> None:
    values = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text())
    values["cross_dataset_tables"]["init"] = "imagenet"
    source = {"file": "weights/x.pth", "url": url, "sha256": DIGEST}
    values["initial_weights"] = {f"imagenet.{recipe}": source for recipe in ("tsn.rgb", "tsm.rgb")}
    (tmp_path / "smoke.yaml").write_text(yaml.safe_dump(values))
    run = "work/smoke/runs/hmdb-ucf/tsn/rgb.imagenet.mkmmd/split1.seed0/checkpoint.pt"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), "--configfile", str(tmp_path / "smoke.yaml")]
    command += ["--cores", "1"]
    # A start without weights is refused before the first job: none named, or none that come.
    other = run.replace("hmdb-ucf/tsn", "ucf-hmdb/i3d")
    lacking = subprocess.run([*command, "-n", other], capture_output=True, text=True, timeout=120)
    assert lacking.returncode == 1
    assert "has no initial_weights for them (imagenet.<recipe>.rgb); give it a" in lacking.stdout
    plan = subprocess.run([*command, "-n", run], capture_output=True, text=True, timeout=120)
    assert plan.returncode == 0, plan.stderr
    assert "Downloading weights/x.pth" in plan.stdout
    subprocess.run([*command, "weights/x.pth"], check=True, capture_output=True, timeout=120)
    assert (tmp_path / "weights" / "x.pth").read_bytes() == CONTENT
    values["initial_weights"] = {"imagenet.i3d.rgb": {"file": "weights/nowhere.pt"}}
    (tmp_path / "smoke.yaml").write_text(yaml.safe_dump(values))
    lacking = subprocess.run([*command, "-n", other], capture_output=True, text=True, timeout=120)
    assert lacking.returncode == 1
    assert "Missing input files for rule train_run" in lacking.stdout
    assert "weights/nowhere.pt" in lacking.stdout
