"""Text for label values, reasons, sources and times in the current language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from composer_core.pipeline.labels.queue import QueueItem
from composer_core.pipeline.vocabularies import vocabularies
from studio import session
from studio.wording.names import genre_name, metric_name, mood_name, tag_name, technique_name
from studio.wording.text import language, t

_FORMAT = {"emotion_valence": "+.2f", "quality": "d", "tempo_bpm": ".4g"}


def value_text(field: str, value: object, instrument: str) -> str:
    """A label value as people read it; codes that the vocabulary no longer knows stay codes."""
    if value is None or value in ([], {}):
        return t("label.none")
    if isinstance(value, int | float):
        return f"{value:{_FORMAT.get(field, '.2f')}}"
    if field == "genre" and isinstance(value, Mapping):
        shares = sorted(value.items(), key=lambda item: -item[1])
        return listed([f"{_known(genre_name, code)} {100 * share:.0f} %" for code, share in shares])
    if field == "technique" and isinstance(value, list):
        return listed([_known(lambda code: technique_name(instrument, code), code) for code in value])
    if field == "emotion":
        return _known(mood_name, str(value))
    return _known(lambda code: tag_name(field, code), str(value))


def code_text(field: str, code: str) -> str:
    """One value of a field that can be counted, as people read it; a technique whatever its instrument."""
    if field == "genre":
        return _known(genre_name, code)
    if field == "technique":
        known = vocabularies(session.workspace()).techniques
        instrument = next((name for name, of_it in known.items() if code in of_it), "")
        return _known(lambda one: technique_name(instrument, one), code)
    return f"{code} ★" if field == "quality" else value_text(field, code, "")


def field_name(field: str) -> str:
    """A label field in words."""
    return t(f"field.{field}")


def field_title(field: str) -> str:
    """A label field in words where it stands alone."""
    name = field_name(field)
    return name[:1].upper() + name[1:]


def confidence_text(confidence: float | None) -> str:
    """A confidence as a percentage."""
    return "" if confidence is None else f"{100 * confidence:.0f} %"


def reasons_text(field: str, reasons: Sequence[str], instrument: str) -> str:
    """An estimator's reason codes in words: what raised and lowered a number, what a choice rests on.

    Codes are "metric:NAME:+" (raises the value), "metric:NAME:-", the same with "cue:" for what several
    measurements say together, and "rule:TECHNIQUE".
    """
    groups: dict[str, list[str]] = {}
    for reason in reasons:
        kind, _, rest = reason.partition(":")
        name, _, sign = rest.rpartition(":")
        if kind == "rule":
            groups.setdefault("rule", []).append(_known(lambda code: technique_name(instrument, code), rest))
        else:
            way = ("raised" if sign == "+" else "lowered") if field.startswith("emotion_") else "rests"
            named = t(f"cue.{name}") if kind == "cue" else _known(metric_name, name)
            groups.setdefault(way, []).append(named)
    return " · ".join(t(f"label.reason_{way}", what=listed(names)) for way, names in groups.items())


def why_text(item: QueueItem) -> str:
    """Why a loop is in the queue."""
    name_of = metric_name if item.reason == "outlier" else field_name
    field = name_of(item.field) if item.field else ""
    amount = "" if item.amount is None else f"{item.amount:+.1f}"
    return t(f"label.why_{item.reason}", field=field, confidence=confidence_text(item.confidence), amount=amount)


def who_text(source: str) -> str:
    """Who wrote a label: a rater by name, or which estimator, rule or data set."""
    kind, _, name = source.partition(":")
    return name if kind == "human" else t(f"label.by_{kind}", name=name)


def time_text(created_at: str) -> str:
    """A stored UTC time on this computer's clock, to the minute."""
    moment = datetime.fromisoformat(created_at).astimezone()
    return moment.strftime("%Y/%m/%d %H:%M" if language() == "ja" else "%Y-%m-%d %H:%M")


def listed(parts: Sequence[str]) -> str:
    """Words side by side."""
    return ("、" if language() == "ja" else ", ").join(parts)


def _known(name_of: Any, code: str) -> str:
    try:
        return str(name_of(code))
    except KeyError:
        return code
