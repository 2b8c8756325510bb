"""Decode one token at a time, with the composer's weights laid out for products with few rows.

It computes the same as the layers of `transformer.py`, but is written for sampling: queries, keys and values come from
one product, gate and up from another, each weight is transposed once so that memory is read in sequence, and the gain
of each norm is folded into the weight that follows it. On one core a step of one row takes half the time at 2.5 million
parameters and two thirds at 11 (`benchmarks/generate.py`). Sums are rounded in another order, so logits agree to five
digits, not to the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from composer_core.model.composer.adapter import AdaptedLinear
from composer_core.model.composer.transformer import NORM_EPSILON, Cache, Composer, Layer


@dataclass(frozen=True, slots=True)
class _LayerWeights:
    """(d_model, 3 d_model), (d_model, d_model), (d_model, 2 d_feed_forward), (d_feed_forward, d_model)."""

    attention_in: Tensor
    attention_out: Tensor
    feed_in: Tensor
    feed_out: Tensor

    @classmethod
    def of(cls, layer: Layer) -> _LayerWeights:
        """The weights of one layer, joined and transposed."""
        attention, feed = layer.self_attn, layer.mlp
        asked = torch.cat([_weight(attention.q_proj), _weight(attention.k_proj), _weight(attention.v_proj)])
        gated = torch.cat([_weight(feed.gate_proj), _weight(feed.up_proj)])
        return cls(
            _columns(asked * layer.input_layernorm.weight),
            _columns(_weight(attention.o_proj)),
            _columns(gated * layer.post_attention_layernorm.weight),
            _columns(_weight(feed.down_proj)),
        )


class Stepper:
    """The next logits of sequences that each grow by one token; the weights are those of the moment it is made."""

    def __init__(self, composer: Composer) -> None:
        self.layers = [_LayerWeights.of(layer) for layer in composer.layers]  # type: ignore[arg-type]
        self.embedding = composer.embed_tokens.weight
        self.head = _columns(self.embedding * composer.norm.weight)
        self.n_heads = composer.config.n_heads
        self.half = composer.config.d_model // self.n_heads // 2
        sine = composer.sine[:, : self.half]  # type: ignore[index]
        self.cosine: Tensor = composer.cosine  # type: ignore[assignment]
        self.signed_sine = torch.cat([-sine, sine], dim=-1)

    def __call__(self, ids: Tensor, condition: Tensor, cache: Cache) -> Tensor:
        """ids (n,) and condition vectors (n, d_model) to logits (n, n_tokens); the cache grows by one."""
        place = cache.length
        cosine, sine = self.cosine[place], self.signed_sine[place].view(2, self.half)
        x = functional.embedding(ids, self.embedding) + condition
        for index, weights in enumerate(self.layers):
            mixed = self._attend(_normed(x) @ weights.attention_in, cosine, sine, cache, index)
            x = torch.addmm(x, mixed, weights.attention_out)
            gate, up = (_normed(x) @ weights.feed_in).chunk(2, dim=-1)
            x = torch.addmm(x, functional.silu(gate) * up, weights.feed_out)
        cache.length = place + 1
        return _normed(x) @ self.head

    def _attend(self, joined: Tensor, cosine: Tensor, sine: Tensor, cache: Cache, index: int) -> Tensor:
        """Queries, keys and values (n, 3 d_model) of a layer to the mixed values (n, d_model)."""
        n, place = len(joined), cache.length
        heads = joined.view(n, 3, self.n_heads, 2 * self.half)
        plain = heads[:, :2]
        swapped = plain.view(n, 2, self.n_heads, 2, self.half).flip(-2) * sine
        turned = torch.addcmul(swapped.view(plain.shape), plain, cosine)
        keys, values = cache.keys[index], cache.values[index]
        keys[:, :, place] = turned[:, 1]
        values[:, :, place] = heads[:, 2]
        query = turned[:, 0].unsqueeze(2)
        mixed = functional.scaled_dot_product_attention(query, keys[:, :, : place + 1], values[:, :, : place + 1])
        return mixed.reshape(n, -1)


_KEPT: WeakKeyDictionary[Composer, tuple[list[tuple[int, int]], Stepper]] = WeakKeyDictionary()


def next_logits(composer: Composer, step: Stepper, ids: Tensor, condition: Tensor, cache: Cache) -> Tensor:
    """ids (n, length) and condition vectors (n, length, d_model) to the logits after them (n, n_tokens).

    The cache grows by `length`. More than one token at once go through the composer's own layers.
    """
    if ids.shape[1] > 1:
        logits: Tensor = composer(ids, condition, cache)[:, -1]
        return logits
    return step(ids[:, 0], condition[:, 0], cache)


def stepper_of(composer: Composer) -> Stepper:
    """The composer's stepper, kept while its weights stay as they are and it is in memory."""
    state = [(parameter._version, parameter.data_ptr()) for parameter in composer.parameters()]
    known = _KEPT.get(composer)
    if known is None or known[0] != state:
        known = state, Stepper(composer)
        _KEPT[composer] = known
    return known[1]


def _weight(linear: nn.Module) -> Tensor:
    """(out, in) of a linear layer, its adapter included."""
    return linear.merged() if isinstance(linear, AdaptedLinear) else linear.weight  # type: ignore[return-value]


def _columns(weight: Tensor) -> Tensor:
    """(out, in) laid out as (in, out)."""
    return weight.detach().t().contiguous()


def _normed(x: Tensor) -> Tensor:
    """RMS norm without a gain."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPSILON)
