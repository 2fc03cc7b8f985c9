"""What every test gets: the package of this checkout, hypothesis without deadlines, few threads, `--bless`."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Commands that a test starts, in whatever folder, run the package that is tested.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))

# Several workers share the cores; torch would start a thread per core in each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Shared machines stall, so nothing is too slow; CI tries the same examples every time.
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("here", **PATIENT)
settings.register_profile("ci", **PATIENT, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser):
    parser.addoption(
        "--bless", action="store_true", help="rewrite golden answers; read the difference before committing"
    )


@pytest.fixture
def bless(request):
    """Whether golden answers are to be rewritten."""
    return request.config.getoption("--bless")
