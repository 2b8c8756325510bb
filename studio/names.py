"""Names on screen of instruments, genres and moods."""

from __future__ import annotations

import re

from studio import session
from studio.text import language, t


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


def metric_meaning(code: str) -> str:
    """What a metric says, in the current language."""
    from composer_core.metrics import METRICS

    return METRICS[code].meaning_ja if language() == "ja" else METRICS[code].meaning_en
