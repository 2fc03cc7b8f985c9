"""ResNet-18, 34 and 50 (He et al. 2016) with torchvision's parameter names, without the classifier.

Bottlenecks stride in the 3×3 convolution (v1.5), and initialisation is torchvision's, so weights pass both ways.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["BasicBlock", "Bottleneck", "ResNet"]


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and the shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channel, row, column] to the same."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The norm whose scale, if zero at first, makes the block begin as its shortcut."""
        return self.bn2


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions and the shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channel, row, column] to the same."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """The norm whose scale, if zero at first, makes the block begin as its shortcut."""
        return self.bn3


class ResNet(nn.Module):
    """Images to features after global average pooling.

    `depths` are the blocks per stage. `stem` is `imagenet` (7×7 with stride 2, then max-pooling) or `cifar` (3×3 with
    stride 1 and no pooling, for images of 32 pixels). `zero_init_residual` starts every block as its shortcut. `width` is
    the number of channels of the first stage.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        depths: tuple[int, int, int, int],
        *,
        stem: str = "imagenet",
        zero_init_residual: bool = False,
        channels: int = 3,
        width: int = 64,
    ) -> None:
        super().__init__()
        small = stem == "cifar"
        self.conv1 = _conv(channels, width, 3) if small else _conv(channels, width, 7, 2)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        out = width * block.expansion
        self.layer1 = _stage(block, width, width, depths[0], 1)
        self.layer2 = _stage(block, out, 2 * width, depths[1], 2)
        self.layer3 = _stage(block, 2 * out, 4 * width, depths[2], 2)
        self.layer4 = _stage(block, 4 * out, 8 * width, depths[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.feature_size = 8 * out
        self._initialise(zero_init_residual=zero_init_residual)

    def _initialise(self, *, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init_residual and isinstance(module, BasicBlock | Bottleneck):
                nn.init.zeros_(module.last_norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channel, row, column] to [batch, feature]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.avgpool(x).flatten(1)


def _stage(block: type[BasicBlock | Bottleneck], inputs: int, width: int, depth: int, stride: int) -> nn.Sequential:
    outputs = width * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
    blocks = [block(inputs, width, stride, downsample)]
    blocks += [block(outputs, width, 1, None) for _ in range(1, depth)]
    return nn.Sequential(*blocks)
