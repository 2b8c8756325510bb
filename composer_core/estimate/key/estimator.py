"""Estimate the key of some notes with one linear model, applied from each of the twelve roots with the same weights.

24 logits = features as seen from each root x weights of major and minor, then softmax: transposing
the notes transposes the answer and changes nothing else. It is trained on POP909 (lab.estimators.key), whose
labels are major or minor. The other modes follow from the scale: a minor key whose sixth is almost
always major is dorian, and so on. The confidence is calibrated on held-out songs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import ModelError, NotFound
from composer_core.estimate.key.declared import UNSURE, declared_signature, index_of_keys
from composer_core.estimate.key.features import N_FEATURES, PAIR_BLOCKS, SINGLE_BLOCKS, TURNS, key_features
from composer_core.music.key import Key, KeySignature
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_QUARTER
from composer_core.workspace import ASSETS

FloatArray = NDArray[np.float64]
SOURCE = "model:key@1"
MODEL = ASSETS / "models" / "key.json"
BLOCKS = (*SINGLE_BLOCKS, *PAIR_BLOCKS)
_OTHER_MODES = (
    # parent (0 major, 1 minor), mode, degree that marks it, degree it stands for
    (0, "lydian", 6, 5),
    (0, "mixolydian", 10, 11),
    (1, "dorian", 9, 8),
    (1, "phrygian", 1, 2),
)
_MARKED, _CLEARLY = 0.03, 5.0
_LOCRIAN_FIFTH = 6
_DIGITS = 4
_SHORTEST_SEC = 1e-3
Temperatures = tuple[tuple[float, float], ...]
"""Lengths in seconds, ascending, each with a temperature."""


@dataclass(frozen=True, slots=True)
class KeyEstimate:
    """A key and how sure it is, 0 to 1."""

    key: Key
    confidence: float


class KeyModelJson(TypedDict):
    """A `KeyModel` in a file: rows of weights by block of features."""

    card: dict[str, object]
    temperatures: list[list[float]]
    bias: list[float]
    weights: dict[str, list[list[float]]]


@dataclass(frozen=True, slots=True, eq=False)
class KeyModel:
    """Weights (N_FEATURES, 2) for major and minor as seen from a root, bias (2,), temperatures, card.

    `temperatures` are pairs of a length in seconds, ascending, and the temperature that is right for it: features
    are shares and do not grow with what was heard, but the answer gets surer.
    """

    weights: FloatArray
    bias: FloatArray
    temperatures: Temperatures
    card: Mapping[str, object]

    def shares(self, features: NDArray[np.float32], sec: FloatArray) -> FloatArray:
        """Calibrated probabilities of 12 major and 12 minor keys. (n, N_FEATURES), lengths (n,) to (n, 24)."""
        logits = features @ all_roots(self.weights) + np.repeat(self.bias, 12)
        return softmax(logits / temperature_at(self.temperatures, sec)[:, None])

    def to_json(self) -> KeyModelJson:
        """Plain values; `from_json` reads them."""
        blocks = np.split(np.round(self.weights, _DIGITS), np.cumsum(block_sizes())[:-1])
        return {
            "card": dict(self.card),
            "temperatures": [list(pair) for pair in self.temperatures],
            "bias": np.round(self.bias, _DIGITS).tolist(),
            "weights": {name: block.T.tolist() for name, block in zip(BLOCKS, blocks, strict=True)},
        }

    @classmethod
    def from_json(cls, data: KeyModelJson) -> KeyModel:
        """Read what `to_json` wrote; KeyError or ValueError when it does not fit this code's features."""
        if tuple(data["weights"]) != BLOCKS:
            raise ValueError("it was trained on other features")
        weights = np.concatenate([np.array(data["weights"][name], dtype=np.float64).T for name in BLOCKS])
        bias = np.array(data["bias"], dtype=np.float64)
        if weights.shape != (N_FEATURES, 2) or bias.shape != (2,) or not np.isfinite(weights).all():
            raise ValueError("the table of weights has another shape")
        temperatures = tuple((float(sec), float(temperature)) for sec, temperature in data["temperatures"])
        if not temperatures or min(min(pair) for pair in temperatures) <= 0:
            raise ValueError("it has no temperatures")
        return cls(weights, bias, temperatures, data["card"])


def block_sizes() -> list[int]:
    """Features of each of BLOCKS."""
    return [12] * len(SINGLE_BLOCKS) + [144] * len(PAIR_BLOCKS)


