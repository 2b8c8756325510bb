"""Names on screen of instruments, genres and moods."""

from __future__ import annotations

import re

from studio import session
from studio.wording.text import language, t

DECIMALS = {
    "": 2,
    "MIDI note": 1,
    "bars": 0,
    "bits": 2,
    "levels a bar": 1,
    "long : short": 2,
    "ms": 1,
    "nPVI": 1,
    "notes": 1,
    "notes a bar": 1,
    "onsets a quarter": 2,
    "onsets a second": 2,
    "pitch classes": 0,
    "quarters": 2,
    "seconds": 2,
    "semitones": 1,
    "share": 2,
    "share of the gap": 2,
    "slots a quarter": 0,
    "velocity": 1,
}
"""Digits after the point of a value of each unit of the metrics: no finer than a listener could tell."""


def instrument_name(code: str) -> str:
    """An instrument family in the current language."""
    return t(f"instrument.{code}")


def genre_name(code: str) -> str:
    """A genre or sub-style of the vocabulary in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    genre = vocabularies(session.workspace()).genres[code]
    return genre.name_ja if language() == "ja" else genre.name_en


def mood_name(code: str) -> str:
    """A named emotion of the vocabulary in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    mood = vocabularies(session.workspace()).moods[code]
    return mood.name_ja if language() == "ja" else mood.name_en


def technique_name(instrument: str, code: str) -> str:
    """A playing technique of an instrument in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    technique = vocabularies(session.workspace()).techniques[instrument][code]
    return technique.name_ja if language() == "ja" else technique.name_en


def tag_name(field: str, code: str) -> str:
    """A code of a label field such as section or key_mode in the current language."""
    from composer_core.pipeline.vocabularies import vocabularies

    tag = vocabularies(session.workspace()).tags[field][code]
    return tag.name_ja if language() == "ja" else tag.name_en


def metric_name(code: str) -> str:
    """A metric in the current language; the tempo counts as one."""
    from composer_core.metrics import METRICS

    if code == "tempo_bpm":
        return t("metric.tempo_bpm")
    return METRICS[code].name_ja if language() == "ja" else METRICS[code].name_en


def metric_unit(code: str) -> str:
    """A metric's unit in the current language, "" where it has none."""
    from composer_core.metrics import METRICS

    unit = re.sub(r"\W+", "_", METRICS[code].unit)
    return t(f"unit.{unit}") if unit else ""


def metric_value(code: str, value: float) -> str:
    """A metric's value with the decimals of its unit, the same wherever it is shown."""
    from composer_core.metrics import METRICS

    text = f"{value:.{DECIMALS[METRICS[code].unit]}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def metric_meaning(code: str) -> str:
    """What a metric says, in the current language."""
    from composer_core.metrics import METRICS

    return METRICS[code].meaning_ja if language() == "ja" else METRICS[code].meaning_en
