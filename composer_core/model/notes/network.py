"""The network: features summed into a trunk, and three factors out: next onset, pitch, length.

Pitch is one softmax over the notes that may sound. Its logits are a sum of small tables, each
read at another relation of the candidate: interval to the last note, degree of the key, step
above the chord's root, distance to what stood here some bars ago, the pitch itself. So copying,
moving by step and staying in the key each take a few weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from composer_core.model.notes import features as f
from composer_core.model.notes.features import CONTEXT, INPUT, N_LAGS, SHAPE, FeatureLayout, Request, Written
from composer_core.model.notes.reading import (
    DRUMS,
    HIGHEST,
    LOWEST,
    N_PITCHES,
    N_QUALITIES,
    NoteRequest,
    Place,
    asked_of_all,
    context_index,
    input_index,
    place_of,
    shape_index,
)
from composer_core.model.notes.trunks import Attending, LockedDropout, Recurrent
from composer_core.music.drums import ROLES, role_index

SPAN, WAS_SPAN = 36, 12
"""Intervals the tables of relations reach: to notes before, and to what stood here some bars ago."""
NOTHING = -1e9


@dataclass(frozen=True, slots=True)
class NotesConfig:
    """Shape of a note composer. `trunk` is gru or attention; `genres` and `techniques` ("guitar:strum") are
    the codes it has embeddings for."""

    width: int = 288
    layers: int = 2
    heads: int = 6
    trunk: str = "gru"
    dropout: float = 0.2
    genres: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "genres": list(self.genres), "techniques": list(self.techniques)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> NotesConfig:
        """Read what `to_json` wrote."""
        values: dict[str, Any] = dict(data)
        codes = {name: tuple(values.get(name, ())) for name in ("genres", "techniques")}
        return cls(**{**values, **codes})


class Summed(nn.Module):
    """One vector for many small features: the sum of their rows."""

    def __init__(self, layout: FeatureLayout, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(layout.rows, width) * (1.0 / len(layout.sizes)) ** 0.5)

    def forward(self, index: Tensor) -> Tensor:
        """(..., width) for (..., n_features) rows."""
        flat = index.reshape(-1, index.shape[-1])
        return functional.embedding_bag(flat, self.table, mode="sum").view(*index.shape[:-1], -1)


class Factor(nn.Module):
    """A hidden vector and a few features to some numbers: one hidden layer."""

    def __init__(self, layout: FeatureLayout | None, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.given = Summed(layout, width) if layout is not None else None
        self.inner = nn.Linear(width, width)
        self.drop = LockedDropout(dropout)
        self.outer = nn.Linear(width, outputs)

    def forward(self, hidden: Tensor, index: Tensor | None = None) -> Tensor:
        """(..., outputs)."""
        inner = self.inner(hidden)
        if self.given is not None and index is not None:
            inner = inner + self.given(index)
        logits: Tensor = self.outer(self.drop(functional.gelu(inner))).float()
        return logits


_KIT = torch.from_numpy(role_index(np.arange(LOWEST, HIGHEST + 1, dtype=np.int32)))
N_KIT = len(ROLES) + 1
_RELATIONS = {
    "last": 2 * SPAN + 1, "low": 2 * SPAN + 1, "high": 2 * SPAN + 1, "own_low": 2 * SPAN + 1, "degree": 13,
    "above_chord": 13, "pitch": N_PITCHES, "drum": N_PITCHES,
    **{f"was{lag}": 2 * WAS_SPAN + 1 for lag in range(N_LAGS)}, "register": 2 * SPAN + 1,
    "times": len(f.COUNTS) + 1, "class_times": len(f.COUNTS) + 1, "stood": N_LAGS, "since": f.N_SINCE,
    "kit_stood": N_KIT * N_LAGS, "kit_since": N_KIT * f.N_SINCE, "kit_times": N_KIT * (len(f.COUNTS) + 1),
}  # fmt: skip
"""Width of each table of pitch logits."""


def _from_heard(tables: dict[str, Tensor], place: Place) -> Tensor:
    """(n, asked, pitches) what was heard before leans to or away from each candidate."""
    heard = place.heard
    total = tables["times"].gather(-1, heard.times)
    total = total + tables["class_times"].gather(-1, heard.class_times) + tables["since"].gather(-1, heard.since)
    return total + (heard.stood * tables["stood"].unsqueeze(2)).sum(-1)


def _from_kit(tables: dict[str, Tensor], place: Place) -> Tensor:
    """(n, asked, pitches) the same for drums, where each voice of the kit keeps its own time."""
    heard = place.heard
    total = tables["kit_times"].gather(-1, _KIT * (len(f.COUNTS) + 1) + heard.times)
    total = total + tables["kit_since"].gather(-1, _KIT * f.N_SINCE + heard.since)
    stood = tables["kit_stood"].unflatten(-1, (N_KIT, N_LAGS))[..., _KIT, :]  # type: ignore[no-untyped-call]
    added: Tensor = total + (heard.stood * stood).sum(-1)
    return added


class NoteComposer(nn.Module):
    """Trunk and factors. `step` goes on from a state by one note; `forward` reads whole windows."""

    def __init__(self, config: NotesConfig, trunk: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.input = Summed(INPUT, config.width)
        self.technique = nn.Parameter(torch.zeros(len(config.techniques), config.width))
        self.drop = LockedDropout(config.dropout)
        self.trunk = trunk
        self.norm = nn.LayerNorm(config.width)
        self.onset = Factor(None, config.width, f.N_DELTAS + N_LAGS, config.dropout)
        self.pitch = Factor(CONTEXT, config.width, sum(_RELATIONS.values()), config.dropout)
        self.length = Factor(SHAPE, config.width, f.N_LENGTHS, config.dropout)

    def hidden(self, index: Tensor, asked: NoteRequest, request: Request, state: Any = None) -> tuple[Tensor, Any]:
        """(n, asked, width) after reading INPUT rows, and the state to go on from."""
        read = self.input(index) + (request.technique @ self.technique).unsqueeze(1)
        out, state = self.trunk(self.drop(read), asked.onset, request.bar_steps, state)
        return self.norm(self.drop(out)), state

    def onset_logits(self, hidden: Tensor, index: Tensor) -> Tensor:
        """(n, asked, N_DELTAS); what followed at the same place some lags ago is raised by a learnt gate."""
        out = self.onset(hidden)
        logits, gates = out[..., : f.N_DELTAS], out[..., f.N_DELTAS :]
        first = INPUT.offsets["follow_delta0"]
        names = list(INPUT.sizes)
        column = names.index("follow_delta0")
        steps = torch.arange(N_LAGS) * f.FOLLOW_DELTAS
        followed = index[..., column : column + N_LAGS] - first - steps
        known = followed < f.FOLLOW_DELTAS - 2
        raised: Tensor = logits.scatter_add(-1, followed.clamp(max=f.FOLLOW_DELTAS - 2), gates * known)
        return raised

    def pitch_logits(self, hidden: Tensor, place: Place, request: Request) -> Tensor:
        """(n, asked, N_PITCHES) from LOWEST up; notes of a chord ascend."""
        out = self.pitch(hidden, context_index(place, request))
        tables = dict(zip(_RELATIONS, out.split(list(_RELATIONS.values()), dim=-1), strict=True))
        logits = _sum_of_tables(tables, place, request) + _from_heard(tables, place)
        drums = request.instrument == DRUMS
        if drums.any():
            logits = logits + torch.where(drums[:, None, None], _from_kit(tables, place), 0.0)
        return logits

    def length_logits(self, hidden: Tensor, place: Place, pitch: Tensor, request: Request) -> Tensor:
        """(n, asked, N_LENGTHS)."""
        logits: Tensor = self.length(hidden, shape_index(place, pitch, request))
        return logits


def _sum_of_tables(tables: dict[str, Tensor], place: Place, request: Request) -> Tensor:
    candidates = torch.arange(LOWEST, HIGHEST + 1)
    around, drums = place.around, (request.instrument == DRUMS)[:, None, None]
    total = torch.where(drums, tables["drum"], tables["pitch"])

    def relative(name: str, origin: Tensor, known: Tensor) -> Tensor:
        """The table read at candidate minus origin, 0 where the origin is not known or too far away."""
        half = (tables[name].shape[-1] - 1) // 2
        distance = candidates - origin.unsqueeze(-1)
        inside = (distance.abs() <= half) & known.unsqueeze(-1)
        return tables[name].gather(-1, (distance + half).clamp(0, 2 * half)) * inside

    def above(name: str, root: Tensor, known: Tensor) -> Tensor:
        """The table read at semitones above a root, its last entry's place where there is none."""
        row = torch.where(known.unsqueeze(-1), (candidates - root.unsqueeze(-1)) % 12, 12)
        return tables[name].gather(-1, row)

    tonic = request.tonic.unsqueeze(1).expand_as(place.last)
    chord_root = (place.chord - 1) // N_QUALITIES + tonic.clamp(min=0)
    total = total + relative("last", place.last, place.has_last)
    total = total + relative("low", around.low, around.has_previous)
    total = total + relative("high", around.high, around.has_previous)
    total = total + relative("own_low", around.own_low, around.rank > 0)
    total = total + above("degree", tonic, tonic >= 0) + above("above_chord", chord_root, place.chord > 0)
    for lag in range(N_LAGS):
        total = total + relative(f"was{lag}", place.was.pitch[..., lag], place.was.known[..., lag])
    register = request.register.unsqueeze(1).expand_as(place.last)
    total = total + relative("register", f.register_pitch(register), register >= 0)
    taken = (place.delta == 0) & place.has_last
    return total.masked_fill(taken.unsqueeze(-1) & (candidates <= place.last.unsqueeze(-1)), NOTHING)


