"""Checkpoints to start from: into our parameter names, with a report of what went where.

Recognised by their names: our own runs; the public I3D (same names as ours); torchvision's
GoogLeNet (inflated into I3D), ResNet-50 and r3d_18; the Caffe BN-Inception port; TSN's and TSM's
public checkpoints. A checkpoint for RGB starts a network for flow or differences by cross-modality
initialisation (TSN, section 3.2).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from rev2net.digests import file_digest
from rev2net.errors import UserError
from rev2net.models.network import VideoNetwork

State = dict[str, Tensor]

HEADS = ("logits.", "classifier.", "fc.", "head_28.", "head_14.", "head_7.")
DECODING = ("flow_", "frame_", "junction_")  # Rev2Net's parts beside its I3D
_GOOGLENET_STEM = {"conv1": "Conv3d_1a_7x7", "conv2": "Conv3d_2b_1x1", "conv3": "Conv3d_2c_3x3"}
_GOOGLENET_BRANCHES = {
    "branch1": "b0",
    "branch2.0": "b1a",
    "branch2.1": "b1b",
    "branch3.0": "b2a",
    "branch3.1": "b2b",
    "branch4.1": "b3b",
}
# What the Caffe network was trained on: blue, green, red in 0..255 minus these means.
_CAFFE_MEAN_BGR = (104.0, 117.0, 128.0)


def superseded(state: Mapping[str, Tensor]) -> str:
    """What a Rev2Net checkpoint has that is no longer built, in words; empty for all others.

    Its Gaussians once stood on the pooled features, one a clip, where they could not say when; they
    are one a position now. Its flow decoder once read motion from single positions of Conv3d_2c.
    """
    old = [key for key in state if "_latent.gaussian." in key]
    if old:
        return f"a Rev2Net with one latent a clip ({old[0]}), now one a position"
    if (old_join := "flow_decoder.join.weight") in state:
        return f"a Rev2Net with one convolution where Conv3d_2c joins ({old_join}), now two"
    return ""


@dataclass
class LoadReport:
    """Which parameters a checkpoint gave, by our names unless said."""

    checkpoint: str  # the file and, of our own, the run that made it
    used: list[str] = field(default_factory=list)  # renamed ones too
    renamed: dict[str, str] = field(default_factory=dict)  # the checkpoint's name: ours
    reset: list[str] = field(default_factory=list)  # heads for other classes, left fresh
    missing: list[str] = field(default_factory=list)  # not in the checkpoint, left fresh
    left_over: list[str] = field(default_factory=list)  # the checkpoint's names

    def __str__(self) -> str:
        """The counts in one line, then a line for every parameter that is not used as it is."""
        names = ("used", "renamed", "reset", "missing", "left_over")
        counts = [f"{name.replace('_', ' ')} {len(getattr(self, name))}" for name in names]
        lines = [f"{self.checkpoint}: {', '.join(counts)}"]
        for name in ("left_over", "missing", "reset"):
            lines += [f"{name.replace('_', ' ')}: {key}" for key in getattr(self, name)]
        lines += [f"renamed: {theirs} -> {ours}" for theirs, ours in self.renamed.items()]
        return "\n".join(lines)


def load_weights(
    model: VideoNetwork,
    checkpoint: str | Path | Mapping[str, Tensor],
    *,
    sha256: str | None = None,
    partial: bool = False,
    class_names: Sequence[str] | None = None,
) -> LoadReport:
    """Fill a network from a checkpoint, a file or its tensors, in place.

    A head for other classes is left fresh and reported: one of another size and, where
    `class_names` are given and the checkpoint has its own, one of other names. Anything else that
    the checkpoint lacks, or has in another shape, is a UserError unless `partial` is true and it is
    trained afterwards; what is left over in the checkpoint is reported only. Files are read as
    tensors: nothing in them is executed; one whose SHA-256 does not begin with `sha256` is a
    UserError.
    """
    if isinstance(checkpoint, Mapping):
        state, name, its_classes = dict(checkpoint), "checkpoint", None
    else:
        state, name, its_classes = _read(Path(checkpoint), sha256)
    other_classes = class_names is not None and its_classes not in (None, list(class_names))
    wanted = model.state_dict()
    converted, origin = _to_our_names(state, model)
    report = LoadReport(name)
    given: State = {}
    for key, tensor in wanted.items():
        if key not in converted:
            if not key.endswith("num_batches_tracked"):  # older checkpoints lack these counters
                report.missing.append(key)
            continue
        found = converted[key].reshape(-1) if tensor.ndim == 1 else converted[key]
        if key.startswith(HEADS) and (other_classes or found.shape != tensor.shape):
            report.reset.append(key)
        elif found.shape == tensor.shape:
            given[key] = found
            report.used.append(key)
            if origin[key] != key:
                report.renamed[origin[key]] = key
        elif partial:
            report.missing.append(key)
        else:
            raise UserError(
                f"{name}: {origin[key]!r} has shape {tuple(found.shape)}; "
                f"{type(model).__name__} needs {tuple(tensor.shape)}"
            )
    taken = {origin[key] for key in (*report.used, *report.reset)}
    report.left_over = [key for key in state if key not in taken]
    lacking = [key for key in report.missing if not key.startswith(HEADS)]
    remedy = "allow a partial match or give another checkpoint"
    if partial and report.used:
        # What training leaves as it is would stay random.
        frozen = {key for key, weight in model.named_parameters() if not weight.requires_grad}
        lacking = [key for key in lacking if key in frozen]
        remedy = "they are frozen: give a checkpoint that has them, in their shapes"
    if lacking or not report.used:
        first = lacking[0] if lacking else report.missing[0]
        raise UserError(
            f"{name}: {len(lacking)} of {len(wanted)} parameters of {type(model).__name__} are "
            f"missing, {first!r} first; {remedy}"
        )
    model.load_state_dict(given, strict=False)
    return report


def classes_and_channels(path: str | Path) -> tuple[int, int]:
    """The classes of the classifier in a checkpoint, and the channels of its first convolution.

    Raises UserError where it lacks one of them.
    """
    state = _read(Path(path), None)[0]
    heads = (*HEADS, "new_fc.")
    classes = [
        len(tensor)
        for key, tensor in state.items()
        if key.removeprefix("module.").startswith(heads) and tensor.ndim > 1
    ]
    channels = [tensor.shape[1] for tensor in state.values() if tensor.ndim > 3]
    if not classes or not channels:
        raise UserError(
            f"{path}: holds no classifier of videos; needed: convolutions and one of "
            f"{', '.join(heads)}"
        )
    return classes[0], channels[0]


def _read(path: Path, sha256: str | None) -> tuple[State, str, list[str] | None]:
    """The tensors of a file, its name in messages and, where it is our own, its classes."""
    if not path.is_file():
        raise UserError(
            f"{path}: no such checkpoint; put it there, give initial_weights a url, from which the "
            "workflow downloads it, or use init scratch"
        )
    if sha256 is not None and not (found := file_digest(path)).startswith(sha256):
        raise UserError(f"{path}: sha256 is {found}; the configuration asks {sha256}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever unpickling a file of another kind may raise
        raise UserError(f"{path}: not a checkpoint ({type(error).__name__})") from None
    name, class_names = str(path), None
    if isinstance(content, dict) and "identity" in content:  # a checkpoint.pt of ours
        words = content["identity"]
        name += f" ({words['method']} on {words['input']}, {words['benchmark']})"
        class_names = content["class_names"]
    for wrapper in ("state_dict", "model", "network"):
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise UserError(f"{path}: holds no dictionary of tensors")
    return content, name, class_names


def _to_our_names(state: State, model: VideoNetwork) -> tuple[State, dict[str, str]]:
    """The tensors under our names and shapes; the checkpoint's name of each."""
    names = {key: key.removeprefix("module.") for key in state}
    plain = set(names.values())
    rename: Callable[[str], str] = str  # our own names, or those that we took over
    if "inception3a.branch1.conv.weight" in plain:
        rename = _from_googlenet
    elif any(key.startswith("base_model.") for key in plain):
        rename = _from_tsn
    elif "conv1_7x7_s2.weight" in plain or "layer4.2.conv3.weight" in plain:
        rename = "backbone.{}".format
    wanted = model.state_dict()
    if superseded(state):  # the encoder alone is the same network
        names = {key: name for key, name in names.items() if not name.startswith(DECODING)}
    converted, origin = {}, {}
    for theirs, key in names.items():
        ours = rename(key)
        if ours in wanted:
            converted[ours], origin[ours] = state[theirs], theirs
    if rename is not str and "backbone.conv1_7x7_s2.weight" in converted:
        _from_caffe_input(converted, model)
    for ours, tensor in converted.items():
        target = wanted[ours].shape
        if tensor.ndim == 4 and len(target) == 5:
            tensor = inflate(tensor, target[2])
        if tensor.ndim > 2 and tensor.shape[2:] == target[2:]:
            tensor = cross_modality(tensor, target[1])
        converted[ours] = tensor
    return converted, origin


