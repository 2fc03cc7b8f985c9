"""The cache: what is in it, and every way in which a preparation or a file can go wrong."""

import io
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from losslang.cli import main
from losslang.data import prepare as preparing
from losslang.data.cache import Cache, open_cache
from losslang.data.decode import Broken, decode
from losslang.data.hub import hub_images
from losslang.data.origin import find_images
from losslang.data.prepare import Preparation, prepare
from losslang.diagnostics import LosslangError
from tests.benchmarks.jpegs import write_folder

HERE = Preparation(size=32, processes=1)


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory):
    root = tmp_path_factory.mktemp("jpegs")
    write_folder(root, 60, 3, side=60)
    return root


@pytest.fixture
def broken(tmp_path):
    """A folder with one image that is cut off, one that is text, and one that is gray."""
    write_folder(tmp_path / "b", 12, 2, side=50)
    (tmp_path / "b/train/class000/000001.jpg").write_bytes(b"no image")
    whole = (tmp_path / "b/train/class001/000002.jpg").read_bytes()
    (tmp_path / "b/train/class001/000002.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (40, 30), 77).save(tmp_path / "b/train/class001/000003.jpg")
    return tmp_path / "b"


def same(one, two):
    return np.array_equal(one.rows, two.rows) and np.array_equal(one.pixels, two.pixels)


def test_a_cache_holds_the_images_squashed_and_their_own_sizes(jpegs, tmp_path):
    origin = find_images(jpegs)
    cache = prepare(origin, tmp_path / "c", HERE)
    assert (cache.train, cache.test, len(cache.classes), cache.size) == (60, 3, 3, 32)
    for row in (0, 41, 62):
        with Image.open(origin.read(row)) as image:
            expected = np.asarray(image.convert("RGB").resize((32, 32), Image.Resampling.BICUBIC))
            assert (cache.rows[row]["width"], cache.rows[row]["height"]) == image.size
        assert np.array_equal(cache.pixels[cache.rows[row]["position"]], expected)
        assert cache.rows[row]["label"] == origin.labels[row]
    assert same(open_cache(tmp_path / "c", look_at=1000), cache)


def test_several_processes_make_the_same_cache(jpegs, tmp_path):
    origin = find_images(jpegs)
    one = prepare(origin, tmp_path / "one", HERE)
    assert same(one, prepare(origin, tmp_path / "two", Preparation(size=32, processes=2)))


def test_crop_takes_the_middle_square():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200
    file = io.BytesIO()
    Image.fromarray(wide).save(file, "PNG")
    cropped, squashed = (decode(file.getvalue(), 20, fit) for fit in ("crop", "squash"))
    assert (cropped.height, cropped.width) == (20, 20)
    assert (cropped.pixels == 200).all()
    assert (squashed.height, squashed.width) == (20, 60)
    assert (squashed.pixels[:, 9:11] > 195).all()
    assert (squashed.pixels[:, :4] < 5).all()


def test_large_images_are_decoded_small_and_keep_their_size(tmp_path):
    Image.new("RGB", (900, 800), (10, 200, 30)).save(tmp_path / "large.jpg", quality=95)
    found = decode(tmp_path / "large.jpg", 16)
    assert (found.height, found.width, found.pixels.shape) == (800, 900, (16, 16, 3))
    assert np.abs(found.pixels.astype(int) - (10, 200, 30)).max() <= 3


def test_broken_images_are_left_out_and_listed(broken, tmp_path, capsys):
    assert main(["data", "folder", str(broken), "--out", str(tmp_path / "c"), "--size", "32", "--processes", "1"]) == 0
    shown = capsys.readouterr().out
    assert "2 images were left out" in shown
    assert "train/class000/000001.jpg: cannot identify image file\n" in shown
    cache = open_cache(tmp_path / "c", look_at=99)
    assert (cache.train, cache.test) == (10, 2)
    assert [line.partition(":")[0][6:] for line in cache.index["broken"]] == [
        "class000/000001.jpg",
        "class001/000002.jpg",
    ]
    gray = cache.pixels[cache.rows[np.flatnonzero(cache.rows["width"] == 40)[0]]["position"]]
    assert np.abs(gray.astype(int) - 77).max() <= 2


def test_links_to_nowhere_are_broken_images(broken, tmp_path, capsys):
    (broken / "train/class001/zz.jpg").symlink_to("nowhere.jpg")
    assert main(["data", "folder", str(broken), "--out", str(tmp_path / "c"), "--size", "32", "--processes", "1"]) == 0
    assert "train/class001/zz.jpg: No such file or directory" in capsys.readouterr().out
    assert len(open_cache(tmp_path / "c").index["broken"]) == 3


def test_gray_of_16_bits_keeps_its_range_and_32_bits_are_refused(tmp_path):
    ramp = np.linspace(0, 65535, 64).reshape(8, 8)
    Image.fromarray(ramp.astype(np.uint16)).save(tmp_path / "ramp.png")
    assert np.abs(decode(tmp_path / "ramp.png", 8).pixels[..., 1] - ramp / 257).max() <= 1
    for kind in (np.float32, np.int32):
        Image.fromarray(ramp.astype(kind)).save(tmp_path / "ramp.tif")
        with pytest.raises(Broken, match="pixels of 32 bits"):
            decode(tmp_path / "ramp.tif", 8)


def test_or_nothing_is_made(broken, tmp_path, capsys):
    command = ["data", "folder", str(broken), "--out", str(tmp_path / "c"), "--size", "32", "--processes", "1"]
    assert main([*command, "--broken", "fail"]) == 1
    assert "2 of 14 images do not read:\n  train/class000/000001.jpg" in capsys.readouterr().err
    with pytest.raises(LosslangError, match=r"is no cache: it holds no index.json"):
        open_cache(tmp_path / "c")
    assert main(command) == 0  # decodes the broken ones alone


def test_a_full_disk_is_said_and_the_same_command_goes_on(jpegs, tmp_path):
    """A limit on the size of files stands for the end of the disk."""
    origin, seen = find_images(jpegs), []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40 * 32 * 32 * 3 + 100, limits[1]))
    try:
        with pytest.raises(
            LosslangError, match=r"is full; make room, \d+ of 63 images are done, and the same command goes"
        ):
            prepare(origin, tmp_path / "c", HERE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    cache = prepare(origin, tmp_path / "c", HERE, tell=lambda done, *_: seen.append(done))
    assert seen[0] > 30
    assert same(cache, prepare(origin, tmp_path / "whole", HERE))


def test_room_is_looked_for_before_the_work(jpegs, tmp_path, monkeypatch):
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda _path: types.SimpleNamespace(free=1000))
    with pytest.raises(LosslangError, match=r"needs 0.19 MB, and the disk has 1,000 bytes left"):
        prepare(find_images(jpegs), tmp_path / "c", HERE)
    assert not (tmp_path / "c").exists()


