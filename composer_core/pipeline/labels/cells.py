"""Cells of tables of labels: values in plain words, and what people's spreadsheets make of them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from composer_core.errors import InvalidValue
from composer_core.pipeline.labels.fields import CAPTIONS, LabelValue
from composer_core.store.vocabularies import Vocabularies

NUMBER_FIELDS = ("emotion_valence", "emotion_arousal", "tempo_bpm", "quality")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 80
"""So many characters of a bad cell are shown."""
_NUMBER = re.compile(r"([+-]?)(\d{0,30})(?:[.,](\d{0,30}))?(?:[eE]([+-]?\d{1,3}))?\s*(%?)")
_SEPARATORS = re.compile(r"\s*[,;|、，；/]\s*")
_SHARE = re.compile(r"(.*?\S)(?:\s*[:=]\s*|\s+)(\d{1,3}(?:\.\d{1,30})?(?:e-\d{1,3})?)\s*(%?)")
_DECIMAL_COMMA = re.compile(r"(?<=[\d:= ]\d),(?=\d)|(?<=^\d),(?=\d)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_MONTH = re.compile(r"(\d{1,2})-([A-Za-z]{3})")
_JAPANESE_DAY = re.compile(r"(\d{1,2})月(\d{1,2})日")
_SLASHED = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(.*)")
_STATUS_WORDS = {
    "承認": "approved",
    "承認済み": "approved",
    "却下": "rejected",
    "下書き": "draft",
    "提案": "suggested",
}


def guarded(cell: str) -> str:
    """Text that a spreadsheet would run as a formula with an apostrophe in front; so that `unguarded` gives it back,
    also text that begins with one."""
    return f"'{cell}" if cell.startswith((*_FORMULA, "'")) else cell


def unguarded(cell: str) -> str:
    """The text behind the apostrophe that `guarded` or a person put in front of it."""
    behind = cell[1:]
    return behind if cell[:1] == "'" and (behind.startswith((*_FORMULA, "'")) or behind[:1].isdigit()) else cell


def bad_cell(name: str, value: object, expected: str) -> InvalidValue:
    """The refusal of a cell, of which at most the beginning is shown."""
    text = value if isinstance(value, str) else str(value)
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return InvalidValue("bad_format", name=name, value=shown, expected=expected)


def plain_value(value: LabelValue) -> str | float:
    """A value for a cell: numbers as they are, words apart by commas, genres heaviest first with their weights.

    Text that begins with a quotation mark is written as JSON, for a cell that begins so is read as JSON.
    """
    if isinstance(value, Mapping):
        if [*value.values()] == [1.0]:
            return str(next(iter(value)))
        return ", ".join(f"{code} {weight!r}" for code, weight in sorted(value.items(), key=lambda item: -item[1]))
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.startswith('"') else value
    return "" if value is None else value


def read_value(field: str, cell: str, words: Vocabularies) -> object:
    """What a cell says of a field: JSON, or a code, name or synonym of the vocabularies, a number with a decimal
    point or comma. None for an empty cell; InvalidValue for JSON or a number that is none."""
    if not cell.strip():
        return None
    if field in CAPTIONS and not cell.startswith('"'):
        return cell
    if cell.lstrip().startswith(('"', "{", "[")) or cell.strip() == "null":
        return read_json(field, cell)
    text = unicodedata.normalize("NFKC", cell).replace("\u2212", "-").strip()
    if field in NUMBER_FIELDS:
        return read_number(field, text)
    if field == "genre":
        return _genres(text, words)
    if field == "technique":
        return [_technique(word, words) for word in _SEPARATORS.split(text) if word]
    if field == "emotion":
        return text if text in words.moods else words.mood_of_word(text) or text
    if field == "meter":
        return _meter(text)
    if field == "key_root":
        return text.replace("♯", "#").replace("♭", "b")
    known = words.tags.get(field, {})
    return text if text in known or not known else words.tag_of_word(field, text) or text


def read_json(name: str, text: str) -> object:
    """JSON out of a cell; InvalidValue for what is none, NaN, infinities and numbers of thousands of digits."""
    try:
        value: object = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_cell(name, text, "JSON or plain words") from error
    return value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number")


def read_number(name: str, cell: str) -> float:
    """A number with a decimal point or comma, also as a percentage; whole numbers as int. InvalidValue."""
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", cell).replace("\u2212", "-").strip())
    if match is None or not (match[2] or match[3]):
        raise bad_cell(name, cell, "a number")
    sign, whole, part, power, percent = match.groups()
    if part is None and power is None and not percent:
        return int(sign + whole)
    number = float(f"{sign}{whole or 0}.{part or 0}e{power or 0}")
    return number / 100.0 if percent else number


def read_confidence(cell: str) -> float | None:
    """A confidence, None for an empty cell; InvalidValue for what is no number."""
    return float(read_number("confidence", cell)) if cell.strip() else None


def read_status(cell: str) -> str:
    """The status a cell names, in English or Japanese."""
    text = cell.strip().casefold()
    return _STATUS_WORDS.get(text, text)


def read_source(cell: str) -> str:
    """The source a cell names; a name that says nothing of its kind is an import's."""
    text = cell.strip()
    known = text.partition(":")[0] in ("human", "model", "rule", "import")
    return text if known or not text else f"import:{text}"


