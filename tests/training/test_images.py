"""The whole path on a generated folder: cache, training, resuming, evaluation, export; for methods of every kind.

With LOSSLANG_TESTS=full the networks are as wide as those of torchvision and timm, which then take the weights too (a minute).
"""

import importlib
import json
import os
import signal

import numpy as np
import pytest
import torch

from losslang.cli import main
from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from losslang.diagnostics import LosslangError
from losslang.shipped import shipped_augmentations, shipped_specs
from losslang.training.evaluate import evaluate
from losslang.training.export import TARGETS, export
from losslang.training.loop import Interrupted, train
from losslang.training.plan import resolve_run
from losslang.training.record import settings_record
from losslang.training.reopen import reopen
from tests.benchmarks.jpegs import write_folder
from tests.training.test_loop import StopAt, checkpoint, same

RECIPE = """\
# tiny images, a tiny ResNet
epochs: 2
batch_size: 32
augmentation: {like: byol, all: {size: 16}, local: {size: 8}}
backbone: {name: resnet18, stem: cifar, width: 4}
parameters: {width: 16, size: 8, prototypes: 16, queue: 64, start: 2, bottleneck: 8}
evaluation: {every: 0, calibration: 2}
log_every: 1
"""


FULL = os.environ.get("LOSSLANG_TESTS") == "full"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos") / "shapes"
    write_folder(root, 96, 4, side=40)
    return root


@pytest.fixture(scope="module")
def cache(folder):
    return prepare(find_images(folder), folder.parent / "cache", Preparation(size=24, processes=1)).path


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return str(path)


def plan(method, recipe, data, out, **sets):
    sets = {name.replace("__", "."): value for name, value in sets.items()}
    return resolve_run(shipped_specs()[method], recipe, data=str(data), out=out, sets=sets)


@pytest.mark.parametrize("method", ["simsiam", "byol", "dino", "vicreg", "swav"])
def test_the_whole_path(method, recipe, cache, tmp_path):
    """Two epochs with a break, then evaluation, then the weights in every form that others read."""
    like = {"augmentation": method} if method in {"dino", "swav"} else {}
    network = {"backbone__stem": "imagenet", "backbone__width": "64" if FULL else "4"}
    planned = plan(method, recipe, cache, tmp_path / "run", **like, **network)
    assert (planned.steps_per_epoch, planned.steps, planned.dataset.name) == (3, 6, "shapes")
    with pytest.raises(Interrupted):
        train(planned, tell=StopAt(3, signal.SIGTERM))
    assert checkpoint(tmp_path / "run")["step"] == 3
    result = train(planned, resume=True)
    assert (result["steps"], result["data"]) == (6, "shapes")
    assert 0 <= result["knn"] <= 1
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(7))
    measured = evaluate(tmp_path / "run", linear="sgd", epochs=1)["measured"]
    assert measured["linear"] == result["linear_probe"]
    assert {"knn_20", "knn_200", "linear_sgd"} <= measured.keys()
    assert_exported(tmp_path / "run", planned.input_shape)


def assert_exported(run, shape):
    """Every form holds the trained backbone; test_after.py has libraries load theirs."""
    trained = reopen(run).model.encoder.float().eval()
    state = trained.state_dict()
    paths = {target: export(run, target).path for target in (TARGETS if FULL else ("safetensors",))}
    for target in paths.keys() & {"torchvision", "timm"}:
        assert same(torch.load(paths[target], weights_only=True), state)
    assert same(importlib.import_module("safetensors.torch").load_file(paths["safetensors"]), state)
    if FULL:
        assert_onnx_gives(paths["onnx"], trained, shape)


def works(library):
    """Whether a library is installed, and for this torch."""
    try:
        importlib.import_module(library)
    except Exception:  # noqa: BLE001 - torchvision raises RuntimeError beside a torch it was not built for
        return False
    return True


def assert_onnx_gives(path, network, shape):
    """An ONNX file gives what its network gives, for a batch of another size; in onnxruntime or in onnx's own reference."""
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network(x)
    torch.testing.assert_close(of_onnx(path, x), wanted, atol=1e-4 * float(wanted.abs().max()), rtol=1e-3)


def of_onnx(path, x):
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        onnx = importlib.import_module("onnx")
        session = importlib.import_module("onnx.reference").ReferenceEvaluator(onnx.load(str(path)))
    else:
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.tensor(session.run(None, {"images": x.numpy()})[0])


def test_equal_bits_from_cache_folder_stream_and_after_a_break(recipe, folder, cache, tmp_path):
    """Where the pixels lie, and whether the run was interrupted, makes no difference."""
    whole = plan("simsiam", recipe, cache, tmp_path / "stream", data_on="stream")
    resident = plan("simsiam", recipe, cache, tmp_path / "device", data_on="device")
    broken = plan("simsiam", recipe, cache, tmp_path / "broken")
    for each in (whole, resident):
        train(each)
    with pytest.raises(Interrupted):
        train(broken, tell=StopAt(4))
    train(broken, resume=True)
    assert same(checkpoint(tmp_path / "stream"), checkpoint(tmp_path / "device"))
    assert same(checkpoint(tmp_path / "stream"), checkpoint(tmp_path / "broken"))


