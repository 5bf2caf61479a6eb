"""Score the held-out videos of one trained run.

Reads the run's checkpoint.pt and writes, into the same folder, scores-test.h5, scores-val.h5 (the
held-out source videos; without rows where the split has no such part) and features.h5 (pooled
features of both). Where the network learnt to decode flow or reversed frames, examples.h5 and the
pictures in examples/ show that for a few test clips; examples.h5 has no clips for other networks.
Here, and nowhere before, test labels are read.
"""

import argparse
from typing import TYPE_CHECKING, Any

from rev2net.commands import (
    add_run_arguments,
    class_map_in_words,
    dataset_paths,
    read_split_summary,
)

if TYPE_CHECKING:
    from rev2net.clips.dataset import Entry
    from rev2net.config import EvaluateSettings
    from rev2net.evaluation.predict import Prediction
    from rev2net.runs.checkpoint import TrainedRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run_arguments(parser, "the run's folder, with checkpoint.pt")


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import torch

    from rev2net.clips.dataset import Shards, read_split
    from rev2net.config import EvaluateSettings, parse_settings
    from rev2net.device import claim_device
    from rev2net.digests import file_digest, read_json
    from rev2net.errors import UserError
    from rev2net.evaluation.metrics import topk
    from rev2net.evaluation.predict import predict
    from rev2net.runs.checkpoint import clip_shape, load_trained
    from rev2net.runs.features import Features, write_features
    from rev2net.runs.scores import write_scores

    settings = parse_settings(EvaluateSettings, args.settings)
    torch.set_num_threads(settings.compute.threads)
    trained = load_trained(args.folder)
    if trained.split_digest != file_digest(args.split):
        raise UserError(f"{args.folder}: trained on another version of {args.split}; train again")
    summary = read_split_summary(args.split)
    record = args.folder / "run.json"
    trained_by = str(read_json(record)["commit"]) if record.exists() else "unknown"
    spec = trained.network.input_spec
    shape = clip_shape(spec, (spec.kind,), trained.settings, settings.test.length)
    shards = Shards.open(
        dataset_paths(args.shards),
        shape.kinds,
        trained.settings.frames,
        trained.settings.flow_bound,
    )

    parts = read_split(args.split, settings.parts)
    entries = [entry for part in settings.parts for entry in parts[part]]
    with claim_device() as device:
        network = trained.network.to(device)
        prediction = predict(
            network, entries, shards, shape, settings.test, settings.compute, device
        )
        if "test" in parts:
            _write_examples(args, trained, parts["test"], device)
    start = 0
    for part in settings.parts:
        rows = slice(start, start + len(parts[part]))
        scores = _scores(
            trained,
            settings,
            summary,
            part,
            parts[part],
            prediction,
            rows,
            file_digest(args.split),
            trained_by,
        )
        write_scores(args.folder / f"scores-{part}.h5", scores)
        if len(scores):
            print(f"{part}: top-1 {topk(scores.scores, scores.label, 1):.1f} % of {len(scores)}")
        start = rows.stop
    write_features(
        args.folder / "features.h5",
        Features(
            prediction.features,
            [entry.video_id for entry in entries],
            np.array([entry.label for entry in entries]),
            [entry.dataset for entry in entries],
            [part for part in settings.parts for _ in parts[part]],
        ),
    )


def _write_examples(
    args: argparse.Namespace, trained: "TrainedRun", entries: "list[Entry]", device: Any
) -> None:
    """The decoders' pictures of a few held-out clips; without decoders, a file without clips."""
    from rev2net.clips.dataset import Shards
    from rev2net.evaluation.decode import decode_examples
    from rev2net.figures.decoded_clips import clip_sheet
    from rev2net.files import NAME_BYTES, atomic_path, short_name
    from rev2net.runs.checkpoint import clip_shape
    from rev2net.runs.examples import Examples, write_examples

    settings, run = trained.settings, trained.settings.run
    decoders = [term for term in ("flow", "frames") if getattr(settings.loss, term) > 0]
    examples = Examples(run)
    if decoders:
        kinds = ("rgb", "flow") if "flow" in decoders else ("rgb",)
        examples = decode_examples(
            trained.network,
            run,
            entries,
            trained.class_names,
            Shards.open(dataset_paths(args.shards), kinds, settings.frames, settings.flow_bound),
            clip_shape(trained.network.input_spec, kinds, settings),
            settings.clip.size,
            settings.flow_bound,
            trained.flow_unit,
            decoders,
            device,
        )
    write_examples(args.folder / "examples.h5", examples)
    pictures = args.folder / "examples"
    for old in pictures.glob("*.png"):
        old.unlink()
    for number, video_id in enumerate(examples.video_id):
        title = f"{video_id} ({examples.class_name[number]})"
        name = short_name(f"{number}-{video_id}", NAME_BYTES - len(".png"))
        with atomic_path(pictures / f"{name}.png") as temporary:
            temporary.write_bytes(clip_sheet(title, *examples.one(number)))


def _scores(
    trained: "TrainedRun",
    settings: "EvaluateSettings",
    summary: dict[str, Any],
    part: str,
    entries: "list[Entry]",
    prediction: "Prediction",
    rows: slice,
    split_digest: str,
    trained_by: str,
) -> Any:
    """The scores file of one part; `trained_by` is the commit of the training."""
    import numpy as np

    from rev2net.evaluation.predict import protocol_in_words
    from rev2net.experiments import run_digest
    from rev2net.provenance import commit
    from rev2net.runs.scores import Scores

    test = settings.test
    return Scores(
        scores=prediction.scores[rows],
        video_id=[entry.video_id for entry in entries],
        label=np.array([entry.label for entry in entries], dtype=np.int64),
        group=[entry.group for entry in entries],
        class_names=trained.class_names,
        part=part,
        configuration=settings.configuration,
        protocol=f"{summary['protocol']}; {protocol_in_words(test)}",
        space=test.average,
        videos_expected=int(summary["parts"].get(part, {}).get("expected", 0)),
        checkpoint=trained.digest,
        split_digest=split_digest,
        class_map=class_map_in_words(summary),
        settings=run_digest(trained.settings, settings),
        commit=",".join(dict.fromkeys([trained_by, commit()])),
        **trained.identity,
    )
