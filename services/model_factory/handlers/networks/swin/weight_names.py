"""What the weights of a Swin Transformer are called elsewhere, and what they are called here."""

from __future__ import annotations

import re

PREFIXES = re.compile(r"^(module\.|model\.|backbone\.|swin\.)+")
"""Of whatever the network was wrapped in."""
COMPUTED = re.compile(r"(relative_position_index|attn_mask|relative_coords_table)$")
"""No weights: they follow from the window."""

_TORCHVISION = (
    (r"^features\.0\.0\.", "embed."),
    (r"^features\.0\.2\.", "embed_norm."),
    *((rf"^features\.{2 * stage + 1}\.", f"stages.{stage}.blocks.") for stage in range(4)),
    *((rf"^features\.{2 * stage}\.", f"stages.{stage}.merge.") for stage in (1, 2, 3)),
    (r"\.mlp\.0\.", ".expand."),
    (r"\.mlp\.3\.", ".contract."),
    (r"\.merge\.reduction\.", ".merge.reduce."),
)
_TRANSFORMERS = (
    (r"^embeddings\.patch_embeddings\.projection\.", "embed."),
    (r"^embeddings\.norm\.", "embed_norm."),
    (r"^encoder\.", ""),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.self\.(query|key|value)\.", r".attention.\1."),
    (r"\.attention\.q_proj\.", ".attention.query."),
    (r"\.attention\.k_proj\.", ".attention.key."),
    (r"\.attention\.v_proj\.", ".attention.value."),
    (r"\.attention\.(self\.)?(relative_position_bias\.)?relative_position_bias_table$", ".attention.bias_table"),
    (r"\.attention\.(output\.dense|o_proj)\.", ".attention.projection."),
    (r"\.intermediate\.dense\.", ".expand."),
    (r"(blocks\.\d+)\.output\.dense\.", r"\1.contract."),
    (r"^layernorm\.", "norm."),
    (r"^classifier\.", "head."),
)
_AUTHORS_AND_TIMM = (
    (r"^patch_embed\.proj\.", "embed."),
    (r"^patch_embed\.norm\.", "embed_norm."),
    (r"\.attn\.relative_position_bias_table$", ".attention.bias_table"),
    (r"\.attn\.qkv\.", ".attention.qkv."),
    (r"\.attn\.proj\.", ".attention.projection."),
    (r"\.mlp\.fc1\.", ".expand."),
    (r"\.mlp\.fc2\.", ".contract."),
    (r"^head\.fc\.", "head."),
    (r"^layers\.", "stages."),
    (r"\.downsample\.reduction\.", ".downsample.reduce."),
)
OLD_NAMES = tuple((re.compile(pattern), ours) for pattern, ours in (*_TORCHVISION, *_TRANSFORMERS, *_AUTHORS_AND_TIMM))
"""Applied one after another; the place of the merge (``downsample``) is decided afterwards."""