def build(config: NotesConfig) -> NoteComposer:
    """A composer with fresh weights."""
    width, layers, dropout = config.width, config.layers, config.dropout
    if config.trunk == "attention":
        return NoteComposer(config, Attending(width, layers, config.heads, dropout))
    return NoteComposer(config, Recurrent(width, layers, dropout))


def losses(model: NoteComposer, notes: Written, request: Request) -> dict[str, Tensor]:
    """Nats of each factor, (n,) summed over each window; drums have no length."""
    slots = notes.onset.shape[1]
    asked, target = asked_of_all(notes, slots)
    index = input_index(notes, asked, request)
    hidden, _ = model.hidden(index, asked, request)
    places = torch.arange(slots + 1).expand_as(target)
    exists = places <= notes.count.unsqueeze(1)
    onset = _nats(model.onset_logits(hidden, index), target) * exists
    is_note = places < notes.count.unsqueeze(1)
    delta = torch.where(is_note, target, 0)
    place = place_of(notes, asked, delta, request)
    pitch = functional.pad(notes.pitch[:, :slots], (0, 1)).clamp(LOWEST, HIGHEST)
    pitch = torch.where(is_note, pitch, 60)
    length = torch.where(is_note, functional.pad(notes.length[:, :slots], (0, 1)), 0)
    pitch_nats = _nats(model.pitch_logits(hidden, place, request), pitch - LOWEST)
    length_nats = _nats(model.length_logits(hidden, place, pitch, request), length)
    pitched = is_note & (request.instrument != DRUMS).unsqueeze(1)
    return {
        "onset": onset.sum(1),
        "pitch": torch.where(is_note, pitch_nats, 0.0).sum(1),
        "length": torch.where(pitched, length_nats, 0.0).sum(1),
    }


def _nats(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