def test_a_killed_preparation_goes_on(tmp_path):
    write_folder(tmp_path / "j", 200, 2, side=60)
    command = [sys.executable, "-m", "losslang", "data", "folder", str(tmp_path / "j"), "--out", str(tmp_path / "c")]
    process = subprocess.Popen([*command, "--processes", "1"], stdout=subprocess.PIPE, text=True)
    while "of" not in (line := process.stdout.readline()) or line.startswith("210"):
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    state = np.memmap(tmp_path / "c/state.bin", preparing._STATE_ROW, "r")
    done = int((state["state"] == 1).sum())
    assert 0 < done < len(state)
    seen, origin = [], find_images(tmp_path / "j")
    cache = prepare(origin, tmp_path / "c", Preparation(processes=1), lambda *told: seen.append(told))
    assert seen[0][0] == done + 1
    assert not cache.damaged(range(len(origin)))
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["images.npy", "index.json", "pixels.bin"]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
def test_a_killed_preparation_leaves_no_process_behind(tmp_path):
    write_folder(tmp_path / "j", 200, 2, side=60)
    command = [sys.executable, "-m", "losslang", "data", "folder", str(tmp_path / "j"), "--out", str(tmp_path / "c")]
    with subprocess.Popen([*command, "--processes", "2"], stdout=subprocess.PIPE, text=True) as process:
        while not process.stdout.readline().startswith("  "):
            assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    until = time.monotonic() + 30
    while left := [child for child in children if Path(f"/proc/{child}").is_dir()]:
        assert time.monotonic() < until, left
        time.sleep(0.05)
    assert len(children) > 1


def test_a_changed_folder_is_noticed(jpegs, tmp_path):
    write_folder(tmp_path / "j", 8, 2, side=40)
    first = prepare(find_images(tmp_path / "j"), tmp_path / "c", HERE)
    assert same(prepare(find_images(tmp_path / "j"), tmp_path / "c", HERE), first)
    with pytest.raises(LosslangError, match="it has the size 32, not 48; replace it with --overwrite"):
        prepare(find_images(tmp_path / "j"), tmp_path / "c", Preparation(size=48, processes=1))
    os.utime(tmp_path / "j/train/class000/000000.jpg", ns=(1, 1))
    with pytest.raises(
        LosslangError, match=r"made from other images: files of folder .* were added, removed or changed"
    ):
        prepare(find_images(tmp_path / "j"), tmp_path / "c", HERE)


