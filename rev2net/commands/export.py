"""Export a finished run: weights, configuration and a model card in one folder.

    rev2net export work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0 i3d-mini

The folder holds model.safetensors, config.json (network, input, normalisation, classes, where it
comes from) and README.md. `rev2net.runs.load(folder)` and `rev2net predict --run` take it; for
ONNX see docs/your-videos.md.
"""

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument("out", type=Path, metavar="DIR", help="made if need be")


def run(args: argparse.Namespace) -> None:
    from rev2net.apply.exporting import export_run
    from rev2net.errors import UserError

    if args.out.is_dir() and any(args.out.iterdir()):
        raise UserError(f"{args.out}: a folder with files in it; give a new one")
    export_run(args.run_folder, args.out)
    size = sum(path.stat().st_size for path in args.out.iterdir()) / 1e6
    print(f"{args.out}: model.safetensors, config.json, README.md, {size:.1f} MB")
