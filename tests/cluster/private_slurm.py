"""A throw-away Slurm of one node with four pretended GPUs, private to the test that starts it.

Works as root and as an ordinary user. Ports are free ones and everything lies below one folder, so
several of them run side by side. The daemons stay in the foreground as children of the test: the
kernel ends them when it dies, however it dies.
"""

import ctypes
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = (
    "munged",
    "slurmctld",
    "slurmd",
    "sbatch",
    "squeue",
    "scancel",
    "scontrol",
    "sinfo",
    "srun",
)
SYSTEM_PATHS = ("/usr/sbin", "/sbin")  # where Debian puts daemons; not on an ordinary user's PATH
# A GPU needs a device file; any character device will do, since nothing opens it.
DEVICE_FILES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random")
PR_SET_PDEATHSIG = 1
READY_SECONDS = 60

CONFIGURATION = """\
ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
MpiDefault=none
MailProg=/bin/true
MinJobAge=3600
KillWait=2
OverTimeLimit=0
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 NodeHostname={host} CPUs={cpus} RealMemory={memory_mb} Gres=gpu:pretended:{gpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=120 State=UP
"""  # noqa: E501


def missing_programs() -> list[str]:
    """What of Slurm this machine lacks; empty where a private cluster can be started."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_PATHS))
    return [program for program in PROGRAMS if shutil.which(program, path=path) is None]


def _die_with_the_test() -> None:
    """Ask the kernel to end this child when the test that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run_bounded(
    command: list[str], *, seconds: float, env: dict[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a session of its own; past its time, it and all below it are killed.

    Raises TimeoutError with the last of what the command said.
    """
    with tempfile.TemporaryFile("w+") as output:  # a pipe would wait for all that hold it open
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with_the_test,
        )
        try:
            process.wait(timeout=seconds)
            late = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            late = True
        output.seek(0)
        said = output.read()
    if late:
        raise TimeoutError(f"{command[0]} took over {seconds:.0f} s: {said[-4000:]}")
    return subprocess.CompletedProcess(command, process.returncode, said, "")


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now; all held at once, so that they differ."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@dataclass(frozen=True)
class Job:
    """A job as the controller remembers it."""

    state: str
    cpus: int
    memory_mb: int
    gpus: int
    minutes: int  # time limit
    comment: str  # the executor plugin writes the rule's name there
    restarts: int  # how often it was started again


def _parse_job(line: str) -> Job:
    """A job from its line of `scontrol --oneliner show job`."""
    words = dict(word.split("=", 1) for word in line.split() if "=" in word)
    memory = re.fullmatch(r"([\d.]+)([MG])", words["MinMemoryNode"])
    assert memory, line
    gpus = re.search(r"TresPer(?:Job|Node)=gres[:/]gpu[:=](\d+)", line)
    hours, minutes, _ = words["TimeLimit"].split(":")
    return Job(
        state=words["JobState"],
        cpus=int(words["NumCPUs"]),
        memory_mb=round(float(memory[1]) * (1024 if memory[2] == "G" else 1)),
        gpus=int(gpus[1]) if gpus else 0,
        minutes=60 * int(hours) + int(minutes),
        comment=words.get("Comment", ""),
        restarts=int(words["Restarts"]),
    )


@dataclass
class PrivateSlurm:
    """`with PrivateSlurm(folder) as slurm:` gives a running cluster; leaving ends its daemons."""

    folder: Path
    cpus: int = 4
    memory_mb: int = 8000
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The environment in which Slurm's commands mean this cluster."""
        return self.around(dict(os.environ))

    def around(self, env: dict[str, str]) -> dict[str, str]:
        """The same on top of another environment than the test's own."""
        path = os.pathsep.join((str(self.folder / "bin"), env["PATH"], *SYSTEM_PATHS))
        return {**env, "PATH": path, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self) -> "PrivateSlurm":
        try:
            self._write_files()
            self._start("munged", *self._munged_arguments())
            self._wait_until("munged", lambda: (self.folder / "munge.socket").exists())
            self._start("slurmctld", "-D", "-c")
            self._start("slurmd", "-D", "-c")
            self._wait_until("slurmd", lambda: self._say("sinfo", "-h", "-o", "%T") == "idle")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def jobs(self) -> list[Job]:
        """Every job this cluster has seen, in the order of submission."""
        lines = self._say("scontrol", "--oneliner", "show", "job").splitlines()
        return [_parse_job(line) for line in lines if line.startswith("JobId=")]

    def _write_files(self) -> None:
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)  # munged refuses a socket that others cannot reach
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        controller_port, node_port = _free_ports(2)
        host = socket.gethostname().split(".")[0]
        configuration = CONFIGURATION.format(
            host=host,
            user=getpass.getuser(),
            folder=self.folder,
            controller_port=controller_port,
            node_port=node_port,
            cpus=self.cpus,
            gpus=len(DEVICE_FILES),
            memory_mb=self.memory_mb,
        )
        (self.folder / "slurm.conf").write_text(configuration)
        lines = [f"NodeName={host} Name=gpu Type=pretended File={file}\n" for file in DEVICE_FILES]
        (self.folder / "gres.conf").write_text("".join(lines))
        version = re.search(r"\d+", self._say("slurmd", "-V"))
        if version and int(version[0]) >= 23:  # which looks for cgroups that containers lack
            (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        # The executor's job step drops every SLURM_* variable before it calls srun.
        srun = self.folder / "bin" / "srun"
        real = shutil.which("srun")
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n')
        srun.chmod(0o755)

    def _munged_arguments(self) -> tuple[str, ...]:
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid"}
        files |= {"log-file": "munged.log", "seed-file": "munged.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in files.items()]
        return ("--foreground", "--force", *options)

    def _start(self, program: str, *arguments: str) -> None:
        with open(self.folder / f"{program}.out", "wb") as output:
            daemon = subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                preexec_fn=_die_with_the_test,
            )
        self._daemons.append(daemon)

    def _say(self, *command: str) -> str:
        """What a short command prints; empty where it fails or takes too long."""
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=self.env, timeout=15, check=False
            )
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def _wait_until(self, program: str, ready: Callable[[], bool]) -> None:
        """Return when the daemon just started is ready; raises RuntimeError with what it said."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            ended = [daemon.args for daemon in self._daemons if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                said = [file.read_text()[-2000:] for file in sorted(self.folder.glob("*.out"))]
                raise RuntimeError(f"{program} did not come up; ended: {ended}", *said)
            time.sleep(0.1)

    def _stop(self) -> None:
        """End the jobs, then the daemons in the reverse order of their start."""
        if len(self._daemons) == 3:
            self._say("scancel", "--full", "--signal=KILL", "--user", getpass.getuser())
            self._say("scancel", "--user", getpass.getuser())
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons.clear()
