"""Download a checkpoint that trainings start from, unless it is there, and check it.

    rev2net weights weights/resnet50.pth --sha256 0676ba61 \\
        --url https://download.pytorch.org/models/resnet50-0676ba61.pth

A download that was cut off continues. In a configuration, a `url` beside `file` and `sha256` in
`initial_weights` does the same before the first training that needs the file.
"""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `rev2net weights`."""
    parser.add_argument("file", help="where the checkpoint is to lie")
    parser.add_argument("--url", required=True)
    parser.add_argument("--mirror", help="another address, where the first does not answer")
    parser.add_argument("--sha256", required=True, help="its SHA-256, or at least 8 digits of it")


def run(args: argparse.Namespace) -> None:
    """Leave the checkpoint in its place."""
    from rev2net.config import WeightsSource, validate
    from rev2net.models.weights_file import obtain_weights

    words = {name: getattr(args, name) for name in ("file", "url", "mirror", "sha256")}
    path = obtain_weights(validate(WeightsSource, words, "arguments"))
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, as expected")