def all_roots(weights: NDArray[np.number]) -> FloatArray:
    """The weights as applied to features seen from C: (N_FEATURES, 2) to (N_FEATURES, 24)."""
    full = np.empty((N_FEATURES, 24))
    for root in range(12):
        full[TURNS[root], root] = weights[:, 0]
        full[TURNS[root], 12 + root] = weights[:, 1]
    return full


def temperature_at(temperatures: Temperatures, sec: FloatArray) -> FloatArray:
    """The temperature for each length in seconds, along its logarithm; that of the nearest beyond the ends."""
    lengths, found = np.array(temperatures).T
    return np.asarray(np.interp(np.log(np.maximum(sec, _SHORTEST_SEC)), np.log(lengths), found))


def softmax(logits: NDArray[np.number]) -> FloatArray:
    """Probabilities along the last axis."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def estimate_key(loop: Loop) -> KeyEstimate | None:
    """The key of a loop; None for drums and for loops without notes."""
    return estimate_keys([loop])[0]


def estimate_keys(loops: Sequence[Loop], path: Path = MODEL) -> list[KeyEstimate | None]:
    """`estimate_key` of many loops with one multiplication. NotFound or ModelError when there is no model to use.

    Where an estimate is unsure, the key signature that the loop's file declares decides (see `declared`).
    """
    chosen = [index for index, loop in enumerate(loops) if not loop.is_drums and len(loop.notes)]
    found: list[KeyEstimate | None] = [None] * len(loops)
    if chosen:
        rows = np.stack([features_of(loops[index]) for index in chosen])
        sec = np.array([loops[index].length_quarter * 60.0 / loops[index].tempo_bpm for index in chosen])
        signatures = [declared_signature(loops[index]) for index in chosen]
        for index, estimate in zip(chosen, keys_of(rows, sec, path, signatures), strict=True):
            found[index] = estimate
    return found


def features_of(loop: Loop) -> NDArray[np.float32]:
    """Features of a loop's notes, see key_features."""
    notes = loop.notes
    return key_features(
        notes.onset_tick / TICKS_PER_QUARTER,
        notes.duration_tick / TICKS_PER_QUARTER,
        notes.pitch,
        loop.length_quarter,
        loop.meter.quarters_per_bar,
    )


def keys_of(
    features: NDArray[np.float32],
    sec: FloatArray,
    path: Path = MODEL,
    signatures: Sequence[KeySignature | None] | None = None,
) -> list[KeyEstimate]:
    """Keys of rows of features, each of so many seconds of music, under declared signatures where there are any."""
    shares = key_shares(features, sec, path)
    for row, signature in zip(shares, signatures or (), strict=False):
        if signature is not None and row.max() < UNSURE:
            kept = row[index_of_keys(signature)]
            row[:] = 0.0
            row[index_of_keys(signature)] = kept / kept.sum()
    best = shares.argmax(axis=1)
    return [
        KeyEstimate(Key(int(key % 12), mode_of(row[:12], int(key))), round(float(share[key]), 4))
        for row, share, key in zip(features, shares, best, strict=True)
    ]


def key_shares(features: NDArray[np.float32], sec: FloatArray, path: Path = MODEL) -> FloatArray:
    """Calibrated probabilities of 12 major and 12 minor keys by rows of features, each of so many seconds: (n, 24)."""
    model, weights = _load_ready(path)
    logits = features @ weights + np.repeat(model.bias, 12)
    return softmax(logits / temperature_at(model.temperatures, sec)[:, None])


def mode_of(time: NDArray[np.number], key: int) -> str:
    """The mode of a major (0 to 11) or minor (12 to 23) key by the share of time of each pitch class.

    Another mode than its parent when the degree that marks it has at least 3 % of the time and
    five times that of the degree it stands for; locrian is phrygian with the fifth lowered too.
    """
    degree = np.roll(time, -(key % 12))
    mode = "minor" if key >= 12 else "major"
    for parent, name, marking, ordinary in _OTHER_MODES:
        if parent == key // 12 and degree[marking] >= max(_MARKED, _CLEARLY * degree[ordinary]):
            mode = name
    if mode == "phrygian" and degree[_LOCRIAN_FIFTH] >= max(_MARKED, _CLEARLY * degree[7]):
        return "locrian"
    return mode


@cache
def load_model(path: Path = MODEL) -> KeyModel:
    """The model at `path`; NotFound or ModelError."""
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    try:
        return KeyModel.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("damaged_model", path=str(path), reason=str(error)) from error


@cache
def _load_ready(path: Path) -> tuple[KeyModel, NDArray[np.float32]]:
    model = load_model(path)
    return model, all_roots(model.weights).astype(np.float32)
