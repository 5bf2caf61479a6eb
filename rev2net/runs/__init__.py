"""A run in one room: what it is (`identity`), where its files lie (`folder`), what is in them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rev2net.models.network import VideoNetwork


class Loaded(tuple["VideoNetwork", dict[str, Any]]):
    """(network, record): a trained network, evaluating, on the CPU, and how it was trained."""

    folder: Path

    def __new__(cls, network: "VideoNetwork", record: dict[str, Any], folder: Path) -> "Loaded":
        loaded = super().__new__(cls, (network, record))
        loaded.folder = folder
        return loaded

    def predict(self, video: str | Path) -> list[tuple[str, float]]:
        """What is done in a video: every class with its probability, best first.

        Scored as `rev2net predict` scores it. Raises VideoError where it cannot be decoded.
        """
        from rev2net.apply.predict import predict_video
        from rev2net.apply.subject import of_run

        subject = replace(of_run(self.folder), network=self[0])
        return predict_video(Path(video), subject, subject.test)[1]


def load(folder: str | Path) -> Loaded:
    """The trained network of a run's folder, evaluating, on the CPU; and the run's record.

    Of a folder that `rev2net export` wrote, the network and its configuration. The module of a
    network of one's own has to be importable. Raises UserError where that is not so, or where a
    file is absent, damaged or of another version.
    """
    from rev2net.digests import read_json
    from rev2net.models.exported import CONFIG, load_exported
    from rev2net.runs.checkpoint import load_trained
    from rev2net.runs.folder import RunFolder

    if (Path(folder) / CONFIG).is_file():
        return Loaded(*load_exported(Path(folder)), Path(folder))
    files = RunFolder(Path(folder))
    return Loaded(load_trained(files.path).network, read_json(files.record), files.path)
