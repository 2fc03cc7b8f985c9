"""CPU seconds of the commands that people run all the time, each in a process of its own.

    python tests/benchmarks/startup.py [N]

prints the median of N runs (default 7) beside its budget, and ends with status 1 where one is over twice that: what imports
torch by mistake costs five times as much, and a busy machine less than half more.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BUDGET = 0.4  # seconds of CPU, user and system
LONGER = dict.fromkeys(("check", "explain", "diff"), 0.5)  # those that compute, for the verdict
FAILS = 2.0  # times the budget
ROOT = Path(__file__).parents[2]
SPEC = ROOT / "specs" / "vicreg.yaml"
PYTHON = [sys.executable, "-c", "pass"]
LOSSLANG = [sys.executable, "-m", "losslang"]

COMMANDS = {
    "bare Python": PYTHON,
    "check": [*LOSSLANG, "check", str(SPEC)],
    "fmt": [*LOSSLANG, "fmt", "--stdout", str(SPEC)],
    "list": [*LOSSLANG, "list"],
    "schema": [*LOSSLANG, "schema"],
    "explain E301": [*LOSSLANG, "explain", "E301"],
    "explain": [*LOSSLANG, "explain", str(SPEC)],
    "diff": [*LOSSLANG, "diff", str(SPEC), str(SPEC.with_stem("simclr"))],
    "train --help": [*LOSSLANG, "train", "--help"],
}


def cpu_seconds(command):
    """What one run costs. The working folder is empty, so that nothing there is imported by chance."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}  # as users run it
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode > 1:  # 1: `diff` found a difference
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(runs=7):
    """Print the table; whether every command is within the budget."""
    medians = {}
    for name, command in COMMANDS.items():
        cpu_seconds(command)  # writes compiled files, warms the disk
        medians[name] = statistics.median(cpu_seconds(command) for _ in range(runs))
    for name, seconds in medians.items():
        budget = LONGER.get(name, BUDGET)
        print(f"{name:<14}{seconds:6.3f} s{'' if seconds < budget else f'   over {budget} s'}")
    return all(seconds < FAILS * LONGER.get(name, BUDGET) for name, seconds in medians.items())


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
