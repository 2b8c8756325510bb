"""The fields that can be labelled, and the values each may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.genre import check_genre
from composer_core.music.key import ROOT_NAMES, parse_note_name
from composer_core.music.label_codes import TAG_CODES
from composer_core.music.timing import MAX_TEMPO_BPM, MIN_TEMPO_BPM, Meter
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import LabelValue as LabelValue  # the studio imports it from here
from composer_core.store.vocabularies import Vocabularies

FORM_FIELDS = ("emotion_valence", "emotion_arousal", "emotion", "genre", "technique")
"""What the form of the Label page holds and one decision covers."""
CAPTIONS = ("caption_en", "caption_ja")
MAX_CAPTION = 300
"""Characters of a caption: one sentence."""
VALUE_RANGES = {
    "emotion_valence": (-1.0, 1.0),
    "emotion_arousal": (0.0, 1.0),
    "tempo_bpm": (MIN_TEMPO_BPM, MAX_TEMPO_BPM),
}
_DECIMALS = 3
MIN_QUALITY, MAX_QUALITY = 1, 5


def check_values(
    values: Mapping[str, object], instrument: str, words: Vocabularies | None = None
) -> dict[str, LabelValue]:
    """The values in the form they are stored; None stays None (not given).

    `emotion_valence` -1 to 1, `emotion_arousal` 0 to 1 and `tempo_bpm` rounded to three
    decimals; `emotion` a mood's code; `genre` weights over genre codes that add up to 1;
    `technique` a sorted list of the instrument's technique codes; `quality` a whole number
    1 to 5; `key_root` one of ROOT_NAMES (C# becomes Db); `meter` as 7/8; captions one
    line of text; the rest a code of the
    vocabulary's tags. `words` are the shipped vocabularies where none are given. Raises InvalidValue.
    """
    return {
        field: None if value is None else check_value(field, value, instrument, words)
        for field, value in values.items()
    }


def check_value(field: str, value: object, instrument: str, words: Vocabularies | None = None) -> LabelValue:
    """One value in the form it is stored; InvalidValue when the field cannot hold it."""
    if field not in _CHECKS:
        raise InvalidValue("unknown_option", name=field, where="labels", choices=", ".join(LABEL_FIELDS))
    return _CHECKS[field](field, value, _Place(instrument, words or vocabularies()))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value is to stand: the loop's instrument, and the words that are known."""

    instrument: str
    words: Vocabularies


def _number(field: str, value: Any, _place: _Place) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidValue("bad_format", name=field, value=value, expected="a number")
    require_range(field, value, *VALUE_RANGES[field])
    return round(float(value), _DECIMALS)


def _quality(field: str, value: Any, _place: _Place) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -inf < value < inf or value != int(value):
        raise InvalidValue("bad_format", name=field, value=value, expected="a whole number from 1 to 5")
    require_range(field, value, MIN_QUALITY, MAX_QUALITY)
    return int(value)


def _emotion(field: str, value: Any, place: _Place) -> str:
    require_choice(field, value, tuple(place.words.moods))
    return str(value)


def _genre(field: str, value: Any, place: _Place) -> dict[str, float] | None:
    if not isinstance(value, Mapping):
        raise InvalidValue("bad_format", name=field, value=value, expected="weights by genre")
    known = place.words.genres
    for code, weight in value.items():
        if code not in known:
            require_choice(field, code, tuple(known))
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InvalidValue("bad_format", name=f"weight of genre {code}", value=weight, expected="a number")
    check_genre(value)
    return {code: float(weight) for code, weight in sorted(value.items()) if weight > 0} or None


def _techniques(field: str, value: Any, place: _Place) -> list[str]:
    if isinstance(value, str | Mapping) or not hasattr(value, "__iter__"):
        raise InvalidValue("bad_format", name=field, value=value, expected="a list of techniques")
    known = tuple(place.words.techniques.get(place.instrument, {}))
    for code in value:
        require_choice(field, code, known)
    return sorted(set(value))


def _root(_field: str, value: Any, _place: _Place) -> str:
    return ROOT_NAMES[parse_note_name(str(value))]


def _meter(_field: str, value: Any, _place: _Place) -> str:
    return str(Meter.parse(str(value)))


def _code(field: str, value: Any, place: _Place) -> str:
    require_choice(field, value, tuple(place.words.tags[field]))
    return str(value)


def _caption(field: str, value: Any, _place: _Place) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not (0 < len(text) <= MAX_CAPTION and text.isprintable()):
        expected = f"one line of 1 to {MAX_CAPTION} characters"
        raise InvalidValue("bad_format", name=field, value=value, expected=expected)
    return text


_CHECKS: dict[str, Callable[[str, Any, _Place], LabelValue]] = {
    "emotion_valence": _number,
    "emotion_arousal": _number,
    "emotion": _emotion,
    "genre": _genre,
    "technique": _techniques,
    "quality": _quality,
    "key_root": _root,
    "key_mode": _code,
    "meter": _meter,
    "tempo_bpm": _number,
    **dict.fromkeys((name for name in TAG_CODES if name != "key_mode"), _code),
    "caption_en": _caption,
    "caption_ja": _caption,
}
LABEL_FIELDS = tuple(_CHECKS)
"""Every field, in the order tables show them."""
