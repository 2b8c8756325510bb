"""The fields a person labels, and what each may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.genre import check_genre
from composer_core.pipeline.vocabularies import vocabularies

LABEL_FIELDS = ("emotion_valence", "emotion_arousal", "emotion", "genre", "technique")
_RANGES = {"emotion_valence": (-1.0, 1.0), "emotion_arousal": (0.0, 1.0)}
_DECIMALS = 3


def check_values(values: Mapping[str, Any], instrument: str) -> dict[str, Any]:
    """The values in the form they are stored; None stays None (not given).

    `emotion_valence` -1 to 1 and `emotion_arousal` 0 to 1, rounded to three decimals;
    `emotion` a mood's code; `genre` weights over genre codes that add up to 1; `technique`
    a sorted list of the instrument's technique codes. Raises InvalidValue.
    """
    for field in values:
        if field not in LABEL_FIELDS:
            raise InvalidValue("unknown_option", name=field, where="labels", choices=", ".join(LABEL_FIELDS))
    return {field: None if value is None else _check_value(field, value, instrument) for field, value in values.items()}


def _check_value(field: str, value: Any, instrument: str) -> Any:
    if field in _RANGES:
        return _number(field, value)
    if field == "emotion":
        require_choice(field, value, tuple(vocabularies().moods))
        return value
    if field == "genre":
        return _genre(value)
    return _techniques(value, instrument)


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue("bad_format", name=field, value=value, expected="a number")
    require_range(field, value, *_RANGES[field])
    return round(float(value), _DECIMALS)


def _genre(value: Any) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        raise InvalidValue("bad_format", name="genre", value=value, expected="weights by genre")
    for code in value:
        require_choice("genre", code, tuple(vocabularies().genres))
    check_genre(value)
    return {code: float(weight) for code, weight in sorted(value.items()) if weight > 0} or None


def _techniques(value: Any, instrument: str) -> list[str]:
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise InvalidValue("bad_format", name="technique", value=value, expected="a list of techniques")
    known = tuple(vocabularies().techniques.get(instrument, {}))
    for code in value:
        require_choice("technique", code, known)
    return sorted(set(value))
