"""Features of any videos by a trained network, a row a window of frames.

    rev2net features videos/ --network i3d --weights i3d_rgb_kinetics400.pt --out features
    rev2net features clip.mp4 --run work/mini/runs/hmdb-ucf/i3d/rgb.scratch.mkmmd/split1.seed0 \\
        --out features --window 16 --stride 8
    rev2net features list.txt --network i3d --weights i3d.pt --endpoint Mixed_4f --out features

features/<video>.npy holds (windows, D) float32, features/<video>.json what made it. Frames are
resized to a short side of 256 pixels, or as the run's were, and cropped in the centre. Long videos
stream: memory does not grow with them. The same command again does what is left.
"""

import argparse
from pathlib import Path

from rev2net.commands import add_network_arguments, network_asked


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos", nargs="+", type=Path, metavar="VIDEO", help="a file, a folder, or a list (.txt)"
    )
    add_network_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if need be")
    parser.add_argument("--window", type=int, help="images a window (the network's clip)")
    parser.add_argument("--stride", type=int, help="images between windows (--window)")
    parser.add_argument("--endpoint", default="pooled", help="a layer, as Mixed_5c (pooled)")
    parser.add_argument("--batch", type=int, default=1, help="windows at once (1)")


def run(args: argparse.Namespace) -> None:
    import sys

    from rev2net.apply.features import FeatureFiles, check_endpoint
    from rev2net.apply.inputs import find_videos
    from rev2net.apply.output import OutputFolder, summary
    from rev2net.apply.windows import Windows
    from rev2net.device import claim_device
    from rev2net.errors import refuse_below

    refuse_below(args, window=1, stride=1, batch=1)
    videos = find_videos(args.videos)
    subject = network_asked(args)
    check_endpoint(subject, args.endpoint)
    shape = subject.shape
    window = args.window or shape.length * shape.images * shape.stride
    with claim_device() as device:
        subject.network.to(device)
        windows = Windows(subject, window, args.stride or window, device, args.batch)
        files = FeatureFiles(args.out, windows, args.endpoint)
        output = OutputFolder(args.out, files.record())
        counts = output.run(videos, files.done, files, jobs=1, what="features")
    print(f"{args.out}: {summary(counts)}")
    if counts.total() != counts["ok"]:
        sys.exit(2)
