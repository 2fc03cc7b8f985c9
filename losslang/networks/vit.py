"""Vision transformers (Dosovitskiy et al. 2021) with timm's parameter names, without the classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["VisionTransformer"]


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, token, feature] to the same."""
        batch, tokens, width = x.shape
        query, key, value = self.qkv(x).view(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """[…, feature] to the same."""
        return self.fc2(F.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), _Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), _Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, token, feature] to the same."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class _Patches(nn.Module):
    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channel, row, column] to [batch, feature, row of patches, column]."""
        return self.proj(x)


class VisionTransformer(nn.Module):
    """Images to the class token's features after the last norm.

    `image_size` is the side of images that position embeddings are learned for; for other sizes they are interpolated
    (bicubic, as DINO does for small crops).
    """

    def __init__(
        self, *, width: int, depth: int, heads: int, image_size: int = 224, patch: int = 16, channels: int = 3
    ) -> None:
        super().__init__()
        self.grid = image_size // patch
        self.patch_embed = _Patches(channels, width, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + self.grid**2, width))
        self.blocks = nn.Sequential(*(_Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.feature_size = width
        self._initialise()

    def _initialise(self) -> None:
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channel, row, column] to [batch, feature]; sides are multiples of the patch."""
        patches = self.patch_embed(x)
        tokens = patches.flatten(2).transpose(1, 2) + self._positions(patches.shape[2], patches.shape[3])
        first = (self.cls_token + self.pos_embed[:, :1]).expand(
            x.shape[0], -1, -1
        )  # len() would fix the batch's size in exports
        return self.norm(self.blocks(torch.cat([first, tokens], dim=1)))[:, 0]

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Position embeddings [1, token, feature] of a grid of patches."""
        learned = self.pos_embed[:, 1:]
        if rows == columns == self.grid:
            return learned
        square = learned.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return F.interpolate(square, (rows, columns), mode="bicubic", antialias=False).flatten(2).transpose(1, 2)
