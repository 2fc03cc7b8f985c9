"""Training steps on photos on a device that is pretended: nothing is mixed with what is on the processor, and nothing waits.

Photos lie on the device; a stream of them is made in another thread, which no mode of torch's sees.
"""

import pytest
import torch

from losslang.data import stores
from losslang.data.photos import photo_view
from losslang.training.loop import step
from losslang.training.session import open_session
from tests.pretended import Pretended
from tests.training.test_images import RECIPE, cache, folder, plan  # noqa: F401 - fixtures


@pytest.fixture
def pretended():
    """With nothing of what is made once in a process: views, and photos on the device."""
    photo_view.cache_clear()
    stores._resident.cache_clear()
    return Pretended()


@pytest.mark.parametrize("method", ["simsiam", "byol", "dino", "vicreg", "swav", "mocov2"])
def test_a_step_stays_on_its_device_and_never_waits(method, cache, tmp_path, pretended, monkeypatch):  # noqa: F811
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    like = {"augmentation": method} if method in {"dino", "swav"} else {}
    planned = plan(method, str(path), cache, tmp_path / "run", data_on="device", **like)
    monkeypatch.setattr(torch.Tensor, "backward", lambda total: pretended.backward(total))  # noqa: PLW0108 - a method
    with pretended:
        session = open_session(planned)
        session.model.train()
        step(session, None)
        pretended.waits.clear()  # a method may look at its first batch
        for _ in range(2):
            step(session, None)
    assert all(pretended.has(each) for each in (*session.model.parameters(), *session.model.buffers()))
    assert (pretended.mixed, pretended.waits) == ([], [])