def _from_googlenet(key: str) -> str:
    """torchvision's GoogLeNet: its inception3a is I3D's Mixed_3b, and so on."""
    key = key.replace(".conv.", ".conv3d.")
    stem, _, rest = key.partition(".")
    if stem in _GOOGLENET_STEM:
        return f"{_GOOGLENET_STEM[stem]}.{rest}"
    match = re.fullmatch(r"inception(\d)([a-e])\.(branch\d(?:\.\d)?)\.(conv3d|bn)\.(.+)", key)
    if match is None:
        return key
    level, letter, branch, layer, rest = match.groups()
    return f"Mixed_{level}{chr(ord(letter) + 1)}.{_GOOGLENET_BRANCHES[branch]}.{layer}.{rest}"


def _from_tsn(key: str) -> str:
    """TSN's and TSM's own checkpoints; TSM wraps the shifted convolution in a `net`."""
    key = key.replace("base_model.", "backbone.").replace("new_fc.", "classifier.")
    return key.replace(".net.", ".")


def inflate(weight: Tensor, time: int) -> Tensor:
    """A filter (O, I, H, W) repeated over time and divided by its length: (O, I, T, H, W).

    On a video of equal frames it answers like the original (Carreira and Zisserman 2017).
    """
    return weight.unsqueeze(2).repeat(1, 1, time, 1, 1) / time


