"""The training loop: one run from its split and shards to `checkpoint.pt`.

A step takes labelled source clips and, for domain adaptation, as many unlabelled target clips;
both pass the network together. The state is saved every few steps and on SIGTERM; a training that
was interrupted anywhere continues to the same weights. Several processes share the batch of a step
(`distributed`); the first of them writes the files.
"""

import json
import math
import platform
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from rev2net import __version__
from rev2net.clips.dataset import ShardIndexes
from rev2net.clips.loader import attended
from rev2net.config import ComputeSettings, TrainSettings
from rev2net.device import claim_device, claim_devices, memory_errors
from rev2net.digests import file_digest, write_text
from rev2net.errors import UserError
from rev2net.experiments import STAGE_VERSIONS
from rev2net.own_code import edited
from rev2net.provenance import commit
from rev2net.runs import checkpoint
from rev2net.runs.checkpoint import build_network, network_input, save_trained
from rev2net.runs.folder import RunFolder
from rev2net.training import distributed
from rev2net.training.batches import Batches, Parts
from rev2net.training.distributed import Interrupted
from rev2net.training.held_out import HeldOut
from rev2net.training.log import TrainingLog, ends_with_line
from rev2net.training.objective import Objective, gradient_shares
from rev2net.training.optimiser import (
    GradientClipping,
    WeightAverage,
    build_optimiser,
    learning_rate,
)
from rev2net.training.prepare import (
    feature_size,
    freeze_batchnorm,
    initialise,
    random_states,
    restore_random_states,
    seed_everything,
    synchronise_batchnorm,
    term_of_features,
)
from rev2net.training.step import TrainingStep

INTERRUPTED = 75  # exit code of a saved, unfinished training (EX_TEMPFAIL: try again)
LINES = 60  # of metrics.jsonl, at most about
LEAST_INTERVAL = 10  # steps from line to line, but for trainings of a few steps
NAMED_VIDEOS = 4  # of a batch, in an error


def train(
    settings: TrainSettings,
    split: Path,
    shard_indexes: ShardIndexes,
    class_names: Sequence[str],
    folder: Path,
    stop_at: float | None = None,
    measurements: int = 0,
    log_every: int = 0,
) -> None:
    """Train the run `settings.run` into `folder`.

    `shard_indexes` has those of each dataset, of the kinds that the run reads. Where
    `compute.processes` asks for several, they are started here; a process that torchrun started
    takes its place among them. So many `measurements` of the accuracy on the split's `val` videos
    are made along the way, for held-out.jsonl; they change no weight. metrics.jsonl has a line
    each `log_every` steps; with 0, some sixty lines in all.

    Raises UserError for a split without training videos or a loss that is not finite, and
    Interrupted, the state saved, after SIGTERM and after `stop_at` (seconds since 1970).
    """
    arguments = (settings, split, shard_indexes, list(class_names), folder)
    folder.mkdir(parents=True, exist_ok=True)
    processes = settings.compute.processes
    if processes == 1:
        with claim_device() as device:
            _train(*arguments, device, stop_at, measurements, log_every)
    elif distributed.launched():
        device = distributed.own_device(processes)
        with distributed.joined(device), memory_errors():
            _train(*arguments, device, stop_at, measurements, log_every)
    else:
        with claim_devices(processes):
            distributed.launch(processes, train, *arguments, stop_at, measurements, log_every)


def _train(settings: TrainSettings, *arguments: Any) -> None:
    torch.set_num_threads(settings.compute.threads)
    choose_kernels(settings.compute)
    Training(settings, *arguments).run()


def choose_kernels(compute: ComputeSettings) -> None:
    """Deterministic ones, or the fastest for the sizes at hand, as cudnn finds out by trying."""
    chosen = compute.deterministic
    deterministic = not torch.cuda.is_available() if chosen is None else chosen
    if compute.compile:
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
    else:  # the same, but that it does not import the compiler to tell it so
        torch.set_deterministic_debug_mode("warn" if deterministic else "default")
    # A debugging aid of that mode, which costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not deterministic


