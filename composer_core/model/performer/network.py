"""The performer: it predicts how hard, and how early or late, each note of a loop is played.

It is a bidirectional transformer over the notes of a loop. For each note it predicts a
distribution of velocity and of the offset from the swung grid, given the notes, tempo, genre,
arousal and the notes that are already played. Sampling plays the notes in a few rounds, and each
round sees those before it, so that neighbours agree as a player's do. Sampling all notes at once
from the marginals would be jitter with the right histogram. The mean is never used, because it
flattens the playing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from composer_core.errors import InvalidValue, ModelError, NotFound, require_range
from composer_core.model.config import require_even_heads
from composer_core.model.device import inference_threads
from composer_core.model.performer.features import (
    AROUSAL_PLACE,
    CATEGORY_SIZES,
    N_CONTEXT,
    N_NUMBERS,
    N_PITCHED_NUMBERS,
    N_PLACES,
    NoteFeatures,
    context_vector,
    note_features,
    position_in_bar,
)
from composer_core.music.loop import Loop
from composer_core.store.atomic import write_bytes, write_json

WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"
N_VELOCITY_BINS, N_OFFSET_BINS = 32, 48
VELOCITY_BIN = 4
"""Velocities a bin: 0 to 3, 4 to 7, ... 124 to 127."""
MAX_OFFSET_MS = 60.0
OFFSET_BIN_MS = 2 * MAX_OFFSET_MS / N_OFFSET_BINS
N_PLAYED = 3
"""What is told of a note already played: a flag, velocity and offset."""
ROUNDS = 4
AROUSAL_GAIN = "arousal_gain"
"""Fact of a performer: how much farther from the middle an arousal is told to it than it was asked for (1 where it
has none). The arousals it learnt from are uncertain readings, which draws what is learnt of them to the middle."""
UNPLAYED_TEMPERATURE = 0.75
"""Below 1 the likelier velocities are drawn more often: in parts nobody played, where sampling scatters too much."""


@dataclass(frozen=True, slots=True)
class PerformerConfig:
    """Shape of a performer; the sizes of its inputs and bins are fixed by this module.

    `pitched` for all but drums. Without `timing` it learned from sequenced music and gives velocities only:
    every offset is 0.
    """

    d_model: int = 128
    n_layers: int = 4
    n_heads: int = 4
    d_feed_forward: int = 256
    dropout: float = 0.15
    pitched: bool = False
    timing: bool = True

    @property
    def n_numbers(self) -> int:
        """Columns of the numbers it sees of each note."""
        return N_PITCHED_NUMBERS if self.pitched else N_NUMBERS

    def __post_init__(self) -> None:
        require_range("d_model", self.d_model, 8, 1024)
        require_range("n_layers", self.n_layers, 1, 24)
        require_range("n_heads", self.n_heads, 1, 64)
        require_range("d_feed_forward", self.d_feed_forward, 8, 4096)
        require_range("dropout", self.dropout, 0.0, 0.9)
        require_even_heads(self.d_model, self.n_heads)


class _Block(nn.Module):
    """Attention with rotary positions in grid steps, then SwiGLU, both after a norm."""

    def __init__(self, config: PerformerConfig) -> None:
        super().__init__()
        width = config.d_model
        self.n_heads, self.dropout = config.n_heads, config.dropout
        self.norm_attention, self.norm_feed = nn.RMSNorm(width), nn.RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * config.d_feed_forward, bias=False)
        self.down = nn.Linear(config.d_feed_forward, width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """Attention, then the gated feed-forward, each added to its input: (n_windows, n_notes, width) to the same.

        `rotation` holds cosines and sines of the notes' places, `mask` is True where a note may look.
        """
        n, length, width = x.shape
        query, key, value = (
            part.view(n, length, self.n_heads, -1).transpose(1, 2)
            for part in self.qkv(self.norm_attention(x)).chunk(3, dim=-1)
        )
        mixed = functional.scaled_dot_product_attention(
            _rotate(query, rotation), _rotate(key, rotation), value, attn_mask=mask
        )
        x = x + functional.dropout(
            self.out(mixed.transpose(1, 2).reshape(n, length, width)), self.dropout, self.training
        )
        gate, up = self.gate_up(self.norm_feed(x)).chunk(2, dim=-1)
        return x + functional.dropout(self.down(functional.silu(gate) * up), self.dropout, self.training)


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * rotation[0] + turned * rotation[1]


class PerformerNetwork(nn.Module):
    """Notes, context and notes already played to logits of velocity and offset bins."""

    def __init__(self, config: PerformerConfig) -> None:
        super().__init__()
        width = config.d_model
        self.config = config
        self.categories = nn.ModuleList(nn.Embedding(size, width) for size in CATEGORY_SIZES)
        self.numbers = nn.Linear(config.n_numbers, width)
        self.context = nn.Sequential(nn.Linear(N_CONTEXT, width), nn.SiLU(), nn.Linear(width, width))
        self.played = nn.Sequential(nn.Linear(N_PLAYED, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.n_layers))
        self.norm = nn.RMSNorm(width)
        self.velocity = nn.Linear(width, N_VELOCITY_BINS)
        self.offset = nn.Linear(width, N_OFFSET_BINS)
        for embedding in self.categories:
            nn.init.normal_(embedding.weight, std=0.1)  # type: ignore[arg-type]

    def forward(
        self, categories: Tensor, numbers: Tensor, step: Tensor, context: Tensor, played: Tensor, real: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(n, length, 4), (n, length, n_numbers), (n, length), (n, N_CONTEXT), (n, length, N_PLAYED) and, where
        sequences are padded, a mask (n, length) of the real notes, to logits (n, length, bins)."""
        x = self.numbers(numbers) + self.context(context).unsqueeze(1) + self.played(played)
        for column, embedding in enumerate(self.categories):
            x = x + embedding(categories[..., column])
        mask = None if real is None else real[:, None, None, :]
        rotation = self._rotation(step)
        for block in self.blocks:
            x = block(x, rotation, mask)
        x = self.norm(x)
        return self.velocity(x), self.offset(x)

    def _rotation(self, step: Tensor) -> tuple[Tensor, Tensor]:
        half = self.config.d_model // self.config.n_heads // 2
        frequency = 1000.0 ** (-torch.arange(half, dtype=torch.float32) / half)
        angle = (step.unsqueeze(-1) * frequency).repeat(1, 1, 2).unsqueeze(1)
        return angle.cos(), angle.sin()


