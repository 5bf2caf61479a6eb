"""The training loop: one run from its split and shards to `checkpoint.pt`.

A step takes labelled source clips and, for domain adaptation, as many unlabelled target clips;
both pass the network together. The state is saved every few steps and on SIGTERM; a training that
was interrupted anywhere continues to the same weights.
"""

import json
import platform
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from rev2net import __version__
from rev2net.clips.dataset import (
    Augmentation,
    DrawSampler,
    Entry,
    Sample,
    Shards,
    TrainingClips,
    read_split,
)
from rev2net.clips.transforms import to_batch, to_input
from rev2net.config import TrainSettings
from rev2net.errors import UserError
from rev2net.experiments import METHODS, STAGE_VERSIONS, Run
from rev2net.files import write_text
from rev2net.models.network import VideoNetwork
from rev2net.models.spec import input_spec
from rev2net.models.weights import load_weights
from rev2net.provenance import commit
from rev2net.training import checkpoint
from rev2net.training.device import claim_device
from rev2net.training.log import TrainingLog
from rev2net.training.objective import Objective, Targets
from rev2net.training.optimiser import build_optimiser, learning_rate
from rev2net.training.trained import build_network, clip_shape, save_trained

INTERRUPTED = 75  # exit code of a saved, unfinished training (EX_TEMPFAIL: try again)
LINES = 60  # of metrics.jsonl, about


class Interrupted(Exception):
    """SIGTERM arrived; the state is saved."""