def test_damage_is_found(jpegs, tmp_path, capsys):
    cache = prepare(find_images(jpegs), tmp_path / "c", HERE)
    with (tmp_path / "c/pixels.bin").open("r+b") as file:
        file.seek(17 * cache.image_bytes + 5)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 255]))
    with pytest.raises(LosslangError, match="is damaged: image 17"):
        open_cache(tmp_path / "c")
    assert main(["data", "verify", str(tmp_path / "c")]) == 1
    assert "1 image is damaged: row 17" in capsys.readouterr().out
    os.truncate(tmp_path / "c/pixels.bin", 100)
    with pytest.raises(LosslangError, match="has 100 bytes in place of"):
        open_cache(tmp_path / "c")
    (tmp_path / "c/images.npy").write_bytes(b"")
    with pytest.raises(LosslangError, match="has changed since it was written"):
        Cache(tmp_path / "c", cache.index).damaged([0])


def test_nothing_else_is_overwritten(jpegs, tmp_path, capsys):
    (tmp_path / "precious.txt").write_text("mine")
    assert main(["data", "folder", str(jpegs), "--out", str(tmp_path), "--overwrite"]) == 1
    assert "is no cache, and is not removed" in capsys.readouterr().err
    with pytest.raises(LosslangError, match="is not empty, and what it holds is no cache"):
        prepare(find_images(jpegs), tmp_path, HERE)
    assert (tmp_path / "precious.txt").exists()


def test_a_process_that_is_killed_is_reported(jpegs, tmp_path, monkeypatch):
    monkeypatch.setattr("losslang.data.prepare._CHUNK", 1)  # there is work left whenever they are killed

    def kill_all(*_):
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGKILL)

    with pytest.raises(LosslangError, match="a process ended without a word"):
        prepare(find_images(jpegs), tmp_path / "c", Preparation(size=32, processes=2), kill_all)


def test_imagenet100_says_what_it_lacks(jpegs, capsys):
    assert main(["data", "imagenet100", "--from", str(jpegs)]) == 1
    assert "lacks 100 of 100 class folders: n01558993" in capsys.readouterr().err
    assert main(["data", "imagenet100"]) == 1
    assert "needs --from DIR" in capsys.readouterr().err


# ---------------------------------------------------------------- the hub, with a stand-in for the package


class Rows:
    """As much of a `datasets.Dataset` as is used."""

    def __init__(self, cells, features, fingerprint):
        self.cells, self.features, self._fingerprint = cells, features, fingerprint

    def cast_column(self, name, kind):
        assert name == "picture"
        assert kind.decode is False
        return self

    def __len__(self):
        return len(self.cells)

    def __getitem__(self, key):
        if isinstance(key, str):
            return [cell[key] for cell in self.cells]
        return self.cells[key]


@pytest.fixture
def stand_in(monkeypatch, jpegs):
    files = [path.read_bytes() for path in sorted(jpegs.rglob("*.jpg"))]

    class Picture:
        def __init__(self, decode=True):
            self.decode = decode

    class ClassLabel:
        names = ("cat", "dog")

    features = {"picture": Picture(), "kind": ClassLabel(), "id": object()}
    parts = {"train": files[:5], "validation": files[5:8]}
    loaded = {
        name: Rows([{"picture": {"bytes": f, "path": None}, "kind": i % 2} for i, f in enumerate(part)], features, name)
        for name, part in parts.items()
    }
    module = types.SimpleNamespace(
        Image=Picture, ClassLabel=ClassLabel, load_dataset=lambda name: {"some/pets": loaded}[name]
    )
    monkeypatch.setitem(sys.modules, "datasets", module)
    return files


def test_a_hub_data_set(stand_in, tmp_path):
    origin = hub_images("some/pets")
    assert (origin.name, origin.train, len(origin), origin.classes) == ("pets", 5, 8, ("cat", "dog"))
    assert list(origin.labels) == [0, 1, 0, 1, 0, 0, 1, 0]
    assert [origin.read(i) for i in range(8)] == stand_in[:8]
    cache = prepare(origin, tmp_path / "c", HERE)
    assert np.array_equal(cache.pixels[6], decode(stand_in[6], 32).pixels)
    with pytest.raises(LosslangError, match="does not load from the hub"):
        hub_images("no/such")


def test_without_the_packages_the_message_names_the_extra(monkeypatch, jpegs, tmp_path):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(LosslangError, match=r"pip install 'losslang\[hub\]'"):
        hub_images("some/pets")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(LosslangError, match=r"pip install 'losslang\[images\]'"):
        prepare(find_images(jpegs), tmp_path / "c", HERE)
