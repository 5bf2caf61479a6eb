"""A network as files that outlive this package: `model.safetensors` and `config.json`.

The configuration names the network and its options, what it takes (layout, size, normalisation) and
its classes; the weights have the network's own parameter names.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from rev2net.errors import UserError
from rev2net.files import atomic_path, write_text
from rev2net.models import build_for
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import input_spec

FORMAT = 2
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save_exported(
    folder: Path,
    network: VideoNetwork,
    name: str,
    options: dict[str, Any],
    class_names: list[str],
    about: dict[str, Any],
) -> None:
    """Write both files; `options` are those of `build`, `about` what else the reader should know.

    The network must be on the CPU.
    """
    spec = network.input_spec
    config = {
        "format": FORMAT,
        "network": name,
        "options": {"in_channels": spec.channels, **options},
        "input": asdict(spec),
        "classes": class_names,
        **about,
    }
    state = {key: tensor.contiguous() for key, tensor in network.state_dict().items()}
    with atomic_path(folder / WEIGHTS) as temporary:
        save_file(state, temporary, {"format": "pt"})
    write_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def load_exported(folder: Path) -> tuple[VideoNetwork, dict[str, Any]]:
    """The network, in evaluation mode on the CPU, and the content of its `config.json`.

    Raises UserError, naming the file, where one is absent, damaged or of another network.
    """
    try:
        config: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        state = load_file(folder / WEIGHTS)
    except OSError as error:
        name = error.filename or folder / WEIGHTS
        raise UserError(f"{name}: {error.strerror or 'no such file'}") from None
    except ValueError as error:
        raise UserError(f"{folder / CONFIG}: not JSON ({error})") from None
    except SafetensorError as error:
        raise UserError(f"{folder / WEIGHTS}: damaged ({error})") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise UserError(f"{folder / CONFIG}: not an exported network of format {FORMAT}")
    try:
        network = _build(config)
        network.load_state_dict(state)
    except (KeyError, TypeError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UserError(f"{folder}: weights and configuration do not fit ({reason})") from None
    return network.eval(), config


def _build(config: dict[str, Any]) -> VideoNetwork:
    """The network that a `config.json` names, with fresh weights."""
    spec = input_spec(config["network"], config["input"]["modality"])
    options = {key: value for key, value in config["options"].items() if key != "in_channels"}
    width = options.pop("width")
    return build_for(spec, config["network"], len(config["classes"]), width, options)
