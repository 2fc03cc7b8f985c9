"""Processes that share a batch: started once, they run one trial after the other, all of them the same one at a time."""

import multiprocessing
import os
import socket
import traceback
from datetime import timedelta

TIMEOUT = 600 if os.environ.get("LOSSLANG_TESTS") == "full" else 120
"""Seconds until a trial is taken to hang; shared machines stall, and compilers take long."""


class Failed(Exception):
    """What the processes said, by rank; None of one that gave no answer."""

    def __init__(self, answers):
        self.answers = answers
        super().__init__("\n".join(f"process {rank}: {answer}" for rank, answer in enumerate(answers)))


class Pool:
    """`world` processes of one gloo group. `wait` is the timeout of their collectives in seconds."""

    def __init__(self, world, wait=60):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torch.distributed", "tests.processes.trials"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.pipes, self.processes = [], []
        for rank in range(world):
            here, there = context.Pipe()
            process = context.Process(target=_work, args=(rank, world, address, wait, there), daemon=True)
            process.start()
            self.pipes.append(here)
            self.processes.append(process)

    def run(self, trial, *arguments):
        """What the function `trial` of `tests.processes.trials` gives on every process; each has its own arguments.

        Raises Failed where one of them raises, or gives no answer in time.
        """
        for pipe, own in zip(self.pipes, arguments, strict=True):
            pipe.send((trial, own))
        answers = [self._answer(pipe) for pipe in self.pipes]
        if not all(answer is not None and answer[0] for answer in answers):
            self.close()
            raise Failed([None if answer is None else answer[1] for answer in answers])
        return [answer[1] for answer in answers]

    def _answer(self, pipe):
        try:
            return pipe.recv() if pipe.poll(TIMEOUT) else None
        except EOFError:
            return None

    def close(self):
        """End the processes."""
        for process in self.processes:
            process.kill()
            process.join()


def _work(rank, world, address, wait, pipe):
    import torch
    from torch import distributed as dist

    from tests.processes import trials

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=world, timeout=timedelta(seconds=wait))
    while True:
        trial, arguments = pipe.recv()
        try:
            pipe.send((True, getattr(trials, trial)(*arguments)))
        except Exception:  # noqa: BLE001 - whatever it was, the test shows it
            pipe.send((False, traceback.format_exc()))