def log_interval(steps: int) -> int:
    """Steps from one line of metrics.jsonl to the next; a line measures gradients, so not every."""
    return max(1, min(LEAST_INTERVAL, steps // 4), steps // LINES)


class Training:
    """The pieces of one training, built in the order in which data passes them."""

    def __init__(
        self,
        settings: TrainSettings,
        split: Path,
        shard_indexes: ShardIndexes,
        class_names: Sequence[str],
        folder: Path,
        device: torch.device,
        stop_at: float | None = None,
        measurements: int = 0,
        log_every: int = 0,
    ) -> None:
        self.stop_at = math.inf if stop_at is None else stop_at
        self.settings, self.device = settings, device
        self.files = RunFolder(folder)
        self.class_names = list(class_names)
        self.commit = commit()  # of the code that trains, whatever is committed meanwhile
        self.split = split
        self.writes = distributed.rank() == 0
        run = settings.run
        if (file := edited(settings.own_code)) is not None:
            raise UserError(f"{file}: edited since this job was planned; start the workflow again")
        self.batches = Batches(settings, network_input(settings), split, shard_indexes, device)
        self.optimisation = self.batches.optimisation
        seed_everything(run.seed)
        network = build_network(settings, len(class_names))
        if run.init != "scratch" or settings.initial_weights is not None:
            initialise(network, settings, class_names)
        synchronise_batchnorm(network, settings.compute, device)
        self.network = network.to(device)
        size = feature_size(self.network, settings, len(class_names), device)
        self.objective = Objective(
            settings.loss, run.adapt, size, term_of_features(settings, size)
        ).to(device)
        forward = TrainingStep(self.network, self.objective, settings.compute).train()
        if self.optimisation.freeze_batchnorm:
            freeze_batchnorm(self.network)
        self.optimiser = build_optimiser(self.network, self.objective, self.optimisation)
        self.trained = [p for group in self.optimiser.param_groups for p in group["params"]]
        largest = self.optimisation.clip_gradient
        self.clip = GradientClipping(self.network, self.objective, largest) if largest else None
        self.measured_parts = {
            name: [parameter for parameter in part if parameter.requires_grad]
            for name, part in self.network.parts().items()
        }
        decay = self.optimisation.ema
        self.average = WeightAverage(self.network, decay) if decay and self.writes else None
        self.forward: nn.Module = distributed.wrapped(forward)
        if not self.writes:  # dropout differs between ranks
            torch.manual_seed(run.seed + (distributed.rank() << 32))
        self.every = log_every or log_interval(self.optimisation.num_steps)
        self.measurements = measurements
        self.held_out = None
        if measurements and self.writes:
            steps, epoch = self.optimisation.num_steps, self._steps_an_epoch
            shards = self.batches.shards
            self.held_out = HeldOut(settings, split, shards, steps, epoch, measurements, device)
        self.stopping = False

    def run(self) -> None:
        """From the first step, or where an interrupted training stopped, to the files of a run."""
        first_step, log_state = self._resume()
        started = time.time()
        steps = self.optimisation.num_steps
        log = None
        if self.writes:
            log = TrainingLog(
                self.files.unfinished_metrics,
                steps,
                first_step,
                every=self.every,
                epoch=self._steps_an_epoch,
            )
            if log_state is not None:
                log.restore(log_state)
        previous = signal.signal(signal.SIGTERM, self._stop)
        try:
            self._steps(first_step, log)
        finally:
            signal.signal(signal.SIGTERM, previous)
            if log is not None:
                log.close()
        self._check_weights()
        if log is not None:
            self._finish(time.time() - started, log)

    def _steps(self, first_step: int, log: TrainingLog | None) -> None:
        steps = self.optimisation.num_steps
        with attended(self.batches.steps(first_step)) as batches:
            for step in range(first_step, steps):
                stop = self.advance(step, batches, log)
                if self.held_out is not None and step + 1 in self.held_out.steps:
                    network = self.average.network if self.average else self.network
                    self.held_out.measure(step + 1, network)
                due = (step + 1) % self.optimisation.checkpoint_every == 0 and step + 1 < steps
                if stop or due:
                    self._save_state(step + 1, log)
                if stop:
                    raise Interrupted

    def advance(self, step: int, batches: Iterator[Parts], log: TrainingLog | None) -> bool:
        """Take one step with the next batch and log it; true where a rank was asked to stop."""
        begun = time.perf_counter()
        parts = next(batches)
        waited = time.perf_counter() - begun
        shares: dict[str, float] = {}
        # The graph of DistributedDataParallel bears one backward pass: one process measures.
        due = (
            ends_with_line(step, self.every, self.optimisation.num_steps)
            and distributed.size() == 1
        )
        means = self.step(step, parts, shares if due else None)
        values, stop = self._shared(step, means)
        if log is not None:
            times = {"seconds": time.perf_counter() - begun, "data_seconds": waited}
            log.step(step, values | times, lr=learning_rate(step, self.optimisation), **shares)
        return stop

    def step(
        self, step: int, parts: Parts, shares: dict[str, float] | None = None
    ) -> dict[str, Tensor]:
        """One step of the optimiser over the parts of a batch; what is logged of it, by name.

        Where `shares` is given, it takes the gradient shares of the step's first part. But for
        that, nothing here waits for the device.
        """
        optimisation = self.optimisation
        rate = learning_rate(step, optimisation)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["multiplier"]
        self.optimiser.zero_grad(set_to_none=True)
        totals: dict[str, Tensor] = {}
        for source, target in parts:
            batch = self.batches.on_device(source, target)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bfloat16()):
                loss, weighted, values = self.forward(batch, step / optimisation.num_steps)
            if shares == {}:
                shares.update(gradient_shares(weighted, self.measured_parts))
            # Ranks average their gradients every time; what is averaged already stays as it is.
            (loss / len(parts)).backward()
            for name, value in values.items():
                totals[name] = totals[name] + value if name in totals else value
        self.network.after_backward()
        means = {name: total / len(parts) for name, total in totals.items()}
        if self.clip is not None:
            means |= self.clip()
        self.optimiser.step()
        if self.average is not None:
            self.average.update(self.network, step)
        return means

    def _shared(self, step: int, values: dict[str, Tensor]) -> tuple[dict[str, float], bool]:
        """Means over ranks, and whether one of them was asked to stop or sees the time over.

        The only time in a step that waits for the device. Raises UserError on every rank, naming
        the term and the batch, where a value is not finite on one of them.
        """
        stacked = torch.stack([value.float() for value in values.values()])
        stopping = self.stopping or time.time() >= self.stop_at
        flag = stacked.new_full((1,), float(stopping))
        *means, stop = distributed.mean(torch.cat((stacked, flag))).tolist()
        if not all(map(math.isfinite, means)):
            self._report(step, dict(zip(values, stacked.tolist(), strict=True)))
        return dict(zip(values, means, strict=True)), stop > 0

    def _report(self, step: int, values: dict[str, float]) -> None:
        """Raise UserError for the first rank that saw a value that is not finite."""
        # The loss is last: it is not finite wherever one of its terms is not.
        names = sorted(values, key=lambda name: name == "loss")
        spoilt = [name for name in names if not math.isfinite(values[name])]
        name = spoilt[0] if spoilt else None
        found = distributed.gather((name, values.get(name or ""), self.batches.videos(step)))
        term, value, videos = next(report for report in found if report[0] is not None)
        of_gradient = term.endswith("gradient_norm")
        what = "the gradient's norm" if of_gradient else f"loss term {term!r}"
        some = ", ".join(videos[:NAMED_VIDEOS])
        more = f" and {len(videos) - NAMED_VIDEOS} more" if len(videos) > NAMED_VIDEOS else ""
        raise UserError(
            f"step {step + 1}: {what} is {value} (videos {some}{more}); lower its weight or "
            "optimisation.learning_rate; the last good state is kept"
        )

    def _check_weights(self) -> None:
        """A loss tells of weights that are not finite a step late; such a state is never kept."""
        if not all(bool(parameter.isfinite().all()) for parameter in self.trained):
            raise UserError(
                "the last step left weights that are not finite; lower optimisation.learning_rate "
                "or set optimisation.clip_gradient; the last good state is kept"
            )

    @property
    def _steps_an_epoch(self) -> float:
        return len(self.batches.source) / self.optimisation.batch

    def _bfloat16(self) -> bool:
        return self.device.type == "cuda" and self.settings.compute.precision == "bfloat16"

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _fingerprint(self) -> dict[str, str]:
        """What a saved state must share with this training to continue it."""
        return {
            "settings": self.settings.of_numbers.model_dump_json(),
            "split": file_digest(self.split),
            "version": str(STAGE_VERSIONS["train"]),
            "weights": self._weights_digest(),
            **{
                f"{dataset}.{kind}": file_digest(index.path)
                for (dataset, kind), index in self.batches.shards.indexes.items()
            },
            **({"measurements": str(self.measurements)} if self.measurements else {}),
        }

    def _weights_digest(self) -> str:
        """SHA-256 of the file that the network started from; empty for fresh weights."""
        source = self.settings.initial_weights
        return file_digest(Path(source.file)) if source else ""

    def _save_state(self, next_step: int, log: TrainingLog | None) -> None:
        self._check_weights()
        of_ranks = distributed.gather(random_states())
        if log is None:
            return
        state = {
            "next_step": next_step,
            "log": log.state(),
            "fingerprint": self._fingerprint(),
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.network.state_dict() if self.average else None,
            "random": of_ranks,
            "held_out": self.held_out.lines if self.held_out else [],
        }
        if self.files.state.exists():
            self.files.state.replace(self.files.previous_state)
        checkpoint.save(state, self.files.state)

    def _resume(self) -> tuple[int, dict[str, Any] | None]:
        """The step to continue at and the log's state: 0 and none for a new training."""
        state = self._saved_state()
        if state is None:
            return 0, None
        self.network.load_state_dict(state["network"])
        self.objective.load_state_dict(state["objective"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average is not None:
            self.average.network.load_state_dict(state["average"])
        restore_random_states(state["random"][distributed.rank()])
        if self.held_out is not None:
            self.held_out.lines = state["held_out"]
        self._say(f"resuming at step {state['next_step']}")
        return int(state["next_step"]), state["log"]

    def _saved_state(self) -> dict[str, Any] | None:
        """The newest state that is whole and of this training."""
        for path in (self.files.state, self.files.previous_state):
            if not path.exists():
                continue
            try:
                state = checkpoint.load(path, self.device)
            except UserError as error:
                self._say(f"not continued: {error}")
                continue
            if state["fingerprint"] == self._fingerprint():
                return state
            self._say(f"not continued: {path} is of other settings or another split")
        return None

    def _say(self, line: str) -> None:
        if self.writes:
            print(line, flush=True)

    def _schedule(self) -> dict[str, Any]:
        """How long this training was, and where its rate changed."""
        optimisation, videos = self.optimisation, len(self.batches.source)
        steps = optimisation.num_steps
        return {
            "steps": steps,
            "epochs": round(steps * optimisation.batch / videos, 2),
            "milestones": [math.ceil(step) for step in optimisation.milestones],
            "restarts": [math.ceil(step) for step in optimisation.restarts],
        }

    def _finish(self, seconds: float, log: TrainingLog) -> None:
        network = (self.average.network if self.average else self.network).eval().cpu()
        split_digest = file_digest(self.split)
        batches = self.batches
        record = {
            **asdict(self.settings.run),
            "settings": self.settings.model_dump(mode="json"),
            "class_names": self.class_names,
            "split_digest": split_digest,
            "initial_weights_digest": self._weights_digest(),
            "commit": self.commit,
            "videos": {"train": len(batches.source), "target_unlabelled": len(batches.target)},
            "schedule": self._schedule(),
            "parameters": sum(p.numel() for p in network.parameters()),
            "device": str(self.device),
            "flow_unit": batches.flow_unit,
            "seconds": round(seconds, 1),
            "data_wait_percent": log.data_wait_percent,
            "versions": {
                "rev2net": __version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            },
        }
        files = self.files
        write_text(files.record, json.dumps(record, indent=1) + "\n")
        write_text(files.metrics, files.unfinished_metrics.read_text())
        if self.held_out is not None:
            lines = "".join(json.dumps(line) + "\n" for line in self.held_out.lines)
            write_text(files.held_out, lines)
        save_trained(
            files.path, network, self.settings, self.class_names, split_digest, batches.flow_unit
        )
        # Not before everything else is there.
        for path in (files.state, files.previous_state, files.unfinished_metrics):
            path.unlink(missing_ok=True)