def cross_modality(weight: Tensor, in_channels: int) -> Tensor:
    """RGB filters for other inputs: their mean over the 3 channels, replicated (TSN, 3.2)."""
    if weight.shape[1] == in_channels or weight.shape[1] != 3:
        return weight
    return weight.mean(1, keepdim=True).expand(-1, in_channels, *weight.shape[2:]).clone()


def _from_caffe_input(state: State, model: VideoNetwork) -> None:
    """Fold the Caffe network's preprocessing into its first convolution, in place.

    It read blue, green, red in 0..255 minus a mean, flow as bytes minus 128; ours reads what the
    input specification says. Only zero padding at the image's border is not the same thing.
    """
    weight, bias = "backbone.conv1_7x7_s2.weight", "backbone.conv1_7x7_s2.bias"
    spec, filters = model.input_spec, state[weight]
    if filters.shape[1] == 3:
        filters = filters.flip(1)  # to red, green, blue
    if spec.modality == "rgb":
        scale = filters.new_tensor(spec.std) * 255
        offset = filters.new_tensor(spec.mean) * 255 - filters.new_tensor(_CAFFE_MEAN_BGR).flip(0)
        state[bias] = state[bias] + (filters.sum((2, 3)) * offset).sum(1)
        state[weight] = filters * scale[:, None, None]
    else:
        unit = 127 if spec.modality == "flow" else 255  # bytes per bound; per unit of difference
        state[weight] = filters * (unit * spec.std[0])
