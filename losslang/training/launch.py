"""`losslang train --processes N`: the same command N times, as processes that find each other on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from losslang.diagnostics import LosslangError
from losslang.training.signals import caught_signals

__all__ = ["launch"]

_PATIENCE = 30.0  # seconds that processes have to end once one of them failed


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run `losslang train` with these arguments in so many processes; gives the exit status of the first that fails.

    A signal is passed on to all of them. Where one fails the others are ended: none is left waiting for it. Raises
    LosslangError where the number is none.
    """
    if processes < 1:
        raise LosslangError(f"--processes {processes}: at least one is needed")
    environment = dict(os.environ, MASTER_ADDR="127.0.0.1", MASTER_PORT=str(_free_port()), WORLD_SIZE=str(processes))
    environment.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // processes, 1)))
    command = [sys.executable, "-m", "losslang", "train", *_without_processes(arguments)]
    with caught_signals() as pending:
        workers = [
            subprocess.Popen(  # noqa: S603 - this program itself
                command, env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, start_new_session=True
            )
            for rank in range(processes)
        ]
        status, told, since = 0, False, 0.0
        while any(worker.poll() is None for worker in workers):
            if pending.number and not told:
                _tell(workers, pending.number)
                told = True
            failed = next((worker.returncode for worker in workers if worker.returncode), 0)
            if failed and not status:
                status, since = failed, time.monotonic()
                _tell(workers, signal.SIGTERM)
            if status and time.monotonic() - since > _PATIENCE:
                _tell(workers, signal.SIGKILL)
            time.sleep(0.05)
    return status or next((worker.returncode for worker in workers if worker.returncode), 0)


def _without_processes(arguments: Sequence[str]) -> list[str]:
    """The arguments of one process."""
    found, skip = list[str](), False
    for argument in arguments:
        if not (skip or argument == "--processes" or argument.startswith("--processes=")):
            found.append(argument)
        skip = argument == "--processes"
    return found


def _tell(workers: Sequence[subprocess.Popen[bytes]], number: int) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
