"""Backbones: sizes, names and counts of parameters as torchvision's."""

import pytest
import torch

from losslang.diagnostics import LosslangError
from losslang.networks.backbones import BACKBONES, make_backbone
from losslang.networks.zoo import from_library
from losslang.training.recipe import BackboneChoice

# torchvision's models without `fc`: entries of the state dict, trainable numbers.
TORCHVISION = {
    "resnet18": (120, 11_176_512, 512),
    "resnet34": (216, 21_284_672, 512),
    "resnet50": (318, 23_508_032, 2048),
}
NAMES = [
    "conv1.weight",
    "bn1.running_mean",
    "layer1.0.conv1.weight",
    "layer1.1.bn2.num_batches_tracked",
    "layer2.0.downsample.0.weight",
    "layer2.0.downsample.1.bias",
    "layer4.1.conv2.weight",
]


@pytest.mark.parametrize("name", TORCHVISION)
def test_resnets_have_torchvisions_parameters(name):
    made = make_backbone(name, (3, 32, 32))
    state = made.module.state_dict()
    count = sum(p.numel() for p in made.module.parameters())
    assert (len(state), count, made.feature_size) == TORCHVISION[name]
    assert set(NAMES) <= set(state)
    assert ("layer1.0.downsample.0.weight" in state) == (name == "resnet50")


@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
def test_stems(stem):
    made = make_backbone("resnet18", (3, 32, 32), stem=stem)
    x = torch.randn(2, 3, 32, 32)
    assert made.module(x).shape == (2, made.feature_size)
    rows = made.module.layer1(made.module.maxpool(made.module.conv1(x))).shape[2]
    assert rows == {"imagenet": 8, "cifar": 32}[stem]


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_blocks_can_start_as_their_shortcut(name):
    plain, zero = (make_backbone(name, (1, 16, 16), zero_init_residual=on).module for on in (False, True))
    assert not any(
        p.any() for n, p in zero.named_parameters() if n.endswith(("bn2.weight", "bn3.weight")) and _last(n, name)
    )
    assert all(p.all() for n, p in plain.named_parameters() if n.endswith("bn2.weight"))


def _last(parameter, name):
    return parameter.endswith("bn2.weight" if name == "resnet18" else "bn3.weight")


def test_mlp_flattens_images_and_has_no_activation_at_the_end():
    made = make_backbone("mlp", (1, 8, 8), widths=(32, 16), norm="batchnorm")
    assert [type(layer).__name__ for layer in made.module] == ["Flatten", "Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert made.module(torch.randn(4, 1, 8, 8)).shape == (4, made.feature_size) == (4, 16)


@pytest.mark.parametrize("name", BACKBONES)
def test_recipes_offer_every_backbone_with_options_it_takes(name):
    make_backbone(name, (1, 8, 8), **BackboneChoice(name=name).options)


def test_resnet_in_double_precision_compiles_as_one_graph():
    network = make_backbone("resnet18", (1, 8, 8), stem="cifar").module.double().eval()
    x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(torch.compile(network, fullgraph=True, backend="eager")(x), network(x))


# timm's models with num_classes=0 at 224 pixels: trainable numbers.
@pytest.mark.parametrize(
    ("name", "count", "features"),
    [("vit_ti", 5_524_416, 192), ("vit_s", 21_665_664, 384), ("vit_b", 85_798_656, 768)],
)
def test_transformers_have_timms_parameters(name, count, features):
    with torch.device("meta"):
        made = make_backbone(name, (3, 224, 224))
    names = made.module.state_dict().keys()
    assert sum(p.numel() for p in made.module.parameters()) == count
    assert made.feature_size == features
    assert {"cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.11.attn.qkv.bias", "norm.weight"} <= names


def test_a_transformer_takes_other_sizes():
    network = make_backbone("vit_ti", (3, 32, 32), patch=8).module.eval()
    assert network(torch.randn(2, 3, 32, 32)).shape == network(torch.randn(2, 3, 16, 16)).shape == (2, 192)
    x = torch.randn(2, 3, 32, 32)
    moved = x.roll(8, 3)  # patches change places: with positions taken out nothing changes
    with torch.no_grad():
        assert not torch.allclose(network(x), network(moved), atol=1e-5)
        network.pos_embed.zero_()
        torch.testing.assert_close(network(x), network(moved), atol=1e-5, rtol=1e-4)


def test_width_scales_a_resnet():
    made = make_backbone("resnet18", (3, 32, 32), width=4)
    assert made.feature_size == 32
    assert made.module(torch.randn(2, 3, 32, 32)).shape == (2, 32)


@pytest.mark.parametrize("name", ["torchvision:resnet18", "timm:resnet18"])
def test_networks_of_other_libraries(name):
    try:
        network, size = from_library(name, (3, 64, 64))
    except LosslangError as error:
        assert "pip install 'losslang[zoo]'" in str(error)  # noqa: PT017 - the message is what is tested
        pytest.skip(str(error))
    assert size == 512
    assert network(torch.randn(2, 3, 64, 64)).shape == (2, 512)


def test_a_network_that_a_library_lacks(monkeypatch):
    import sys
    import types

    def create_model(name, **options):
        if name != "tiny":
            raise RuntimeError("Unknown model")
        assert options == {"pretrained": False, "num_classes": 0, "in_chans": 3}
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 7))

    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=create_model))
    assert make_backbone("timm:tiny", (3, 4, 4)).feature_size == 7
    with pytest.raises(LosslangError, match="timm has no network `huge`: Unknown model"):
        from_library("timm:huge", (3, 4, 4))
    with pytest.raises(LosslangError, match=r"timm:tiny takes no images of shape \[3, 5, 5\]: "):
        from_library("timm:tiny", (3, 5, 5))
