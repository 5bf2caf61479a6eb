"""The network that is asked about videos: a finished run, or published weights without one."""

from dataclasses import dataclass
from pathlib import Path

from rev2net.clips.dataset import ClipShape
from rev2net.config import FlowSettings, FramesSettings, TestSettings, usual_frames
from rev2net.config import load as load_configuration
from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.experiments import INPUT_LABELS, evaluate_settings, method_label
from rev2net.flow.parameters import default_settings
from rev2net.models import build_for, exported
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import input_spec
from rev2net.models.weights import classes_and_channels, load_weights
from rev2net.processes import num_cores
from rev2net.runs.checkpoint import clip_shape, load_trained
from rev2net.runs.folder import WorkFolder


@dataclass(frozen=True)
class Subject:
    """A network with what it takes and what it knows."""

    network: VideoNetwork  # in evaluation mode, on the CPU
    shape: ClipShape  # how its clips are cut in time
    size: int  # pixels a side of its input
    frames: FramesSettings  # how videos are decoded for it
    flow: FlowSettings
    class_names: tuple[str, ...]  # empty where nobody says
    words: str  # what it is and what it was trained on, for people
    digest: str  # sha256 of its weights' file
    test: TestSettings  # how its scores of a video are averaged
    threads: int  # of torch


def of_run(folder: Path, configuration: Path | None = None) -> Subject:
    """The network of a run's folder or checkpoint, or of a folder that `rev2net export` wrote.

    A run is tested as its configuration says.

    The configuration is the one given or, of a run in work/<name>, the one that the workflow left
    there. Without one, one centre crop of one clip is scored, on flow with OpenCV's parameters.
    Raises UserError where it is no run.
    """
    if (folder / exported.CONFIG).is_file():
        return _of_exported(folder)
    trained = load_trained(folder)
    path = configuration or _configuration_beside(folder)
    config = None if path is None else load_configuration(path)
    settings, spec = trained.settings, trained.network.input_spec
    flow = default_settings(settings.flow_bound)
    test = _one_view(settings.clip.size)
    frames, synthetic = settings.frames, ""
    if config is not None:
        frames = frames.model_copy(update={"time_limit": config.frames.time_limit})
        test = evaluate_settings(settings.run, config).test
        flow = config.flow.model_copy(update={"bound": settings.flow_bound})
        synthetic = " (synthetic videos)" if config.mini is not None else ""
    run = settings.run
    return Subject(
        trained.network,
        clip_shape(spec, (spec.kind,), settings),
        settings.clip.size,
        frames,
        flow,
        tuple(trained.class_names),
        f"{method_label(run.method)} on {INPUT_LABELS[run.input]}, "
        f"{len(trained.class_names)} classes, trained on {run.benchmark} of configuration "
        f"{settings.configuration!r}{synthetic}",
        trained.digest,
        test,
        settings.compute.threads,
    )


def of_weights(
    name: str, path: Path, modality: str = "rgb", class_names: tuple[str, ...] = ()
) -> Subject:
    """A network by its name with a checkpoint in a layout that `models.weights` knows.

    It takes clips of its published length and size. Raises UserError where the checkpoint does not
    fit, or is of another number of classes than the names given.
    """
    spec = input_spec(name, modality)
    count, channels = classes_and_channels(path)
    if channels != spec.channels:
        raise UserError(
            f"{path}: takes {channels} channels; {name} on {modality} takes {spec.channels}"
        )
    if class_names and len(class_names) != count:
        raise UserError(
            f"{path}: a classifier of {count} classes; {len(class_names)} names are given"
        )
    network = build_for(spec, name, count, 1.0, {})
    load_weights(network, path)
    return Subject(
        network.eval(),
        ClipShape((spec.kind,), spec.time_axis == "segments", spec.length, images=spec.images),
        spec.size,
        usual_frames(short_side=256),
        default_settings(20.0),
        class_names,
        f"{method_label(name)} on {INPUT_LABELS[modality]}, {count} classes",
        file_digest(path),
        _one_view(spec.size),
        num_cores(),
    )


def _of_exported(folder: Path) -> Subject:
    """Tested as the run was, on flow as the run's was."""
    network, about = exported.load_exported(folder)
    spec, clip, origin = network.input_spec, about["clip"], about["provenance"]
    segments = spec.time_axis == "segments"
    shape = ClipShape((spec.kind,), segments, clip["length"], clip["stride"], spec.images)
    return Subject(
        network,
        shape,
        clip["size"],
        FramesSettings.model_validate(about["frames"]),
        FlowSettings.model_validate(about["flow"]),
        tuple(about["classes"]),
        f"{method_label(about['network'])} on {INPUT_LABELS[spec.modality]}, "
        f"{len(about['classes'])} classes, trained as {origin['run']} of configuration "
        f"{origin['configuration']!r}",
        origin["checkpoint"],
        TestSettings.model_validate(about["test"]),
        num_cores(),
    )


def _one_view(size: int) -> TestSettings:
    return TestSettings(clips=1, crops=1, size=size, average="logit")


def _configuration_beside(source: Path) -> Path | None:
    """The configuration that the workflow keeps in work/<name>, of a run in work/<name>/runs."""
    for folder in source.resolve().parents:
        config = WorkFolder(folder.parent).config
        if folder.name == "runs" and config.is_file():
            return config
    return None
