"""The predecessor's tags.yaml and mood.yaml: emotion, section and intensity by the path of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from composer_core.errors import InvalidValue, NotFound
from composer_core.pipeline.labels.delimited import NotThisFormat
from composer_core.pipeline.labels.exported import ExportedLabel
from composer_core.pipeline.labels.imports import LabelRow, Refusal
from composer_core.pipeline.labels.loop_names import LoopFinder, LoopName
from composer_core.store.vocabularies import Vocabularies

_TAG_KEYS = {
    *("mode", "section", "mood", "intensity", "confidence", "confidence_section", "confidence_mood"),
    *("bpm", "time_signature", "bars", "tempo_fallback", "ts_fallback"),
}
YAML_KEYS = {
    "tags": {"emotion": "mood", "section": "section", "intensity": "intensity"},
    "mood": {"emotion": "mood"},
}
"""What the predecessor's files hold of our fields, and under which key."""
AUTOMATIC_MOOD_CONFIDENCE = 0.1
"""The predecessor's automatic moods are the same for nearly every loop."""


def to_yaml(labels: Iterable[ExportedLabel], names: Mapping[str, LoopName], form: str) -> tuple[str, int]:
    """By relative path, as the predecessor wrote it: one entry a file, its first labelled loop speaking for it;
    and how many labels that are."""
    keys = YAML_KEYS[form]
    entries: dict[str, dict[str, Any]] = {}
    for label in labels:
        key = keys.get(label.field)
        if key and label.loop_id in names:
            entry = entries.setdefault(PurePosixPath(names[label.loop_id].file).as_posix(), {})
            entry.setdefault(key, label.value)
            if label.confidence is not None and key != "intensity":
                entry.setdefault(f"confidence_{key}", label.confidence)
    n_written = sum(key in entry for entry in entries.values() for key in keys.values())
    return yaml.safe_dump(entries, allow_unicode=True, sort_keys=True), n_written


def from_yaml(
    data: object, file: str, finder: LoopFinder, words: Vocabularies, refused: list[Refusal]
) -> Iterator[LabelRow]:
    """The labels of what such a file holds; NotThisFormat where it is none."""
    if not isinstance(data, dict):
        raise NotThisFormat("expected a mapping of paths")
    for name, entry in data.items():
        if name == "meta":
            continue
        if not isinstance(entry, dict) or set(entry) - _TAG_KEYS:
            raise NotThisFormat(f"{name}: expected keys out of {', '.join(sorted(_TAG_KEYS))}")
        yield from _tags_of(words, finder.of(str(name)), entry, f"{file}: {name}", refused)


def _tags_of(
    words: Vocabularies, loop_ids: list[str], entry: Mapping[str, Any], origin: str, refused: list[Refusal]
) -> Iterator[LabelRow]:
    if not loop_ids:
        missing = NotFound("path_missing", path=origin)
        refused.append(Refusal(origin, "", "", missing))
        return
    for key, name in (("mood", "emotion"), ("section", "section"), ("intensity", "intensity")):
        if entry.get(key) is None:
            continue
        word = str(entry[key])
        try:
            known = words.mood_of_word(word) if key == "mood" else words.tag_of_word(name, word)
            if known is None:
                of_source = words.mood_of_source if key == "mood" else None
                known = of_source("composer4", word) if of_source else words.tag_of_source("composer4", name, word)
            confidence = _confidence(f"confidence_{key}", entry.get(f"confidence_{key}"))
        except InvalidValue as error:
            refused.append(Refusal(origin, loop_ids[0], name, error))
            continue
        if key == "mood" and confidence is not None:
            confidence = min(confidence, AUTOMATIC_MOOD_CONFIDENCE)
        for loop_id in loop_ids:
            yield LabelRow(loop_id, name, known, confidence, "", origin)


def _confidence(name: str, value: Any) -> float | None:
    """A confidence as a number, None where none is given; InvalidValue for anything else."""
    try:
        return None if value is None else float(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidValue("bad_format", name=name, value=value, expected="a confidence of 0 to 1") from error
