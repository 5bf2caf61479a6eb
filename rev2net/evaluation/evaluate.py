"""One trained run on its held-out videos: scores, features, and what its decoders make of clips.

Here, and nowhere before, test labels are read.
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rev2net.clips.dataset import Entry, ShardIndexes, Shards, read_split
from rev2net.config import EvaluateSettings, run_digest
from rev2net.device import claim_device
from rev2net.digests import file_digest, read_json
from rev2net.errors import UserError
from rev2net.evaluation.decode import decode_examples
from rev2net.evaluation.metrics import top1
from rev2net.evaluation.predict import Prediction, predict, protocol_in_words
from rev2net.own_code import edited
from rev2net.provenance import commit
from rev2net.runs.checkpoint import TrainedRun, clip_shape, load_trained
from rev2net.runs.examples import write_examples
from rev2net.runs.features import Features, write_features
from rev2net.runs.folder import RunFolder
from rev2net.runs.scores import Scores, write_scores


def evaluate_run(
    folder: Path, split: Path, shard_indexes: ShardIndexes, settings: EvaluateSettings
) -> list[Scores]:
    """Score the parts of a split that the settings name, and write what `folder` has of them.

    `shard_indexes` has those of each dataset, of the kinds that the run reads. Returns what was
    written of each part. Raises UserError where the run was trained on another version of the
    split.
    """
    torch.set_num_threads(settings.compute.threads)
    trained = load_trained(folder)
    if trained.split_digest != file_digest(split):
        raise UserError(f"{folder}: trained on another version of {split}; train again")
    if (file := edited(trained.settings.own_code)) is not None:
        raise UserError(f"{folder}: trained with another version of {file}; train again")
    files, parts = RunFolder(folder), read_split(split, settings.parts)
    entries = [entry for part in settings.parts for entry in parts[part]]
    spec, of_training = trained.network.input_spec, trained.settings
    shape = clip_shape(spec, (spec.kind,), of_training, settings.test.length)
    shards = Shards.open(shard_indexes, shape.kinds, of_training.frames, of_training.flow_bound)
    with claim_device() as device:
        network = trained.network.to(device)
        prediction = predict(
            network, entries, shards, shape, settings.test, settings.compute, device
        )
        if "test" in parts:
            examples = decode_examples(trained, parts["test"], shard_indexes, device)
            write_examples(files.examples, examples)
    scores = list(_scores(trained, settings, split, parts, prediction, _trained_by(files)))
    for one in scores:
        write_scores(files.scores(one.part), one)
    features = Features(
        prediction.features,
        [entry.video_id for entry in entries],
        np.array([entry.label for entry in entries]),
        [entry.dataset for entry in entries],
        [part for part in settings.parts for _ in parts[part]],
    )
    write_features(files.features, features)
    return scores


def accuracy_in_words(scores: Scores) -> str:
    """For example "test: top-1 71.3 % of 80"; empty without videos."""
    if not len(scores):
        return ""
    return f"{scores.part}: top-1 {top1(scores.scores, scores.label):.1f} % of {len(scores)}"


def _scores(
    trained: TrainedRun,
    settings: EvaluateSettings,
    split: Path,
    parts: dict[str, list[Entry]],
    prediction: Prediction,
    trained_by: str,
) -> Iterator[Scores]:
    """The scores file of each part; `trained_by` is the commit of the training."""
    summary, start = read_json(split.with_suffix(".json")), 0
    for part in settings.parts:
        entries = parts[part]
        yield Scores(
            scores=prediction.scores[start : start + len(entries)],
            video_id=[entry.video_id for entry in entries],
            label=np.array([entry.label for entry in entries], dtype=np.int64),
            group=[entry.group for entry in entries],
            class_names=trained.class_names,
            part=part,
            configuration=settings.configuration,
            protocol=f"{summary['protocol']}; {protocol_in_words(settings.test)}",
            space=settings.test.average,
            videos_expected=int(summary["parts"].get(part, {}).get("expected", 0)),
            checkpoint=trained.digest,
            split_digest=trained.split_digest,
            class_map=_class_map_in_words(summary),
            settings=run_digest(trained.settings, settings),
            commit=",".join(dict.fromkeys([trained_by, commit()])),
            notes="; ".join(summary["notes"]),
            **asdict(trained.settings.run),
        )
        start += len(entries)


def _trained_by(files: RunFolder) -> str:
    """The commit that trained the run."""
    return str(read_json(files.record)["commit"]) if files.record.exists() else "unknown"


def _class_map_in_words(summary: dict[str, Any]) -> str:
    """Map, set and version of the classes of a split; nothing inside one dataset."""
    if not summary.get("class_map"):
        return ""
    class_set = summary["class_set"] or "all"
    return f"{summary['class_map']} {class_set} {summary['class_map_digest']}"
