"""What a network says of any video: its classes, for the whole of it or window after window."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from rev2net.apply.subject import Subject
from rev2net.apply.windows import Windows
from rev2net.clips.dataset import Entry
from rev2net.config import ComputeSettings, TestSettings
from rev2net.datasets.listing import read_list
from rev2net.datasets.lists import read_classes
from rev2net.errors import UserError
from rev2net.evaluation.predict import predict
from rev2net.evaluation.video import VideoFile


class Moment(NamedTuple):
    """A window of a video, and what is done in it."""

    start: float  # seconds
    end: float
    probabilities: list[float]  # of every class


def ranked(subject: Subject, probabilities: Sequence[float]) -> list[tuple[str, float]]:
    """Classes and their probabilities, best first; classes without names have numbers."""
    names = subject.class_names or [f"class {n}" for n in range(len(probabilities))]
    return sorted(zip(names, probabilities, strict=True), key=lambda row: -row[1])


def predict_video(
    path: Path, subject: Subject, test: TestSettings, device: torch.device | None = None
) -> tuple[VideoFile, list[tuple[str, float]]]:
    """A decoded video, and its classes with their probabilities, best first; None: on the CPU.

    Raises VideoError where it cannot be decoded, or has too few frames for flow.
    """
    video = VideoFile(path, subject.network.input_spec.kind, subject.frames, subject.flow)
    return video, ranked(subject, whole_video(video, subject, test, device or torch.device("cpu")))


def whole_video(
    video: VideoFile, subject: Subject, test: TestSettings, device: torch.device
) -> list[float]:
    """The probability of every class, by a test protocol as datasets are scored by it."""
    shape = replace(subject.shape, length=test.length or subject.shape.length)
    compute = ComputeSettings(threads=1, loader_workers=0, precision="float32")
    entry = Entry(str(video.path), dataset="", label=-1, group="")
    prediction = predict(
        subject.network, [entry], video, shape, test, compute, device, progress=False
    )
    scores = torch.from_numpy(prediction.scores[0]).double()
    found: list[float] = (scores.softmax(0) if test.average == "logit" else scores).tolist()
    return found


def moments(path: Path, windows: Windows) -> Iterator[Moment]:
    """The windows of a video as it is decoded, which may take as long as it likes.

    Raises VideoError where it cannot be decoded.
    """
    stream = windows.stream(str(path))
    rate = 0.0

    def answer(x: Tensor) -> Tensor:
        return windows.subject.network(x).double().softmax(1)

    for number, row in enumerate(windows.rows(stream, answer)):
        assert stream.input is not None
        rate = windows.subject.frames.fps or stream.input.fps
        start = number * windows.stride
        end = min(start + windows.window, stream.num_frames)  # of a looped video, its own end
        yield Moment(start / rate, end / rate, row.tolist())


def read_class_names(path: Path) -> tuple[str, ...]:
    """Class names in the order of a network's outputs.

    A file with one a line (`label_map.txt`), numbered or not, or a CSV of videos with a column
    `label` (Kinetics' own lists): its labels, each once, in alphabetical order. Raises UserError
    for a file without names, or with one twice.
    """
    if not path.is_file():
        raise UserError(
            f"--classes: {path}: no such file; no dataset's names are shipped: give a file with a "
            "name a line (label_map.txt), or a CSV with a column label (kinetics-400_val.csv)"
        )
    lines = list(filter(str.strip, read_list(path).splitlines()))
    if "label" not in next(csv.reader(lines[:1]), []):
        return tuple(read_classes(path).values())
    names = sorted({row["label"] for row in csv.DictReader(lines) if row["label"]})
    if not names:
        raise UserError(f"--classes: {path}: no name in the column label")
    return tuple(names)
