"""A run in one room: what it is (`identity`), where its files lie (`folder`), what is in them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rev2net.models.network import VideoNetwork


def load(folder: str | Path) -> "tuple[VideoNetwork, dict[str, Any]]":
    """The trained network of a run's folder, evaluating, on the CPU; and the run's record.

    Of a folder that `rev2net export` wrote, the network and its configuration. Raises UserError
    where one of the two is absent, damaged or of another version.
    """
    from rev2net.digests import read_json
    from rev2net.models.exported import CONFIG, load_exported
    from rev2net.runs.checkpoint import load_trained
    from rev2net.runs.folder import RunFolder

    if (Path(folder) / CONFIG).is_file():
        return load_exported(Path(folder))
    files = RunFolder(Path(folder))
    return load_trained(files.path).network, read_json(files.record)