def test_a_plain_folder_is_read_file_by_file_and_says_so(recipe, folder, tmp_path, capsys):
    planned = plan("simsiam", recipe, folder, tmp_path / "run", epochs="1")
    assert "many times faster" in planned.dataset.description
    assert planned.dataset.samples == (96, 4)
    options = ["--recipe", recipe, "--data", str(folder), "--set", "epochs=1", "--out", str(tmp_path / "run")]
    assert main(["train", str(shipped_specs()["simsiam"]), *options]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("shapes: a folder, read file by file at every use; `losslang data folder` makes a cache")
    assert said[1].startswith("simsiam on shapes, seed 0: 3 steps")
    (folder / "train/class000/000003.jpg").rename(tmp_path / "kept.jpg")
    (folder / "train/class000/000003.jpg").write_bytes(b"no image")
    try:
        with pytest.raises(LosslangError, match=r"000003.jpg does not read .*leaves broken images out of its cache"):
            train(plan("simsiam", recipe, folder, tmp_path / "bad"))
    finally:
        (tmp_path / "kept.jpg").rename(folder / "train/class000/000003.jpg")


# ---------------------------------------------------------------- augmentations by name


def policies(method, recipe, cache, **sets):
    return plan(method, recipe, cache, None, **sets).policies


def test_a_named_augmentation_speaks_of_positions_and_groups(recipe, cache):
    a, b = policies("simsiam", recipe, cache).values()
    assert (a.size, a.blur, a.solarize, a.scale) == (16, 1.0, 0.0, (0.08, 1.0))
    assert (b.size, b.blur, b.solarize, b.saturation) == (16, 0.1, 0.2, 0.2)
    dino = policies("dino", recipe, cache, augmentation="dino")
    assert [p.size for p in dino.values()] == [16] * 2 + [8] * 8
    assert [p.blur for p in dino.values()] == [1.0, 0.1] + [0.5] * 8
    assert dino["local.3"].scale == (0.05, 0.4)


def test_own_options_stand_above_the_named(recipe, cache):
    a, b = policies("byol", recipe, cache, augmentation__all__blur="0", augmentation__b__hue="0.3").values()
    assert (a.blur, b.blur, a.hue, b.hue) == (0.0, 0.0, 0.1, 0.3)
    a, b = policies("byol", recipe, cache, augmentation="simclr", augmentation__second__flip="0").values()
    assert (a.saturation, b.saturation, a.flip, b.flip) == (0.8, 0.8, 0.5, 0.0)


@pytest.mark.parametrize("name", shipped_augmentations())
def test_every_named_augmentation_is_valid(name, recipe, cache):
    for method in ("simsiam", "dino"):
        assert all(p.__class__.__name__ == "Photo" for p in policies(method, recipe, cache, augmentation=name).values())
    assert shipped_augmentations()[name].read_text().startswith("# ")


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"augmentation": "byoll"}, "--set: there is no augmentation `byoll`; did you mean `byol`?"),
        ({"augmentation.all.blurr": "1"}, "`augmentation.all.blurr` is no option of it; did you mean `blur`?"),
        ({"augmentation.all.scale": "[1, 0.5]"}, "scale: two numbers above 0 are needed"),
        ({"augmentation.blur": "1"}, "write `augmentation.all.blur`"),
        (
            {"augmentation.all.policy": "noise"},
            "the augmentation of `all` is for points and images, and shapes holds photos",
        ),
    ],
)
def test_what_is_wrong_with_an_augmentation(sets, message, recipe, cache):
    with pytest.raises(LosslangError) as error:
        resolve_run(shipped_specs()["simsiam"], recipe, data=str(cache), sets=sets)
    assert message in str(error.value)


def test_photos_for_points_and_data_that_are_not_there(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec = shipped_specs()["simsiam"]
    with pytest.raises(LosslangError, match="is for photos, and blobs holds points"):
        resolve_run(spec, sets={"augmentation": "byol"})
    with pytest.raises(LosslangError, match="there is no data set `nowhere`; there are blobs"):
        resolve_run(spec, data="nowhere")
    planned = resolve_run(spec, recipe, data="imagenet100")
    assert planned.steps_per_epoch == 126_689 // 32
    with pytest.raises(LosslangError, match="Make it with `losslang data imagenet100 --from FOLDER`"):
        train(planned)
    (tmp_path / "half").mkdir()
    (tmp_path / "half/plan.json").write_text("{}")
    with pytest.raises(LosslangError, match="a cache that has not been finished"):
        resolve_run(spec, recipe, data="half")


def test_the_record_says_what_was_done(recipe, cache):
    record = settings_record(plan("byol", recipe, cache, None))
    assert record["augmentation"]["b"]["solarize"] == 0.2
    assert record["settings"]["augmentation.like"]["value"] == "byol"
    assert record["settings"]["augmentation.all.size"]["value"] == 16
    json.dumps(record, allow_nan=False)


def test_runs_of_one_process_share_the_photos_on_a_device(recipe, cache, tmp_path):
    from losslang.training.session import open_session

    plans = [plan(m, recipe, cache, tmp_path / m, data_on="device") for m in ("simsiam", "vicreg")]
    one, two = (open_session(each).batches.inputs.pixels.values for each in plans)
    assert one.data_ptr() == two.data_ptr()


def test_reading_ahead_gives_what_was_asked(cache):
    from losslang.data.cache import open_cache
    from losslang.data.readers import CacheReader
    from losslang.data.stores import Streamed, open_store

    reader = CacheReader(open_cache(cache), 0, 96)
    stream, resident = (open_store(reader, torch.device("cpu"), resident=r) for r in (None, True))
    assert isinstance(stream, Streamed)
    wanted = torch.tensor([5, 90, 5, 0])
    stream.expect(1, torch.tensor([1, 2]))
    stream.expect(2, wanted)
    for pixels in (stream.take(2, wanted), stream.take(7, wanted), stream[wanted]):
        assert torch.equal(pixels.values, resident[wanted].values)
        assert torch.equal(pixels.extent, resident[wanted].extent)
    assert stream.waited > 0
    assert np.array_equal(reader.read(np.array([5])).values[0], resident.pixels.values[5].numpy())
