"""The wheel as its users have it: run by `.ci/run` as `python -P tests/wheel.py FOLDER`, with the wheel in FOLDER.

Away from the checkout, in an empty folder, every shipped file must be found in FOLDER.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

INSTALLED = Path(sys.argv[1]).resolve()

# A method of one's own that extends a shipped one.
MINE = """\
losslang: 1
method: mine
extends: simsiam
parameters: {width: 64}
"""


def run(*command):
    """The output of a Python command that sees the wheel and not the checkout."""
    print("+", *command[:5], "…" if len(command) > 5 else "", flush=True)
    done = subprocess.run(
        [sys.executable, "-P", *command],
        env=os.environ | {"PYTHONPATH": str(INSTALLED)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def main():
    """Every check; an assertion or a failed command ends it."""
    where = Path(run("-c", "import losslang; print(losslang.__file__)").strip())
    assert where.is_relative_to(INSTALLED), f"the wheel is not what was imported: {where}"

    assert run("-m", "losslang", "--version") == run(str(INSTALLED / "bin" / "losslang"), "--version")
    assert "simsiam " in run("-m", "losslang", "list", "specs")
    assert "toy" in run("-m", "losslang", "list", "recipes")
    assert "figure4" in run("-m", "losslang", "list", "experiments")
    shipped = sorted(INSTALLED.glob("losslang/_specs/**/*.yaml"))
    assert shipped
    assert run("-m", "losslang", "check", *map(str, shipped))

    Path("mine.yaml").write_text(MINE, encoding="utf-8")
    assert run("-m", "losslang", "check", "mine.yaml")
    run("-m", "losslang", "compile", "mine.yaml", "-o", "mine.py")
    run("-m", "losslang", "train", "mine.yaml", "--quiet")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
