"""The two towers: a plain patch transformer and a small causal text one."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the towers."""

    vocabulary: int = 4096
    projection: int = 128
    text_width: int = 128
    text_layers: int = 2
    text_heads: int = 2
    positions: int = 32
    image_width: int = 192
    image_layers: int = 6
    image_heads: int = 3
    image_size: int = 128
    patch_size: int = 16


class Block(nn.Module):
    """Pre-norm transformer block with separate q, k, v and exact GELU."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.layer_norm1 = nn.LayerNorm(width)
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        self.layer_norm2 = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x, causal):
        """[batch, tokens, width] to the same."""
        b, n, width = x.shape
        q, k, v = self.qkv_proj(self.layer_norm1(x)).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + self.out_proj(mixed.transpose(1, 2).reshape(b, n, width))
        return x + self.fc2(F.gelu(self.fc1(self.layer_norm2(x))))


class ImageTower(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, patches = shape.image_width, (shape.image_size // shape.patch_size) ** 2
        self.patch_embedding = nn.Conv2d(3, width, shape.patch_size, shape.patch_size)
        self.position_embedding = nn.Parameter(0.02 * torch.randn(patches, width))
        self.layers = nn.ModuleList(Block(width, shape.image_heads) for _ in range(shape.image_layers))
        self.post_layernorm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, shape.projection, bias=False)
        self.pooled_projection = nn.Linear(width, shape.projection, bias=False)

    def forward(self, pixels):
        """uint8 [b, h, w, 3] to normalised patches [b, 64, d] and pooled [b, d]."""
        x = (pixels.permute(0, 3, 1, 2).float() - 127.5) / 64
        size = self.patch_embedding.kernel_size[0]
        b, _, h, w = x.shape
        patches = x.view(b, 3, h // size, size, w // size, size).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, 3 * size * size)
        x = F.linear(patches, self.patch_embedding.weight.flatten(1), self.patch_embedding.bias)
        x = x + self.position_embedding
        for layer in self.layers:
            x = layer(x, causal=False)
        x = self.post_layernorm(x)
        pooled = self.pooled_projection(x.mean(1))
        return F.normalize(self.projection(x).float(), dim=-1), F.normalize(pooled.float(), dim=-1)


class TextTower(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width = shape.text_width
        self.token_embedding = nn.Embedding(shape.vocabulary, width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.position_embedding = nn.Parameter(0.01 * torch.randn(shape.positions, width))
        self.layers = nn.ModuleList(Block(width, shape.text_heads) for _ in range(shape.text_layers))
        self.final_layer_norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, shape.projection, bias=False)
        self.pooled_projection = nn.Linear(width, shape.projection, bias=False)

    def forward(self, ids, ends):
        """ids [b, n] with end positions [b] to tokens [b, n, d] and pooled [b, d]."""
        x = self.token_embedding(ids) + self.position_embedding[:ids.shape[1]]
        for layer in self.layers:
            x = layer(x, causal=True)
        x = self.final_layer_norm(x)
        pooled = self.pooled_projection(x[torch.arange(len(ids)), ends])
        return F.normalize(self.projection(x).float(), dim=-1), F.normalize(pooled.float(), dim=-1)


class Filip(nn.Module):
    """Both towers, and what only training needs: prototypes and temperatures."""

    def __init__(self, shape, concepts):
        super().__init__()
        self.image = ImageTower(shape)
        self.text = TextTower(shape)
        self.prototypes = nn.Parameter(torch.randn(concepts, shape.projection) / shape.projection ** 0.5)
        starts = torch.tensor([30.0, 20.0, 20.0, 30.0])
        self.log_scales = nn.Parameter(starts.log())   # late, pooled, region, class

    def scale(self, which):
        index = ("late", "pooled", "region", "class").index(which)
        return self.log_scales[index].exp().clamp(max=100)
