"""Whether Rev2Net's auxiliary tasks teach its encoder, by what was learnt.

    python -m rev2net.bench.decoders directions FOLDER   # moving discs: I3D, Rev2Net, its ablations
    python -m rev2net.bench.decoders jhmdb FOLDER        # real clips; --width 1: from Kinetics
    python -m rev2net.bench.decoders table FOLDER...     # Markdown of what is finished below

Every training lies in a folder of its own below FOLDER; a finished one is not trained again and an
interrupted one goes on, with the options that FOLDER was begun with. `directions`: discs that move
right, down, left or up, class = direction, few steps, several seeds each. `jhmdb`: the real clips
of `../shared/data/jhmdb` (`REV2NET_REAL_DATA`), split by source title, flow by TV-L1; their classes
are the labels. Every other frame of theirs is taken (`--every`), and crops are smaller than the
frames (`--scales`), so that what is seen moves by a pixel a frame; clips that would be looped are
left out. Their motion is fainter than the discs': `--frames 500 --learning-rate 0.001` learn it.
"""

import argparse
import csv
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch

from rev2net.bench.arrays import Clip, clip_shards, lossless, write_clips
from rev2net.bench.discs import DIRECTIONS, moving_discs
from rev2net.clips.dataset import ClipShape, Shards, read_split
from rev2net.config import (
    METHODS,
    ClipSettings,
    ComputeSettings,
    LossSettings,
    NetworkSettings,
    OptimisationSettings,
    RateMultipliers,
    TestSettings,
    TrainSettings,
    WeightsSource,
)
from rev2net.errors import UserError
from rev2net.evaluation.decode import decode_examples
from rev2net.evaluation.metrics import topk
from rev2net.evaluation.predict import predict
from rev2net.figures.decoded_clips import clip_sheet
from rev2net.files import json_lines, write_text
from rev2net.flow import tvl1
from rev2net.runs.checkpoint import load_trained
from rev2net.runs.folder import RunFolder
from rev2net.runs.identity import Run
from rev2net.training.loop import train
from rev2net.video import decode

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("REV2NET_REAL_DATA", ROOT / "../shared/data"))
ARMS = ("i3d", "rev2net", "rev2net-noframe", "rev2net-noflow", "rev2net-noddp")
LOSS = LossSettings(
    flow=10.0,
    flow_focus=0.1,
    frames=30.0,
    frames_focus=20.0,
    feature_discrepancy=0.01,
    latent_discrepancy=0.00001,
    domain=0.0,
)
CPU = torch.device("cpu")
COMPUTE = ComputeSettings(threads=1, loader_workers=0, precision="float32")
HELD_OUT = 200
DISC_SIZE, DISC_LENGTH = 64, 16
DISC_BOUND = 8.0
JHMDB_TRAINED = 0.7  # of each class's source titles
MAY_DIFFER = ("folder", "arms", "seeds", "threads")  # between calls that go on in one folder


def jhmdb_rows() -> list[dict[str, str]]:
    """What is known of the real clips, a row a clip."""
    with open(REAL / "jhmdb/clips.csv", newline="") as file:
        return list(csv.DictReader(file))


def jhmdb_parts() -> Iterator[tuple[dict[str, str], int, str]]:
    """Each real clip's row, label and part; whole source titles are held out, 30 % of a class's."""
    rows = jhmdb_rows()
    names = sorted({row["class"] for row in rows})
    trained: set[tuple[str, str]] = set()
    for name in names:
        groups = sorted({row["group"] for row in rows if row["class"] == name})
        chosen = np.random.default_rng(0).permutation(groups)[: round(JHMDB_TRAINED * len(groups))]
        trained |= {(name, str(group)) for group in chosen}
    for row in rows:
        part = "train" if (row["class"], row["group"]) in trained else "test"
        yield row, names.index(row["class"]), part


def jhmdb(side: int, every: int, least: int) -> Iterator[Clip]:
    """The real clips of at least `least` frames, of which each `every`th is taken.

    `side`: of the frames, pixels.
    """
    for row, label, part in jhmdb_parts():
        frames = decode(REAL / "jhmdb" / row["path"], short_side=side)[::every]
        if len(frames) < least:
            continue
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        flow = np.stack([tvl1(*pair) for pair in itertools.pairwise(grey)])
        yield Clip(Path(row["path"]).stem, frames, flow, label, row["group"], part)


def chosen_loss(args: argparse.Namespace) -> LossSettings:
    norms = {"flow_norm": args.flow_norm, "frames_norm": args.frames_norm}
    weights = {"flow": args.flow, "flow_focus": args.flow_focus, "frames": args.frames}
    weights["share"] = args.share
    return LOSS.model_copy(update=norms | weights)


