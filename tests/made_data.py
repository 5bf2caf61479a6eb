"""Where the workflow puts what it makes of the datasets of a configuration file."""

from pathlib import Path

from rev2net import experiments
from rev2net.config import load
from rev2net.runs.folder import DataFolder, ShardFolder, WorkFolder


def data_folder(file: Path, dataset: str, directory: Path = Path()) -> DataFolder:
    """The folder of a dataset; `directory` is where Snakemake runs."""
    config = load(file)
    return experiments.data_folder(WorkFolder(directory / "work/any"), dataset, config)


def shard_folder(file: Path, dataset: str, kind: str, directory: Path = Path()) -> ShardFolder:
    """The folder of its shards of a kind."""
    config = load(file)
    return experiments.shard_folder(WorkFolder(directory / "work/any"), dataset, kind, config)
