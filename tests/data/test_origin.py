"""Folders of images: which layouts are read, and what is said of others."""

import pytest

from losslang.data.origin import find_images, imagenet100_classes
from losslang.diagnostics import LosslangError


def folder(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_train_and_val_are_the_two_parts(tmp_path):
    origin = find_images(
        folder(tmp_path, "train/b/1.jpg", "train/a/deep/2.JPEG", "val/a/3.png", "val/b/4.jpg", "train/a/x.txt")
    )
    assert origin.classes == ("a", "b")
    assert origin.names == ["train/a/deep/2.JPEG", "train/b/1.jpg", "val/a/3.png", "val/b/4.jpg"]
    assert (list(origin.labels), origin.train, len(origin)) == ([0, 1, 0, 1], 2, 4)
    assert origin.read(1) == tmp_path / "train/b/1.jpg"


def test_without_val_a_seeded_share_of_every_class_is_held_out(tmp_path):
    folder(tmp_path, *(f"{c}/{i}.jpg" for c in "abc" for i in range(20)), "single/1.jpg")
    one, again, other = (find_images(tmp_path, held_out=0.1, seed=seed) for seed in (0, 0, 1))
    assert one.names == again.names != other.names
    assert sorted(one.names) == sorted(other.names)
    held = [name.partition("/")[0] for name in one.names[one.train :]]
    assert held == ["a", "a", "b", "b", "c", "c"]


def test_chosen_classes_in_their_order(tmp_path):
    folder(tmp_path, *(f"{part}/{c}/1.jpg" for part in ("train", "val") for c in "abcd"))
    origin = find_images(tmp_path, classes=("d", "b"))
    assert origin.names == ["train/d/1.jpg", "train/b/1.jpg", "val/d/1.jpg", "val/b/1.jpg"]
    with pytest.raises(LosslangError, match="lacks 1 of 2 class folders: z"):
        find_images(tmp_path, classes=("a", "z"))


def test_the_fingerprint_follows_the_files(tmp_path):
    folder(tmp_path, "a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg")
    before = find_images(tmp_path).fingerprint
    assert find_images(tmp_path).fingerprint == before
    (tmp_path / "a/1.jpg").write_bytes(b"longer")
    assert find_images(tmp_path).fingerprint != before


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "is not there"),
        (["a.jpg"], "has 0 folders; one for every class is needed"),
        (["a/1.txt", "b/1.jpg"], "there are no training images of a; images end in .jpg"),
        (["train/a/1.jpg", "train/b/1.jpg", "val/1.jpg"], "lacks the class folder a and 1 others"),
    ],
)
def test_other_layouts_are_explained(tmp_path, names, message):
    with pytest.raises(LosslangError, match=message):
        find_images(folder(tmp_path / "images", *names))


def test_imagenet100_has_a_hundred_classes():
    classes = imagenet100_classes()
    assert len(set(classes)) == 100
    assert all(len(name) == 9 and name[0] == "n" and name[1:].isdigit() for name in classes)
    assert list(classes) == sorted(classes)