def settings(run: Run, args: argparse.Namespace) -> TrainSettings:
    """What one training of a task depends on."""
    frames, flow = lossless(args.side, args.bound)
    method = METHODS[run.method]
    loss = LossSettings() if method.recipe == "i3d" else chosen_loss(args)
    kinetics = REAL / "weights/i3d_rgb_kinetics400.pt"
    weights = None
    if args.task == "jhmdb" and args.width == 1:
        weights = WeightsSource(file=str(kinetics), partial=method.recipe != "i3d")
    size, scales = (DISC_SIZE, (1.0,)) if args.task == "directions" else (args.size, args.scales)
    options: dict[str, bool | int | float | str] = {"dropout": args.dropout}
    if method.recipe == "rev2net":
        options["latent_endpoint"] = args.latent_endpoint
    return TrainSettings(
        configuration=args.task,
        run=run,
        network_name=method.network,
        network=NetworkSettings(width=args.width, options=options),
        clip=ClipSettings(
            length=args.length,
            stride=args.stride,
            size=size,
            scales=tuple(scales),
            flip=args.task == "jhmdb",
        ),
        optimisation=OptimisationSettings(
            optimiser="adamw",
            learning_rate=args.learning_rate,
            weight_decay=0.01,
            batch=args.batch,
            steps=args.steps,
            schedule="cosine",
            warmup=0.1,
            clip_gradient=10.0,
            checkpoint_every=25,
            freeze_batchnorm=args.freeze_batchnorm,
            multipliers=RateMultipliers(decoders=args.decoders, head=args.decoders),
        ),
        loss=loss.model_copy(update=dict.fromkeys(method.without, 0.0)),
        compute=COMPUTE.model_copy(update={"threads": args.threads, "precision": args.precision}),
        frames=frames,
        flow_bound=flow.bound,
        initial_weights=weights,
    )


def train_and_measure(
    run: Run, chosen: TrainSettings, data: Path, class_names: list[str], folder: Path
) -> None:
    """Train unless that is done; write measures.json and pictures of decoded clips beside it."""
    split = data / "split1.csv"
    shards = {("clips", kind): clip_shards(data, "clips", kind).index for kind in ("rgb", "flow")}
    if not RunFolder(folder).checkpoint.exists():
        train(chosen, split, shards, class_names, folder)
    trained = load_trained(folder)
    entries = read_split(split, ["test"])["test"]
    clip = chosen.clip
    opened = Shards.open(shards, ("rgb",), chosen.frames, chosen.flow_bound)
    test = TestSettings(clips=1, crops=1, size=clip.size, average="logit", batch=16)
    rgb = ClipShape(("rgb",), False, clip.length, clip.stride)
    scores = predict(trained.network, entries, opened, rgb, test, COMPUTE, CPU)
    labels = np.array([entry.label for entry in entries])
    found = {"top1": topk(scores.scores, labels, 1), "videos": len(labels)}
    examples = decode_examples(trained, entries, shards, CPU)
    found |= examples.measures
    for number, name in enumerate(examples.video_id):
        (folder / f"{number}.png").write_bytes(clip_sheet(name, *examples.one(number)))
    (folder / "measures.json").write_text(json.dumps({**asdict(run), **found}, indent=1) + "\n")
    print(folder, {name: round(value, 3) for name, value in found.items()}, flush=True)


def refuse_other_options(args: argparse.Namespace) -> None:
    """Keep the options beside what they made; raises UserError where others made it."""
    options = {name: value for name, value in vars(args).items() if name not in MAY_DIFFER}
    path = args.folder / "options.json"
    if not path.exists():
        write_text(path, json.dumps(options, indent=1) + "\n")
    for name, begun in json.loads(path.read_text()).items():
        if options[name] != begun:
            option = "task" if name == "task" else f"--{name.replace('_', '-')}"
            raise UserError(
                f"{option}: {options[name]}; {args.folder} was begun with {begun}: allowed is "
                "that, or another folder"
            )


def run_task(args: argparse.Namespace) -> None:
    """Write the clips once, then train arm by arm, a seed of each before the next seed."""
    torch.set_num_threads(args.threads)
    refuse_other_options(args)
    data = args.folder / "data"
    if not (data / "split1.csv").exists():
        least = args.stride * (args.length - 1) + 1
        clips = (
            moving_discs(1, args.clips, HELD_OUT, DISC_LENGTH, DISC_SIZE, args.speed)
            if args.task == "directions"
            else jhmdb(args.side, args.every, least)
        )
        write_clips(data, {"clips": clips}, *lossless(args.side, args.bound))
    names = list(DIRECTIONS)
    if args.task == "jhmdb":
        names = sorted({row["class"] for row in jhmdb_rows()})
    for seed in args.seeds:
        for arm in args.arms:
            run = Run("clips", arm, "rgb", "scratch", "none", 1, seed)
            train_and_measure(run, settings(run, args), data, names, args.folder / f"{arm}.{seed}")


