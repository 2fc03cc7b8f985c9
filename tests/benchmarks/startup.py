"""CPU seconds of the commands that people run all the time, each in a process of its own.

    python tests/benchmarks/startup.py [N]

prints the median of N runs (default 7) and ends with status 1 where a median is over the budget.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

BUDGET = 0.4  # seconds of CPU, user and system
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
    "explain": [*LOSSLANG, "explain", "E301"],
    "train --help": [*LOSSLANG, "train", "--help"],
}


def cpu_seconds(command):
    """What one run costs. The working folder is empty, so that nothing there is imported by chance."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            command, cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, check=True
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(runs=7):
    """Print the table; whether every command is within the budget."""
    medians = {}
    for name, command in COMMANDS.items():
        cpu_seconds(command)  # writes compiled files, warms the disk
        medians[name] = statistics.median(cpu_seconds(command) for _ in range(runs))
    for name, seconds in medians.items():
        print(f"{name:<14}{seconds:6.3f} s{'' if seconds < BUDGET else f'   over {BUDGET} s'}")
    return max(medians.values()) < BUDGET


if __name__ == "__main__":
    sys.exit(not main(*map(int, sys.argv[1:])))
