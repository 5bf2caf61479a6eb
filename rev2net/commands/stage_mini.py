"""Write the mini benchmark: synthetic videos in the on-disk formats of the real datasets.

    rev2net stage mini data/mini                               # all three datasets, 5 classes
    rev2net stage mini data/mini --dataset ucf101 --classes full  # one of them, all 15 UCF classes

Articulated figures perform the actions of the UCF-HMDB benchmarks under their real class names,
with groups, official-style lists and the file formats of the originals, so that everything that
reads the real datasets reads these. The same options and the same ffmpeg give the same files, byte
for byte. A dataset appears under ROOT only when it is complete.
"""

import argparse
import sys
from pathlib import Path

_DATASETS = ("ucf101", "hmdb51", "kinetics400")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="ROOT", help="folder that receives the datasets")
    parser.add_argument(
        "--dataset",
        action="append",
        choices=_DATASETS,
        dest="datasets",
        help="write only this dataset (may be given several times; default: all three)",
    )
    parser.add_argument("--classes", choices=("small", "full"), help="UCF-HMDB class set (small)")
    parser.add_argument("--groups", type=int, metavar="N", help="source videos a class")
    parser.add_argument("--clips", type=int, metavar="N", help="clips cut from each source video")
    parser.add_argument(
        "--frames",
        type=int,
        nargs=2,
        metavar=("MIN", "MAX"),
        help="fewest and most frames of a clip",
    )
    parser.add_argument("--height", type=int, metavar="PIXELS", help="height of the videos")
    parser.add_argument("--seed", type=int, help="another seed gives another benchmark")


def run(args: argparse.Namespace) -> None:
    from rev2net.mini import MiniOptions, write_mini

    names = ("classes", "groups", "clips", "height", "seed")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.frames is not None:
        given["frames"] = tuple(args.frames)
    for dataset in args.datasets or _DATASETS:
        with _Progress(dataset) as progress:
            folder = write_mini(args.root, dataset, MiniOptions(**given), progress=progress)
        print(f"{dataset}: {progress.total} videos in {folder}")


class _Progress:
    """A bar on a terminal; in a log, a plain line at every tenth."""

    def __init__(self, dataset: str) -> None:
        from tqdm import tqdm

        self.dataset = dataset
        self.total = 0
        self.bar = tqdm(desc=dataset, unit=" videos") if sys.stderr.isatty() else None

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, total: int) -> None:
        self.total = total
        if self.bar is not None:
            self.bar.total = total
            self.bar.update(done - self.bar.n)
        elif done * 10 // total > (done - 1) * 10 // total:
            print(f"{self.dataset}: {done} of {total} videos", file=sys.stderr, flush=True)