def table(folders: list[Path]) -> None:
    """Means over seeds with 95 % t intervals, and the shares' range over the log lines.

    Where no clip is trained on twice (`directions`), the class's loss in training is one on unseen
    clips, and its mean over the steps says how soon the class is learnt: seeds differ less in it
    than in the accuracy at any one step.
    """
    from scipy.stats import t

    for folder in folders:
        print(f"\n{folder.name}: medians of measures; shares as least to most over the log\n")
        head = (
            "network",
            "seeds",
            "top-1, % (95 % of the mean)",
            "the class's loss, mean over the training",
            "flow EPE over still",
            "reversal",
            "its mean over clips",
            "moving pixels over mean frame",
            "flow on 3b-5c; stem, %",
            "frames on 3b-5c; stem, %",
        )
        print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for arm in ARMS:
            paths = sorted(folder.glob(f"{arm}.*/measures.json"))
            if not paths:
                continue
            found = [json.loads(path.read_text()) for path in paths]
            logs = [json_lines(RunFolder(path.parent).metrics) for path in paths]
            cells = [METHODS[arm].label, str(len(paths))]
            top1 = [one["top1"] for one in found]
            losses = [float(np.mean([line["classification"] for line in log])) for log in logs]
            for values, digits in ((top1, 1), (losses, 2)):
                half = 0.0
                if len(values) > 1:
                    error = np.std(values, ddof=1) / len(values) ** 0.5
                    half = t.ppf(0.975, len(values) - 1) * error
                cells.append(f"{np.mean(values):.{digits}f} ± {half:.{digits}f}")
            for value, base in (
                ("flow_epe", "still_epe"),
                ("reversal", None),
                ("reversal_mean", None),
                ("moving_l1", "moving_mean_frame_l1"),
            ):
                values = [one[value] / (one[base] if base else 1) for one in found if value in one]
                cells.append(f"{np.median(values):.2f}" if values else "–")
            for term in ("flow", "frames"):
                ranges = [
                    [line[key] for log in logs for line in log if key in line]
                    for key in (f"{term}_share_deep", f"{term}_share_stem")
                ]
                cells.append(
                    "; ".join(f"{min(r):.2g}-{max(r):.2g}" for r in ranges) if ranges[0] else "–"
                )
            print(f"| {' | '.join(cells)} |")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("directions", "jhmdb", "table"))
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--clips", type=int, default=2400, help="discs to train on")
    parser.add_argument("--speed", type=float, nargs=2, default=[0.25, 0.6], help="of discs")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--side", type=int, default=112, help="short side of real frames, pixels")
    parser.add_argument("--every", type=int, default=2, help="frame of real clips is taken")
    parser.add_argument("--bound", type=float, default=16.0, help="of real flow, pixels a frame")
    parser.add_argument("--size", type=int, default=64, help="of real clips as trained, pixels")
    parser.add_argument("--scales", type=float, nargs="+", default=[0.58, 0.66, 0.75], help="crops")
    parser.add_argument("--latent-endpoint", default="Mixed_5c", help="or Mixed_4f")
    parser.add_argument("--length", type=int, default=16)
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--decoders", type=float, default=1.0, help="factor on their rate")
    parser.add_argument("--freeze-batchnorm", action="store_true")
    parser.add_argument("--flow", type=float, default=LOSS.flow, help="weight")
    parser.add_argument("--flow-focus", type=float, default=LOSS.flow_focus)
    parser.add_argument(
        "--flow-norm", choices=("epe", "charbonnier", "l1", "l2"), default=LOSS.flow_norm
    )
    parser.add_argument("--frames", type=float, default=LOSS.frames, help="weight")
    parser.add_argument("--frames-norm", choices=("l1", "l2"), default=LOSS.frames_norm)
    parser.add_argument("--share", type=float, default=LOSS.share, help="gradient into the encoder")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    args = parser.parse_args(argv)
    if args.task == "table":
        table(args.folder)
        return
    (args.folder,) = args.folder
    if args.task == "directions":
        args.side, args.bound = DISC_SIZE, DISC_BOUND
    try:
        run_task(args)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
