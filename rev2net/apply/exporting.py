"""A finished run as a folder to give away: weights, configuration and a model card."""

from pathlib import Path
from typing import Any

from rev2net.apply.subject import of_run
from rev2net.evaluation import metrics
from rev2net.experiments import INPUT_LABELS, method_label
from rev2net.files import write_text
from rev2net.models.exported import save_exported
from rev2net.runs.checkpoint import TrainedRun, load_trained
from rev2net.runs.folder import RunFolder
from rev2net.runs.scores import read_scores

CARD = """# {label} on {input_label}

A network for action recognition in videos, trained by rev2net (a reimplementation of "Multi-Task
Learning of Generalizable Representations for Video Action Recognition", ICME 2020, and of the
methods it is compared with).

- **Network**: `{network}`, {parameters:.1f} million parameters
- **Input**: {input_words}
- **Classes** ({count}): {classes}
- **Trained on**: {benchmark}, split {split}, seed {seed}, start {init}, adaptation {adapt}
- **Accuracy**: {accuracy}
- **Provenance**: configuration `{configuration}`, run `{run}`, checkpoint sha256 `{digest}`

```python
from rev2net.runs import load

network, about = load("{folder}")  # about["classes"] names the logits
```

It knows its classes and nothing else: of any other video it names one of them all the same. The
licences of the videos it was trained on apply.
"""


def export_run(source: Path, folder: Path) -> None:
    """Write `model.safetensors`, `config.json` and `README.md` of a run's folder or checkpoint.

    Raises UserError where it is no run.
    """
    trained, subject = load_trained(source), of_run(source)
    settings = trained.settings
    clip = settings.clip
    about: dict[str, Any] = {
        "clip": {"length": clip.length, "stride": clip.stride, "size": clip.size},
        "frames": subject.frames.model_dump(mode="json"),
        "flow": subject.flow.model_dump(mode="json"),
        "test": subject.test.model_dump(mode="json"),
        "provenance": {
            "run": settings.run.path,
            "configuration": settings.configuration,
            "checkpoint": trained.digest,
            "split_digest": trained.split_digest,
        },
    }
    options = {"width": settings.network.width, **settings.network.options}
    save_exported(
        folder, trained.network, settings.network_name, options, trained.class_names, about
    )
    write_text(folder / "README.md", _card(trained, source, folder))


def _card(trained: TrainedRun, source: Path, folder: Path) -> str:
    settings, spec = trained.settings, trained.network.input_spec
    clip = settings.clip
    return CARD.format(
        **vars(settings.run),
        label=method_label(settings.run.method),
        network=settings.network_name,
        input_label=INPUT_LABELS[settings.run.input],
        input_words=f"{spec.layout} float32, {clip.length} {spec.time_axis} of "
        f"{clip.size}x{clip.size} pixels, {spec.channels} channels, (value - {spec.mean}) / "
        f"{spec.std}",
        parameters=sum(p.numel() for p in trained.network.parameters()) / 1e6,
        count=len(trained.class_names),
        classes=", ".join(trained.class_names),
        accuracy=_accuracy(source),
        configuration=settings.configuration,
        run=settings.run.path,
        digest=trained.digest,
        folder=folder,
    )


def _accuracy(source: Path) -> str:
    """On the test videos, where the run has been evaluated."""
    path = RunFolder(source if source.is_dir() else source.parent).scores("test")
    if not path.is_file():
        return "not evaluated"
    scores = read_scores(path)
    top1 = metrics.topk(scores.scores, scores.label, 1)
    return f"{top1:.1f} % of {len(scores)} test videos ({scores.benchmark}, {scores.protocol})"