def read_time(cell: str) -> str:
    """A time as the store writes it (UTC, milliseconds), "" for an empty cell; UTC where no zone is named.

    InvalidValue for what is no time, and for one that is still to come.
    """
    text = _SLASHED.sub(lambda m: f"{m[1]}-{int(m[2]):02d}-{int(m[3]):02d}{m[4]}", cell.strip())
    text = re.sub(r" (\d):", r" 0\1:", text)
    if not text:
        return ""
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_cell("time", cell, "a time such as 2026-11-30T08:31:16.123+00:00") from error
    if moment > datetime.now(UTC) + timedelta(days=1):
        raise bad_cell("time", cell, "a time that has passed")
    return moment.isoformat(timespec="milliseconds")


def _genres(text: str, words: Vocabularies) -> dict[str, float]:
    """Genres with weights ("rock 75 %, funk 25 %"), or in equal parts where none has one."""
    whole = _genre(text, words)
    if whole is not None:
        return {whole: 1.0}
    parts = [part for part in re.split(r"\s*[,;|、，；+]\s*", _DECIMAL_COMMA.sub(".", text)) if part]
    found: dict[str, float | None] = {}
    for part in parts:
        match = None if _genre(part, words) else _SHARE.fullmatch(part)
        word = match[1].strip() if match and match[1].strip() else part
        weight = float(match[2]) / (100.0 if match[3] else 1.0) if match and word != part else None
        code = _genre(word, words) or word
        if code in found:
            raise bad_cell("genre", text, "each genre once")
        found[code] = weight
    if all(weight is None for weight in found.values()):
        return dict.fromkeys(found, 1.0 / len(found)) if found else {}
    if any(weight is None for weight in found.values()):
        raise bad_cell("genre", text, "a weight with every genre, or with none")
    return {code: float(weight or 0.0) for code, weight in found.items()}


def _genre(word: str, words: Vocabularies) -> str | None:
    return word if word in words.genres else words.genre_of_word(word)


def _technique(word: str, words: Vocabularies) -> str:
    """The code of a technique; import_labels says whether the loop's instrument has it."""
    if any(word in known for known in words.techniques.values()):
        return word
    folded = word.casefold()
    for known in words.techniques.values():
        for code, entry in known.items():
            if folded in {one.casefold() for one in (code, entry.name_en, entry.name_ja, *entry.synonyms)}:
                return code
    return word


def _meter(text: str) -> str:
    """A metre, also where a spreadsheet took it for a date: 6/8 saved as "8-Jun" or "6月8日"."""
    if (match := _DAY_MONTH.fullmatch(text)) and match[2].casefold() in _MONTHS:
        return f"{_MONTHS.index(match[2].casefold()) + 1}/{match[1]}"
    match = _JAPANESE_DAY.fullmatch(text)
    return f"{match[1]}/{match[2]}" if match else text
