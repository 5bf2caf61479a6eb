"""One training in several processes, a rank each: starting them, and what they say to each other.

The ranks are started by torchrun's own launcher. On GPUs they talk through NCCL, a device each; on
the CPU through gloo. What is asked of the ranks here works in a training of one process, too.
"""

import contextlib
import logging
import os
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from rev2net.errors import MachineError, UserError
from rev2net.processes import end_with_parent

SAVING_SECONDS = 120  # what the ranks have, after a signal, to end their step and save the state


class Interrupted(Exception):
    """SIGTERM arrived; the state is saved, as of the end of a step."""


def launched() -> bool:
    """Whether this process is a rank: torchrun, or `launch`, has set its place."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def rank() -> int:
    """Which of the processes this is; 0 writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def own_device(processes: int) -> torch.device:
    """The device of this rank: its own GPU, or the CPU where there is none.

    Raises UserError unless torchrun started as many processes as the configuration asks for.
    """
    started = int(os.environ["WORLD_SIZE"])
    if started != processes:
        raise UserError(f"compute.processes is {processes}; torchrun started {started}")
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    return device


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Be one of the ranks while the block runs.

    After an error the connections are left to the end of the process: closing them in good order
    would wait for ranks that are still at work.
    """
    # When its launcher is killed, others take the devices.
    end_with_parent(os.getppid())
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    yield
    dist.destroy_process_group()


def launch(count: int, function: Callable[..., None], *args: Any) -> None:
    """Run `function(*args)` in `count` new processes of this machine and wait for all of them.

    Raises UserError and MachineError with a rank's message, Interrupted after SIGTERM, and
    RuntimeError with a rank's report when it failed otherwise. The other ranks are ended when one
    fails; when this process is killed, they end too.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # The launcher's own report of a failed rank is a page long and hides the one line that counts.
    logging.disable(logging.CRITICAL)
    os.environ["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = str(SAVING_SECONDS)
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    previous = {number: signal.getsignal(number) for number in signals}
    with tempfile.TemporaryDirectory(prefix="rev2net-ranks-") as logs:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=count,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,  # starting again is the scheduler's business
            logs_specs=DefaultLogsSpecs(log_dir=logs),
        )
        try:
            elastic_launch(config, function)(*args)
        except SignalException as stopped:
            if stopped.sigval == signal.SIGINT:
                raise KeyboardInterrupt from None
            raise Interrupted from None
        except ChildFailedError as failed:
            raise _reason(failed) from None
        finally:
            logging.disable(logging.NOTSET)
            for number, handler in previous.items():
                signal.signal(number, handler)


def _reason(failed: Any) -> Exception:
    """What the first rank to fail said: an error that a person can mend, or a report."""
    number, failure = failed.get_first_failure()
    said, report = failure.message, ""
    if isinstance(said, dict):  # what a rank that raised an exception leaves
        said, report = said["message"], said["extraInfo"]["py_callstack"]
    name, _, text = said.partition(": ")
    for kind in (UserError, MachineError):
        if name == kind.__name__:
            return kind(text)
    if name == Interrupted.__name__:  # the signal reached the ranks alone
        return Interrupted()
    return RuntimeError(f"rank {number} failed (exit code {failure.exitcode}): {said}\n{report}")


def wrapped(module: nn.Module) -> nn.Module:
    """A module whose gradients are averaged over ranks; itself where there is one rank.

    Statistics of batch normalisation are those of rank 0, unless they are synchronised. The graph
    is static: what has no gradient in the first step, such as a decoder whose terms have no weight,
    never has one.
    """
    return module if size() == 1 else DistributedDataParallel(module, static_graph=True)


def mean(values: Tensor) -> Tensor:
    """The mean over ranks of a small tensor; every rank gets it."""
    if size() == 1:
        return values
    values = values.clone()
    dist.all_reduce(values)
    return values / size()


def gather(value: Any) -> list[Any]:
    """A value of every rank, in their order; every rank gets the list."""
    if size() == 1:
        return [value]
    values: list[Any] = [None] * size()
    dist.all_gather_object(values, value)
    return values


def all_ranks(x: Tensor) -> Tensor:
    """Rows (B, …) of every rank, one rank after the other: (ranks * B, …).

    For a term that every rank computes alike from all rows, such as MK-MMD. Its gradient is right
    where gradients of parameters are then averaged over ranks, as DistributedDataParallel does.
    """
    if size() == 1:
        return x
    gathered: Tensor = _AllRanks.apply(x)
    return gathered


class _AllRanks(torch.autograd.Function):
    """Nothing is sent on the way back: each rank knows the gradient of all rows.

    The gradient of a rank's own rows is multiplied by the number of ranks, because averaging will
    divide by it, and no other rank has a share in those rows.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rows = [torch.empty_like(x) for _ in range(size())]
        dist.all_gather(rows, x.contiguous())
        return torch.cat(rows)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return size() * gradient.chunk(size())[rank()]
