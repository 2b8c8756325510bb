"""The composer: a Llama-shaped decoder that adds the condition vector of a position's bar to its input.

The decoder has RMSNorm, rotary positions, SwiGLU and a tied head. Its weights carry the names of
transformers' LlamaForCausalLM, so that they can be loaded there (benchmarks/generate.py does so).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from composer_core.model.composer.conditions import ConditionArrays, ConditionEncoder
from composer_core.model.composer.heads import Heads
from composer_core.model.config import ModelConfig

NORM_EPSILON = 1e-5


def rotary_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """The cosine and the sine of the rotary angles, (max_length, head width) each."""
    half = config.d_model // config.n_heads // 2
    frequency = config.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.outer(torch.arange(config.max_length, dtype=torch.float32), frequency).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Apply rotary positions to queries or keys (..., length, head width)."""
    half = x.shape[-1] // 2
    return x * cosine + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sine


@dataclass(slots=True)
class Cache:
    """The keys and values of the sequences so far: two tensors (layers, n, heads, max_length, head width)."""

    keys: Tensor
    values: Tensor
    length: int = 0

    def rows(self, index: Tensor) -> Cache:
        """The cache of the sequences with these indices."""
        shape = (self.keys.shape[0], len(index), *self.keys.shape[2:])
        kept = Cache(self.keys.new_empty(shape), self.values.new_empty(shape), self.length)
        for part, own in ((self.keys, kept.keys), (self.values, kept.values)):
            own[..., : self.length, :] = part[:, index, :, : self.length]
        return kept


class Attention(nn.Module):
    """Causal self-attention over `n_heads` heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_heads = config.n_heads
        self.q_proj = nn.Linear(config.d_model, config.d_model, bias=False)
        self.k_proj = nn.Linear(config.d_model, config.d_model, bias=False)
        self.v_proj = nn.Linear(config.d_model, config.d_model, bias=False)
        self.o_proj = nn.Linear(config.d_model, config.d_model, bias=False)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.n_heads, -1).transpose(1, 2)

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, cache: tuple[Tensor, Tensor] | None, start: int
    ) -> Tensor:
        """Map (n, length, d_model) to the same shape; with a cache, new keys are written from `start` on."""
        query = rotate(self._heads(self.q_proj(x)), cosine, sine)
        key = rotate(self._heads(self.k_proj(x)), cosine, sine)
        value = self._heads(self.v_proj(x))
        causal = True
        if cache is not None:
            stop = start + x.shape[1]
            cache[0][:, :, start:stop] = key
            cache[1][:, :, start:stop] = value
            key, value = cache[0][:, :, :stop], cache[1][:, :, :stop]
            causal = start == 0 and x.shape[1] > 1
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
        projected: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(x.shape))
        return projected


class FeedForward(nn.Module):
    """The feed-forward block: SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.d_model, config.d_feed_forward, bias=False)
        self.up_proj = nn.Linear(config.d_model, config.d_feed_forward, bias=False)
        self.down_proj = nn.Linear(config.d_feed_forward, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d_model) to the same shape."""
        fed: Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return fed


class Layer(nn.Module):
    """One pre-norm decoder layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = FeedForward(config)
        self.input_layernorm = nn.RMSNorm(config.d_model, eps=NORM_EPSILON)
        self.post_attention_layernorm = nn.RMSNorm(config.d_model, eps=NORM_EPSILON)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, cache: tuple[Tensor, Tensor] | None, start: int
    ) -> Tensor:
        """(n, length, d_model) to the same."""
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), cosine, sine, cache, start))
        widened: Tensor = x + self.dropout(self.mlp(self.post_attention_layernorm(x)))
        return widened


class Composer(nn.Module):
    """The model: it maps token ids and conditions to the logits of the next token."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.n_tokens, config.d_model)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layers))
        self.norm = nn.RMSNorm(config.d_model, eps=NORM_EPSILON)
        self.conditions = ConditionEncoder(config)
        self.heads = Heads(config) if config.heads else None
        self.dropout = nn.Dropout(config.dropout)
        cosine, sine = rotary_tables(config)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._start_weights()

    def _start_weights(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2:
                nn.init.normal_(parameter, std=self._deviation(name))

    def _deviation(self, name: str) -> float:
        """Standard deviation of the initial values of a matrix, by its name."""
        if name == "embed_tokens.weight":
            # The head is tied to it: with 0.02 its logits start so flat that the first 300 steps learn nothing.
            return float(self.config.d_model**-0.5)
        if name.startswith("conditions.") and "mlp.0" not in name:
            # The condition must start much weaker than the tokens it is added to, or it drowns them.
            return 0.004
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            return 0.02 / float((2 * self.config.n_layers) ** 0.5)
        return 0.1 if "mlp.0" in name else 0.02

    def forward(self, ids: Tensor, condition: Tensor, cache: Cache | None = None) -> Tensor:
        """Map ids (n, length) and condition vectors (n, length, d_model) to logits (n, length, n_tokens)."""
        return self.logits(self.hidden(ids, condition, cache))

    def hidden(self, ids: Tensor, condition: Tensor, cache: Cache | None = None) -> Tensor:
        """The last layer's states (n, length, d_model) for ids (n, length) and condition vectors per position."""
        start = cache.length if cache is not None else 0
        stop = start + ids.shape[1]
        cosine, sine = self.cosine[start:stop], self.sine[start:stop]  # type: ignore[index]
        x = self.dropout(self.embed_tokens(ids) + condition)
        for index, layer in enumerate(self.layers):
            slot = (cache.keys[index], cache.values[index]) if cache is not None else None
            x = layer(x, cosine, sine, slot, start)
        if cache is not None:
            cache.length = stop
        normed: Tensor = self.norm(x)
        return normed

    def logits(self, hidden: Tensor) -> Tensor:
        """Map (..., d_model) to (..., n_tokens); the head is tied to the embedding."""
        return functional.linear(hidden, self.embed_tokens.weight)

    def new_cache(self, n: int) -> Cache:
        """An empty cache with room for n sequences of the model's full length."""
        config = self.config
        shape = (config.n_layers, n, config.n_heads, config.max_length, config.d_model // config.n_heads)
        weight = self.embed_tokens.weight
        return Cache(weight.new_empty(shape), weight.new_empty(shape))

    def condition_vectors(self, arrays: ConditionArrays) -> Tensor:
        """Encode condition arrays as (n, MAX_BARS + 1, d_model) on the model's device: one vector per bar."""
        return self.conditions.encode(arrays, self.embed_tokens.weight.device)

    def at_positions(self, vectors: Tensor, bar: Tensor) -> Tensor:
        """Pick the vector of each position's bar.

        `vectors` is (n, MAX_BARS + 1, d_model), `bar` (n, length); the result is (n, length, d_model).
        """
        return vectors.gather(1, bar.unsqueeze(-1).expand(-1, -1, vectors.shape[-1]))

    @property
    def n_parameters(self) -> int:
        """The number of weights."""
        return sum(parameter.numel() for parameter in self.parameters())