def played_vector(velocity: NDArray[np.number], offset_ms: NDArray[np.number]) -> NDArray[np.float32]:
    """(n, N_PLAYED) what the network is told of played notes."""
    flag = np.ones(len(velocity))
    return np.stack([flag, velocity / 63.5 - 1.0, np.asarray(offset_ms) / 30.0], axis=1).astype(np.float32)


def velocity_bin(velocity: NDArray[np.number]) -> NDArray[np.int64]:
    """Bin of each velocity 0 to 127."""
    bins: NDArray[np.int64] = (np.clip(velocity, 0, 127) // VELOCITY_BIN).astype(np.int64)
    return bins


def offset_bin(offset_ms: NDArray[np.number]) -> NDArray[np.int64]:
    """Bin of each offset; offsets beyond MAX_OFFSET_MS fall into the outermost."""
    scaled = np.floor((np.asarray(offset_ms, dtype=np.float64) + MAX_OFFSET_MS) / OFFSET_BIN_MS)
    return np.clip(scaled, 0, N_OFFSET_BINS - 1).astype(np.int64)


class Performer:
    """A trained performer: network, the facts saved with it, and a hash that names it."""

    def __init__(self, network: PerformerNetwork, facts: Mapping[str, object] | None = None, digest: str = "") -> None:
        self.network = network.eval()
        self.facts = dict(facts or {})
        self.hash = digest

    def perform(
        self,
        grid_loop: Loop,
        *,
        tempo_bpm: float,
        genre: Mapping[str, float],
        arousal: float | None,
        seed: int,
        rounds: int = ROUNDS,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Velocity 1 to 127 (n_notes,) and offset in ms from the swung grid (n_notes,), sampled.

        The same notes, conditions and seed give the same result on one machine. An arousal of
        None or an empty genre is 'not given'.
        """
        context = self._context(grid_loop, tempo_bpm, genre, arousal)
        return self.sample(note_features(grid_loop, circular=True), context, seed, rounds)

    def perform_part(
        self,
        grid_loop: Loop,
        index: NDArray[np.int64],
        *,
        tempo_bpm: float,
        genre: Mapping[str, float],
        arousal: float | None,
        seed: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """`perform` for the notes an index array picks out of a longer piece that does not go round."""
        context = self._context(grid_loop, tempo_bpm, genre, arousal)
        return self.sample(note_features(grid_loop, circular=False).rows(index), context, seed)

    def _context(
        self, grid_loop: Loop, tempo_bpm: float, genre: Mapping[str, float], arousal: float | None
    ) -> NDArray[np.float32]:
        """What holds for the whole loop, with the arousal brought out by the performer's AROUSAL_GAIN."""
        context = context_vector(tempo_bpm, grid_loop.meter.quarters_per_bar, genre, arousal)
        context[AROUSAL_PLACE] *= self.facts.get(AROUSAL_GAIN, 1.0)
        return context

    def sample(
        self, features: NoteFeatures, context: NDArray[np.float32], seed: int, rounds: int = ROUNDS
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Velocity and offset in ms of notes given by their features, drawn in `rounds` rounds.

        Pitched notes are drawn one, two, four, ... a round instead: a line has one level of loudness, which
        many notes drawn blindly at once would scatter. Where nobody was recorded (no timing was learnt), notes at
        one place of the bar share their draw and less is left to chance: such parts are written with a pattern of
        accents that goes through all bars.
        """
        n = len(features)
        velocity, offset = np.zeros(n, dtype=np.int64), np.zeros(n)
        generator = torch.Generator().manual_seed(seed)
        order = _playing_order(features.step, generator)
        played = np.zeros((n, N_PLAYED), dtype=np.float32)
        shared = None if self.network.config.timing else _uniform(N_PLACES, generator)[position_in_bar(features)]
        for chosen in _rounds(order, rounds, self.network.config.pitched):
            for_velocity, for_offset = (part[chosen] for part in self.logits(features, context, played))
            if shared is None:
                velocity[chosen] = _velocity(_draw(for_velocity, _uniform(len(chosen), generator)))
                drawn = _draw(for_offset, _uniform(len(chosen), generator))
                offset[chosen] = drawn * OFFSET_BIN_MS - MAX_OFFSET_MS
            else:
                velocity[chosen] = _velocity(_draw(for_velocity / UNPLAYED_TEMPERATURE, shared[chosen]))
            played[chosen] = played_vector(velocity[chosen], offset[chosen])
        return velocity, offset

    def logits(
        self, features: NoteFeatures, context: NDArray[np.float32], played: NDArray[np.float32]
    ) -> tuple[Tensor, Tensor]:
        """Logits of one loop: (n, N_VELOCITY_BINS), (n, N_OFFSET_BINS)."""
        arrays = (features.categories, features.numbers, features.step, context, played)
        with inference_threads(self.network):
            velocity, offset = self.network(*(torch.from_numpy(array)[None] for array in arrays), None)
        return velocity[0], offset[0]

    def save(self, folder: Path, facts: Mapping[str, object]) -> None:
        """Write weights (half precision) and config.json, the latter last."""
        state = {name: tensor.detach().half().contiguous() for name, tensor in self.network.state_dict().items()}
        write_bytes(folder / WEIGHTS_FILE, save_safetensors(state))
        write_json(folder / CONFIG_FILE, {"performer": asdict(self.network.config), **facts})

    @classmethod
    def load(cls, folder: Path) -> Performer:
        """Read a performer; NotFound without one, ModelError damaged_model names what is wrong with it."""
        path = folder / CONFIG_FILE
        if not path.is_file():
            raise NotFound("path_missing", path=str(path))
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            config = PerformerConfig(**data["performer"])
            require_range(AROUSAL_GAIN, data.get(AROUSAL_GAIN, 1.0), 0.0, 3.0)
        except (ValueError, TypeError, KeyError, OSError, InvalidValue) as error:
            raise ModelError("damaged_model", path=str(folder), reason=f"its config.json: {error}") from error
        network = PerformerNetwork(config)
        weights = (folder / WEIGHTS_FILE).read_bytes() if (folder / WEIGHTS_FILE).is_file() else b""
        network.load_state_dict(_checked_weights(folder, weights, network.state_dict()))
        facts = {key: value for key, value in data.items() if key != "performer"}
        return cls(network, facts, hashlib.sha256(weights).hexdigest()[:16])


def _rounds(order: NDArray[np.int64], rounds: int, doubling: bool) -> list[NDArray[np.int64]]:
    """The playing order cut into rounds: equal ones, or each twice as long as the one before."""
    if not len(order):
        return []
    if not doubling:
        return np.array_split(order, min(rounds, len(order)))
    n = len(order)
    return np.split(order, [edge for power in range(1, n.bit_length() + 1) if (edge := 2**power - 1) < n])


def _playing_order(step: NDArray[np.int64], generator: torch.Generator) -> NDArray[np.int64]:
    """Notes in the order they are played: steps at random, notes of one step spread far apart.

    Notes drawn in one round do not see each other; so those struck together, which a player's
    hands move together, come in different rounds.
    """
    _, inverse, count = np.unique(step, return_inverse=True, return_counts=True)
    rank = np.arange(len(step)) - np.concatenate(([0], np.cumsum(count)))[inverse]
    start = torch.rand(len(count), generator=generator, dtype=torch.float64).numpy()
    return np.argsort((start[inverse] + rank / count[inverse]) % 1.0, kind="stable")


def _uniform(n: int, generator: torch.Generator) -> NDArray[np.float64]:
    return torch.rand(n, generator=generator, dtype=torch.float64).numpy()


def _velocity(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Velocity 1 to 127 at places on the bin axis."""
    return np.clip(np.floor(place * VELOCITY_BIN), 1, 127)


def _draw(logits: Tensor, uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    """A place on the bin axis of each row, where its cumulative chance (straight inside a bin) meets a
    uniform number."""
    total = np.cumsum(torch.softmax(logits.double(), dim=-1).numpy(), axis=1)
    drawn = uniform * total[:, -1]
    bins = np.minimum((total <= drawn[:, None]).sum(axis=1), total.shape[1] - 1)
    rows = np.arange(len(total))
    below = np.where(bins > 0, total[rows, bins - 1], 0.0)
    places: NDArray[np.float64] = bins + np.clip(
        (drawn - below) / np.maximum(total[rows, bins] - below, 1e-12), 0.0, 1.0 - 1e-9
    )
    return places


def _checked_weights(folder: Path, data: bytes, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a safetensors file; ModelError unless names, shapes and values are sound."""
    try:
        weights = load_safetensors(data)
    except SafetensorError as error:
        raise ModelError("damaged_model", path=str(folder), reason=str(error)) from error
    for name in sorted(set(weights) ^ set(expected)):
        raise ModelError("damaged_model", path=str(folder), reason=f"its weights do not fit: {name}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise ModelError("damaged_model", path=str(folder), reason=f"{name} has shape {tuple(tensor.shape)}")
        if not torch.isfinite(tensor).all():
            raise ModelError("damaged_model", path=str(folder), reason=f"{name} holds NaN or infinity")
    return {name: tensor.float() for name, tensor in weights.items()}
