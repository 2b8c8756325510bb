"""Turn a data set's facts about a file, or stretches of it, into the labels of one loop."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import Any, cast

from composer_core.ingest.datasets.adapter import Label
from composer_core.music.timing import TICKS_PER_QUARTER, Meter
from composer_core.store.loops.store import LoopStore
from composer_core.store.vocabularies import Vocabularies
from composer_core.workspace import Workspace

LOOP_LABEL = tuple[str, object, float, str]
"""(field, value, confidence, note)."""
_MOST = 0.5
"""A span counts for a loop when it covers at least this share of it; a technique when it is in this share of it."""
_TAG_FIELDS = ("genre", "emotion")


@dataclass(frozen=True, slots=True)
class LoopPlace:
    """Where a loop lies in its file: [start, end) in quarters and seconds, its part and instrument."""

    loop_id: str
    instrument: str
    part: int
    md5: str
    quarters: tuple[float, float]
    seconds: tuple[float, float]


def loops_of_files(workspace: Workspace, digests: set[str]) -> dict[str, list[LoopPlace]]:
    """The loops of the files with these digests."""
    columns = ["loop_id", "source_digest", "instrument", "start_bar", "bars", "meter", "tempo_bpm", "extra"]
    places: dict[str, list[LoopPlace]] = defaultdict(list)
    for row in LoopStore(workspace).rows_of_files(digests, columns):
        places[str(row["source_digest"])].append(_place(row))
    return places


def _place(row: Mapping[str, Any]) -> LoopPlace:
    extra = json.loads(row["extra"])
    bar_tick = Meter.parse(row["meter"]).bar_tick
    start = extra.get("start_tick", row["start_bar"] * bar_tick) / TICKS_PER_QUARTER
    length = row["bars"] * bar_tick / TICKS_PER_QUARTER
    quarter_sec = 60.0 / row["tempo_bpm"]
    start_sec = extra.get("start_sec", start * quarter_sec)
    return LoopPlace(
        row["loop_id"],
        row["instrument"],
        extra.get("part", 0),
        extra.get("md5", ""),
        (start, start + length),
        (start_sec, start_sec + length * quarter_sec),
    )


@dataclass(slots=True)
class WordTranslator:
    """A data set's words to the codes of the vocabularies; `unknown` counts those that lead nowhere."""

    vocabularies: Vocabularies
    dataset: str
    unknown: Counter[str] = field(default_factory=Counter)

    def translate(self, label: Label) -> tuple[str, object] | None:
        """(field, value) as labels store it, or None for an unknown word."""
        if not label.foreign:
            return label.field, label.value
        if label.field == "tag":
            found = (self._code(name, str(label.value)) for name in _TAG_FIELDS)
            return next(((name, code) for name, code in zip(_TAG_FIELDS, found, strict=True) if code), None)
        code = self._code(label.field, str(label.value))
        if code is None:
            self.unknown[f"{label.field}: {label.value}"] += 1
        return None if code is None else (label.field, code)

    def _code(self, name: str, word: str) -> Any:
        if name == "genre":
            return self._genre(word)
        code = self._known(self.vocabularies.mood_sources, word) or self.vocabularies.mood_of_word(word)
        if name == "emotion" or code is None:
            return code
        mood = self.vocabularies.moods[code]
        anchor = self._known(self.vocabularies.affect_sources, word) or (mood.valence, mood.arousal)
        return anchor[name == "emotion_arousal"]

    def _genre(self, word: str) -> dict[str, float] | None:
        weights = self._known(self.vocabularies.genre_sources, word)
        code = self.vocabularies.genre_of_word(word)
        return dict(weights) if weights else {code: 1.0} if code else None

    def _known(self, sources: Mapping[str, Mapping[str, Any]], word: str) -> Any:
        of_set = sources.get(self.dataset, {})
        return of_set.get(word) or of_set.get(word.casefold())


class FileLabels:
    """The labels of one file, those of stretches by part and start, so that a loop finds its own at once."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.whole = [label for label in labels if _span(label) is None]
        spans: dict[tuple[int | None, bool], list[tuple[float, float, Label]]] = defaultdict(list)
        for label in labels:
            if (span := _span(label)) is not None:
                spans[label.part, label.span_quarter is not None].append((*span, label))
        self._spans = {key: sorted(found, key=lambda item: item[:2]) for key, found in spans.items()}
        self._longest = {key: max(end - start for start, end, _ in found) for key, found in spans.items()}

    def holding(self, place: LoopPlace) -> Iterator[tuple[Label, float]]:
        """Labels with the share (0 to 1) of the loop they cover; those of the whole file cover all."""
        for label in self.whole:
            if label.part in (None, place.part):
                yield label, 1.0
        for (part, in_quarters), found in self._spans.items():
            if part not in (None, place.part):
                continue
            start, end = place.quarters if in_quarters else place.seconds
            first = bisect_left(found, start - self._longest[part, in_quarters], key=itemgetter(0))
            for span_start, span_end, label in islice(found, first, None):
                if span_start >= end:
                    break
                if (covered := min(span_end, end) - max(span_start, start)) > 0:
                    yield label, covered / (end - start)


def _span(label: Label) -> tuple[float, float] | None:
    return label.span_quarter or label.span_sec


def labels_of_loop(labels: FileLabels, place: LoopPlace, words: WordTranslator) -> list[LOOP_LABEL]:
    """One label a field: what holds for the whole file, or for most of the loop; the surest first."""
    found: dict[str, LOOP_LABEL] = {}
    for label in sorted(_most(labels.holding(place)), key=lambda label: -label.confidence):
        translated = words.translate(label)
        if translated is not None and translated[0] not in found:
            name, value = translated
            note = f"{words.dataset}: {label.value}" if label.foreign else ""
            found[name] = (name, value, label.confidence, note)
    if "technique" in found:
        found["technique"] = _playable(found["technique"], place, words.vocabularies)
    return [row for row in found.values() if row[1] != []]


def _playable(row: LOOP_LABEL, place: LoopPlace, vocabularies: Vocabularies) -> LOOP_LABEL:
    """Techniques belong to instruments: what this one does not have is no label of it."""
    known = vocabularies.techniques.get(place.instrument, {})
    return (row[0], [code for code in cast(list[str], row[1]) if code in known], *row[2:])


def _most(holding: Iterable[tuple[Label, float]]) -> Iterator[Label]:
    """Labels that cover at least half of the loop; techniques by the sum of what each covers."""
    shares: dict[str, float] = defaultdict(float)
    confidence = 1.0
    for label, share in holding:
        if label.field == "technique":
            confidence = min(confidence, label.confidence)
            for code in cast(list[str], label.value):
                shares[code] += share
        elif share >= _MOST:
            yield label
    if common := sorted(code for code, share in shares.items() if share >= _MOST):
        yield Label("technique", common, confidence)
