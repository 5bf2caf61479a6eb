"""Score the held-out videos of one trained run.

Reads the run's checkpoint.pt and writes, into the same folder, scores-test.h5, scores-val.h5 (the
held-out source videos; without rows where the split has no such part) and features.h5 (pooled
features of both). Where the network learnt to decode flow or reversed frames, examples.h5 and the
pictures in examples/ show that for a few test clips; examples.h5 has no clips for other networks.
Here, and nowhere before, test labels are read.
"""

import argparse
from pathlib import Path

from rev2net.commands import add_run_arguments, shard_indexes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser, "the run's folder, with checkpoint.pt")


def run(args: argparse.Namespace) -> None:
    from rev2net.config import EvaluateSettings, parse_settings
    from rev2net.errors import refuse_below
    from rev2net.evaluation.evaluate import accuracy_in_words, evaluate_run

    settings = parse_settings(EvaluateSettings, args.settings)
    refuse_below(args, workers=0)
    if args.workers is not None:
        compute = settings.compute.with_workers(args.workers)
        settings = settings.model_copy(update={"compute": compute})
    for scores in evaluate_run(args.folder, args.split, shard_indexes(args), settings):
        if words := accuracy_in_words(scores):
            print(words)
    if "test" in settings.parts:
        _draw_examples(args.folder)


def _draw_examples(folder: Path) -> None:
    """What examples.h5 holds, as pictures: one a clip."""
    from rev2net.files import NAME_BYTES, atomic_path, short_name
    from rev2net.runs.examples import read_examples
    from rev2net.runs.folder import RunFolder

    files = RunFolder(folder)
    examples = read_examples(files.examples)
    for old in files.pictures.glob("*.png"):
        old.unlink()
    if not examples.video_id:
        return
    from rev2net.figures.decoded_clips import clip_sheet  # slow to start, and most runs draw none

    for number, video_id in enumerate(examples.video_id):
        title = f"{video_id} ({examples.class_name[number]})"
        name = short_name(f"{number}-{video_id.replace('/', '-')}", NAME_BYTES - len(".png"))
        with atomic_path(files.pictures / f"{name}.png") as temporary:
            temporary.write_bytes(clip_sheet(title, *examples.one(number)))
