"""`losslang train --processes N`: the same command N times, as processes that find each other on this machine.

A process that is lost (killed, out of memory, crashed) ends the others, and all begin again from the last checkpoint, as under
torch's elastic launcher: `TORCHELASTIC_RESTART_COUNT` says so to them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from losslang.training.orphans import LAUNCHER
from losslang.training.restart import LAUNCHED, RESTARTS
from losslang.training.signals import Pending, caught_signals

__all__ = ["launch"]

_PATIENCE = 30.0  # seconds that processes have to end once one of them failed
_TOGETHER = 0.2  # seconds within which failures have one cause
_OWN = ("--processes", "--max-restarts")  # options of the launcher

Workers = Sequence[subprocess.Popen[bytes]]


def launch(processes: int, arguments: Sequence[str], restarts: int) -> int:
    """Run `losslang train` with these arguments in so many processes; gives 0, or the exit status of one that failed.

    A signal is passed on to all of them. Where one fails the others are ended: none is left waiting for it. Where one was lost
    all begin again, so often at most (`restarts`, 0 or more); then the status is 128 + signal.
    """
    command = [sys.executable, "-m", "losslang", "train", *_without_own(arguments)]
    environment = dict(os.environ, WORLD_SIZE=str(processes), MASTER_ADDR="127.0.0.1") | {
        LAUNCHED: str(time.time()),
        LAUNCHER: str(os.getpid()),
    }
    environment.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // processes, 1)))
    codes, lost = list[int](), list[int]()
    with caught_signals() as pending:
        for attempt in range(restarts + 1):
            workers = _started(command, environment | {RESTARTS: str(attempt)}, processes)
            codes = _ended(workers, pending)
            lost = [rank for rank, code in enumerate(codes) if code < 0]
            if not lost or pending.number:
                break
            _say_lost(lost[0], processes, codes[lost[0]], f"{attempt + 1} of {restarts}" if attempt < restarts else "")
    return next((128 - codes[rank] for rank in lost), next(filter(None, codes), 0))


def _started(command: Sequence[str], environment: Mapping[str, str], processes: int) -> Workers:
    """The processes, which know their rank and where they meet."""
    place = {"MASTER_PORT": str(_free_port())}
    return [
        subprocess.Popen(  # noqa: S603 - this program itself
            command,
            env={**environment, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            start_new_session=True,
        )
        for rank in range(processes)
    ]


def _ended(workers: Workers, pending: Pending) -> list[int]:
    """The exit codes of all; of those that had to be ended because another failed, 0."""
    told = False
    while any(worker.poll() is None for worker in workers):
        if pending.number and not told:
            _tell(workers, pending.number)
            told = True
        if any(worker.returncode for worker in workers):
            time.sleep(_TOGETHER)
            codes = [worker.poll() or 0 for worker in workers]
            _end(workers)
            return codes
        time.sleep(0.05)
    return [worker.returncode for worker in workers]


def _end(workers: Workers) -> None:
    """Ask those that are left to end, and end them where they do not."""
    _tell(workers, signal.SIGTERM)
    until = time.monotonic() + _PATIENCE
    for worker in workers:
        try:
            worker.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _say_lost(rank: int, processes: int, code: int, again: str) -> None:
    try:
        how = signal.Signals(-code).name
    except ValueError:
        how = f"signal {-code}"
    what = (
        f"all begin again from the last checkpoint (restart {again})"
        if again
        else "the same command with --resume goes on"
    )
    sys.stderr.write(f"process {rank} of {processes} was lost ({how}); {what}\n")


def _without_own(arguments: Sequence[str]) -> list[str]:
    """The arguments of one process."""
    found, skip = list[str](), False
    for argument in arguments:
        if not (skip or argument.split("=")[0] in _OWN):
            found.append(argument)
        skip = argument in _OWN
    return found


def _tell(workers: Workers, number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
