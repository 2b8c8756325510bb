"""Encode labels as numbers and as tokens, and decode them: any subset of fields, unknown fields stay unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue
from composer_core.music.key import ROOT_NAMES
from composer_core.pipeline.labels.fields import check_values
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import LabelValue
from composer_core.store.vocabularies import Vocabularies

_SCALES = {
    "emotion_valence": (-1.0, 1.0),
    "emotion_arousal": (0.0, 1.0),
    "tempo_bpm": (0.0, 1000.0),
    "quality": (1.0, 5.0),
}
_METERS = ("2/4", "3/4", "4/4", "5/4", "6/4", "7/4", "3/8", "5/8", "6/8", "7/8", "9/8", "12/8")
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class LabelCode:
    """How the labels of one instrument's loops are laid out as a vector.

    A number has two slots, its value on -1 to 1 and 1 when it is given; every other field a
    slot that is 1 when it is given, then one slot a code (a genre's weight, 1 for a
    technique that is played). Captions are no condition and are left out.
    """

    instrument: str
    codes: Mapping[str, tuple[str, ...]]

    @property
    def width(self) -> int:
        """Length of the vector."""
        return 2 * len(_SCALES) + sum(1 + len(codes) for codes in self.codes.values())

    def encode(self, labels: Mapping[str, object]) -> NDArray[np.float64]:
        """(width,) of some labels; InvalidValue for a value the layout has no slot for."""
        unknown = set(labels) - set(_SCALES) - set(self.codes)
        if unknown:
            choices = ", ".join((*_SCALES, *self.codes))
            raise InvalidValue("unknown_option", name=sorted(unknown)[0], where="labels", choices=choices)
        vector = np.zeros(self.width)
        for position, (name, (low, high)) in enumerate(_SCALES.items()):
            if labels.get(name) is not None:
                given = cast(float, labels[name])
                vector[2 * position : 2 * position + 2] = 2.0 * (given - low) / (high - low) - 1.0, 1.0
        for name, start in self._starts().items():
            value = labels.get(name)
            if value is not None:
                vector[start] = 1.0
                for code, weight in _weights(value).items():
                    vector[start + 1 + self._position(name, code)] = weight
        return vector

    def decode(self, vector: NDArray[np.float64]) -> dict[str, LabelValue]:
        """The labels of a vector, without the fields that are not given; InvalidValue for another length."""
        if vector.shape != (self.width,):
            raise InvalidValue("bad_format", name="vector", value=vector.shape, expected=f"{self.width} numbers")
        labels: dict[str, Any] = {}
        for position, (name, (low, high)) in enumerate(_SCALES.items()):
            value, given = vector[2 * position : 2 * position + 2]
            if given > 0.5:
                labels[name] = round(low + (float(value) + 1.0) / 2.0 * (high - low), _DECIMALS)
        for name, start in self._starts().items():
            if vector[start] > 0.5:
                slots = vector[start + 1 : start + 1 + len(self.codes[name])]
                labels[name] = _value(
                    name, {c: float(w) for c, w in zip(self.codes[name], slots, strict=True) if w > 0}
                )
        if "quality" in labels:
            labels["quality"] = round(labels["quality"])
        return check_values(labels, self.instrument)

    def sayable(self, labels: Mapping[str, object]) -> dict[str, object]:
        """The labels the layout has slots for: no captions, no metre or word of a user's that it does not know."""
        said = {name: value for name, value in labels.items() if value is not None and name in _SCALES}
        for name, codes in self.codes.items():
            if labels.get(name) is not None and set(_weights(labels[name])) <= set(codes):
                said[name] = labels[name]
        return said

    def tokens(self, labels: Mapping[str, object]) -> list[str]:
        """The labels as words such as Emotion_happy, in the order of the layout; genre weights in hundredths."""
        made = [f"{_word(name)}_{labels[name]:g}" for name in _SCALES if labels.get(name) is not None]
        for name in self.codes:
            if labels.get(name) is None:
                continue
            weights = _weights(labels[name])
            made += [f"{_word(name)}_{code}" + (f"={round(100 * weights[code])}" if name == "genre" else "")
                     for code in self.codes[name] if code in weights] or [f"{_word(name)}_none"]  # fmt: skip
        return made

    def from_tokens(self, tokens: Sequence[str]) -> dict[str, LabelValue]:
        """The labels of `tokens`; InvalidValue for a word of no field."""
        names = {_word(name): name for name in (*_SCALES, *self.codes)}
        numbers: dict[str, Any] = {}
        weights: dict[str, dict[str, float]] = {}
        for token in tokens:
            word, separator, code = token.partition("_")
            if not separator or word not in names:
                raise InvalidValue("unknown_choice", name="label token", value=token, choices=", ".join(names))
            name = names[word]
            if name in _SCALES:
                numbers[name] = float(code)
                continue
            held = weights.setdefault(name, {})
            if code != "none":
                code, _, hundredths = code.partition("=")
                held[code] = int(hundredths) / 100.0 if hundredths else 1.0
        total = sum(weights.get("genre", {}).values())
        if total and abs(total - 1.0) > 1e-6:
            # Hundredths of thirds do not add up to 1.
            weights["genre"] = {code: weight / total for code, weight in weights["genre"].items()}
        return check_values(numbers | {name: _value(name, held) for name, held in weights.items()}, self.instrument)

    def _starts(self) -> dict[str, int]:
        starts, at = {}, 2 * len(_SCALES)
        for name, codes in self.codes.items():
            starts[name] = at
            at += 1 + len(codes)
        return starts

    def _position(self, name: str, code: str) -> int:
        if code not in self.codes[name]:
            raise InvalidValue("unknown_choice", name=name, value=code, choices=", ".join(self.codes[name]))
        return self.codes[name].index(code)


def label_code(instrument: str, words: Vocabularies | None = None) -> LabelCode:
    """The layout for an instrument, by the vocabularies given or the shipped ones."""
    known = words or vocabularies()
    codes: dict[str, tuple[str, ...]] = {"emotion": tuple(known.moods), "genre": tuple(known.genres)}
    codes |= {"technique": tuple(known.techniques.get(instrument, {})), "key_root": ROOT_NAMES, "meter": _METERS}
    return LabelCode(instrument, codes | {name: tuple(tags) for name, tags in known.tags.items()})


def _weights(value: Any) -> dict[str, float]:
    if isinstance(value, Mapping):
        return {str(code): float(weight) for code, weight in value.items()}
    return dict.fromkeys(value if isinstance(value, list | tuple) else [value], 1.0)


def _value(name: str, weights: Mapping[str, float]) -> Any:
    if name == "genre":
        return dict(weights)
    return sorted(weights) if name == "technique" else next(iter(weights), "")


def _word(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