def train(
    settings: TrainSettings,
    identity: dict[str, Any],
    split: Path,
    shard_folders: dict[str, Path],
    class_names: Sequence[str],
    folder: Path,
) -> None:
    """Train one run into `folder`; `identity` holds the words of the run (method, input, …).

    `shard_folders` has, for each dataset, the folder with its rgb.index and flow.index.

    Raises UserError for a split without training videos or a loss that is not finite, and
    Interrupted after SIGTERM.
    """
    torch.set_num_threads(settings.compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # A debugging aid of that mode, which costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    with claim_device() as device:
        run = _Run(settings, identity, split, shard_folders, class_names, folder, device)
        run.train()


class _Run:
    """The pieces of one training, built in the order in which data passes them."""

    def __init__(
        self,
        settings: TrainSettings,
        identity: dict[str, Any],
        split: Path,
        shard_folders: dict[str, Path],
        class_names: Sequence[str],
        folder: Path,
        device: torch.device,
    ) -> None:
        self.settings, self.identity, self.folder, self.device = settings, identity, folder, device
        self.class_names = list(class_names)
        self.adapts = identity["adapt"] != "none"
        self.seed = int(identity["seed"])
        self.commit = commit()  # of the code that trains, whatever is committed meanwhile
        self.split = split
        parts = read_split(split, ("train", "target_unlabelled"))
        self.source = _required(parts["train"], split, "train")
        self.target = (
            _required(parts["target_unlabelled"], split, "target_unlabelled") if self.adapts else []
        )
        self.spec = input_spec(identity["method"], identity["input"])
        self.kinds = (self.spec.modality, *(["flow"] if settings.loss.flow > 0 else []))
        self.shards = Shards.open(shard_folders, self.kinds, settings.frames, settings.flow_bound)
        checkpoint.seed_everything(self.seed)
        network = build_network(settings, identity, len(class_names))
        if identity["init"] != "scratch":
            _initialise(network, settings)
        self.network = network.to(device)
        self.objective = Objective(
            settings.loss, identity["adapt"], _feature_size(self.network, settings, device)
        ).to(device)
        self.optimiser = build_optimiser([self.network, self.objective], settings.optimisation)
        self.stopping = False

    def train(self) -> None:
        optimisation = self.settings.optimisation
        first_step, log_state = self._resume()
        started = time.time()
        log = TrainingLog(
            self.folder / "last.jsonl",
            optimisation.steps,
            first_step,
            every=max(1, optimisation.steps // LINES),
        )
        if log_state is not None:
            log.restore(log_state)
        previous = signal.signal(signal.SIGTERM, self._stop)
        try:
            self._steps(first_step, log)
        finally:
            signal.signal(signal.SIGTERM, previous)
            log.close()
        self._finish(time.time() - started)

    def _steps(self, first_step: int, log: TrainingLog) -> None:
        optimisation = self.settings.optimisation
        self.network.train()
        batches = self._batches(first_step)
        for step in range(first_step, optimisation.steps):
            begun = time.perf_counter()
            source, target = next(batches)
            waited = time.perf_counter() - begun
            rate = learning_rate(step, optimisation)
            for group in self.optimiser.param_groups:
                group["lr"] = rate

            x, targets = self._to_device(source, target)
            decode_first = None if self.settings.loss.decoders_on_target else len(source)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self._uses_bfloat16()):
                outputs = self.network.forward_train(x, decode_first=decode_first)
                terms = self.objective.terms(outputs, targets, step / optimisation.steps)
            loss = self.objective.total(terms)

            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            if optimisation.clip_gradient is not None:
                trained = (*self.network.parameters(), *self.objective.parameters())
                nn.utils.clip_grad_norm_(trained, optimisation.clip_gradient)
            self.optimiser.step()

            logits = outputs["logits"]
            assert isinstance(logits, Tensor)
            correct = (logits[: len(source)].argmax(1) == targets.labels).float().mean()
            values = {
                "loss": loss.item(),
                **{name: value.item() for name, value in terms.items()},
                "top1": 100.0 * correct.item(),
                "seconds": time.perf_counter() - begun,
                "data_seconds": waited,
            }
            log.step(step, values, lr=rate)
            if self.stopping:
                self._save_state(step + 1, log)
                raise Interrupted
            if (step + 1) % optimisation.checkpoint_every == 0 and step + 1 < optimisation.steps:
                self._save_state(step + 1, log)

    def _batches(self, first_step: int) -> Iterator[tuple[list[Sample], list[Sample]]]:
        source = self._loader(self.source, self.kinds, first_step, stream=0)
        if not self.adapts:
            return ((batch, []) for batch in source)
        kinds = self.kinds if self.settings.loss.decoders_on_target else self.kinds[:1]
        target = self._loader(self.target, kinds, first_step, stream=1)
        return zip(source, target, strict=True)

    def _loader(
        self, entries: Sequence[Entry], kinds: tuple[str, ...], first_step: int, stream: int
    ) -> DataLoader[Sample]:
        clip, optimisation = self.settings.clip, self.settings.optimisation
        seed = 2 * self.seed + stream
        shape = clip_shape(self.spec, kinds, self.settings)
        augmentation = Augmentation(clip.scales, clip.distortion, clip.corners, clip.flip)
        return DataLoader(
            TrainingClips(entries, self.shards, shape, augmentation, seed),
            batch_sampler=DrawSampler(
                len(entries), optimisation.batch, first_step, optimisation.steps, seed
            ),
            num_workers=self._workers(),
            worker_init_fn=_ignore_signals,
            collate_fn=list,
            generator=torch.Generator().manual_seed(seed),
        )

    def _workers(self) -> int:
        """Processes of one loader; with adaptation two loaders share them."""
        workers = self.settings.compute.loader_workers
        return (workers + 1) // 2 if self.adapts else workers

    def _to_device(self, source: list[Sample], target: list[Sample]) -> tuple[Tensor, Targets]:
        """Network input of both halves, labelled first, and what its outputs are compared with."""
        values = self._values([*source, *target], self.spec.modality)
        decoded = [*source, *target] if self.settings.loss.decoders_on_target else source
        flow = self._values(decoded, "flow") if self.objective.wants("flow") else None
        frames = 2.0 * values[: len(decoded)] - 1.0 if self.objective.wants("frames") else None
        labels = torch.tensor([sample.label for sample in source], device=self.device)
        return to_input(values, self.spec), Targets(labels, flow, frames)

    def _values(self, samples: list[Sample], kind: str) -> Tensor:
        return to_batch(
            [sample.crops[kind] for sample in samples],
            [sample.flip for sample in samples],
            self.settings.clip.size,
            self.device,
            kind,
        )

    def _uses_bfloat16(self) -> bool:
        return self.device.type == "cuda" and self.settings.compute.precision == "bfloat16"

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _fingerprint(self) -> dict[str, str]:
        """What a saved state must share with this training to continue it."""
        source = self.settings.initial_weights
        return {
            "settings": self.settings.model_dump_json(),
            "split": checkpoint.file_digest(self.split),
            "version": str(STAGE_VERSIONS["train"]),
            "weights": checkpoint.file_digest(Path(source.file)) if source else "",
            **{
                f"{dataset}.{kind}": checkpoint.file_digest(index.path)
                for (dataset, kind), index in self.shards.indexes.items()
            },
        }

    def _save_state(self, next_step: int, log: TrainingLog) -> None:
        state = {
            "next_step": next_step,
            "log": log.state(),
            "fingerprint": self._fingerprint(),
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": checkpoint.random_states(),
        }
        checkpoint.save(state, self.folder / "last.pt")

    def _resume(self) -> tuple[int, dict[str, Any] | None]:
        """The step to continue at and the log's state: 0 and none for a new training."""
        path = self.folder / "last.pt"
        if not path.exists():
            return 0, None
        try:
            state = checkpoint.load(path, self.device)
        except UserError as error:
            print(f"{error}; starting from step 0", flush=True)
            return 0, None
        if state["fingerprint"] != self._fingerprint():
            print(f"{path} is of other settings or another split: starting from step 0", flush=True)
            return 0, None
        self.network.load_state_dict(state["network"])
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        checkpoint.restore_random_states(state["random"])
        print(f"resuming at step {state['next_step']}", flush=True)
        return int(state["next_step"]), state["log"]

    def _finish(self, seconds: float) -> None:
        network = self.network.eval().cpu()
        split_digest = checkpoint.file_digest(self.split)
        record = {
            **self.identity,
            "settings": self.settings.model_dump(mode="json"),
            "class_names": self.class_names,
            "split_digest": split_digest,
            "commit": self.commit,
            "videos": {"train": len(self.source), "target_unlabelled": len(self.target)},
            "parameters": sum(p.numel() for p in network.parameters()),
            "device": str(self.device),
            "seconds": round(seconds, 1),
            "versions": {
                "rev2net": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        }
        write_text(self.folder / "run.json", json.dumps(record, indent=1) + "\n")
        write_text(self.folder / "metrics.jsonl", (self.folder / "last.jsonl").read_text())
        save_trained(
            self.folder, network, self.settings, self.identity, self.class_names, split_digest
        )
        for name in ("last.pt", "last.jsonl"):  # not before everything else is there
            (self.folder / name).unlink(missing_ok=True)


def _ignore_signals(worker: int) -> None:
    """A signal to the whole process group is the training's own to answer."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _initialise(network: VideoNetwork, settings: TrainSettings) -> None:
    """Load the run's initial weights and print what became of every parameter."""
    source = settings.initial_weights
    if source is None:
        run = Run.parse(settings.run)
        key = f"{run.init}.{METHODS[run.method].recipe}.{run.input}"
        raise UserError(
            f"run {settings.run} starts from {run.init} weights, and the configuration has no "
            f"initial_weights.{key}; give it a file, or choose init scratch"
        )
    path = Path(source.file)
    if not path.is_file():
        raise UserError(f"initial_weights: no file {path}; download it, or use init scratch")
    if source.sha256 is not None and (found := checkpoint.file_digest(path)) != source.sha256:
        raise UserError(f"{path}: sha256 is {found}; the configuration asks for {source.sha256}")
    print(load_weights(network, path, partial=source.partial), flush=True)


def _required(entries: list[Entry], split: Path, part: str) -> list[Entry]:
    if not entries:
        raise UserError(f"{split}: no video of part {part!r}; a training needs at least one")
    return entries


def _feature_size(network: VideoNetwork, settings: TrainSettings, device: torch.device) -> int:
    """D of the pooled features, seen by passing one empty clip."""
    spec, clip = network.input_spec, settings.clip
    sizes = {"B": 1, "C": spec.channels, "T": clip.length, "H": clip.size, "W": clip.size}
    network.eval()
    with torch.no_grad():
        outputs = network.forward_train(
            torch.zeros([sizes[axis] for axis in spec.layout], device=device)
        )
    features = outputs["features"]
    assert isinstance(features, Tensor)
    return features.shape[1]
