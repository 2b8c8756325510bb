"""Make training pairs from a master data set: similar loops, loops that only seem similar, and texts about loops."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, StoreError, require_range
from composer_core.metrics import fingerprint_distances
from composer_core.music.genre import family_of
from composer_core.pipeline.exports.label_encoding import label_code
from composer_core.pipeline.known_labels import LEAST_CONFIDENCE
from composer_core.pipeline.labels.captions import TEMPLATE, caption_of, caption_values, captions
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.view import CurrentLabel
from composer_core.store.master import LOOPS, read_master
from composer_core.store.pairs import KIND_OF_REASON, LANGUAGES, Pairs, write_pairs
from composer_core.store.vocabularies import Vocabularies

_log = logging.getLogger(__name__)

_PARTS = ("", ".source", ".confidence", ".status")
_LEAST_OPTION, _MOST_OPTION = 0, 100
_DECIMALS = 4
_SCALED = {"emotion_valence": 2.0, "emotion_arousal": 1.0}
"""Numbers that are compared, with the length of their axis."""
_SETS = ("genre", "technique")
_TIE = 1e-6
"""So small a weight that it orders only what is equal otherwise."""


def caption_labels(row: Mapping[str, object], least_confidence: float) -> dict[str, object]:
    """`captions.tellable` of a row of the master data set."""
    return caption_values(_labels(row), row, least_confidence)


def texts_of(row: Mapping[str, object], least_confidence: float, words: Vocabularies) -> list[dict[str, object]]:
    """One text a language of a row of the master data set.

    The caption the loop has (people's and models' carry their name as `source`), else the
    sentence of its labels; with the labels and the tokens of those the encoder has a slot for.
    """
    current, labels = _labels(row), caption_labels(row, least_confidence)
    instrument = str(row["instrument"])
    made = captions(labels, instrument, words)
    code = label_code(instrument, words)
    tokens = code.tokens(code.sayable(labels))
    texts = []
    for language in LANGUAGES:
        given = caption_of(current, f"caption_{language}")
        texts.append(
            {
                "loop_id": row["loop_id"],
                "instrument": row["instrument"],
                "split": row["split"],
                "language": language,
                "text": made[f"caption_{language}"] if given is None else given.value,
                "source": TEMPLATE if given is None else given.source,
                "labels": labels,
                "tokens": tokens,
            }
        )
    return texts


def _labels(row: Mapping[str, Any]) -> dict[str, CurrentLabel]:
    """The labels of a row as the label store gives them, without their events."""
    found = {}
    for name in LABEL_FIELDS:
        # Columns without any value are not there.
        said: list[Any] = [row.get(f"labels.{name}{part}") for part in _PARTS]
        value, source, confidence, status = said
        if value is not None:
            found[name] = CurrentLabel(value, status, 0, source, confidence, "")
    return found


@dataclass(frozen=True, slots=True)
class PairOptions:
    """How pairs are chosen; raises InvalidValue for contradicting limits.

    Distances run from 0 to 1: `near_rhythm` and `near_labels` bound what counts as alike,
    `far_rhythm` and `far_labels` begin what counts as different; between them lies what makes no
    pair. Each loop looks for so many partners of each kind among `candidates` loops drawn by `seed`.
    Labels of machines and imports count from `least_confidence`.
    """

    near_rhythm: float = 0.35
    far_rhythm: float = 0.65
    near_labels: float = 0.15
    far_labels: float = 0.4
    positives: int = 2
    hard_negatives: int = 4
    negatives: int = 2
    candidates: int = 2000
    least_confidence: float = LEAST_CONFIDENCE
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("near_rhythm", "far_rhythm", "near_labels", "far_labels", "least_confidence"):
            require_range(name, getattr(self, name), 0.0, 1.0)
        for name in ("positives", "hard_negatives", "negatives"):
            require_range(name, getattr(self, name), _LEAST_OPTION, _MOST_OPTION)
        require_range("candidates", self.candidates, 1, 1_000_000)
        for near, far in (("near_rhythm", "far_rhythm"), ("near_labels", "far_labels")):
            if getattr(self, near) >= getattr(self, far):
                raise InvalidValue("contradiction", first=near, second=far, reason="what is far must lie beyond near")


@dataclass(frozen=True, slots=True)
class _Part:
    """The loops of one instrument in one split, as arrays: fingerprints (n, 58), swing codes, groups and contents as
    numbers (n,), and per compared field its values with which are known."""

    rows: Sequence[Mapping[str, Any]]
    fingerprint: NDArray[np.float32]
    swing: NDArray[np.str_]
    group: NDArray[np.str_]
    content: NDArray[np.str_]
    numbers: dict[str, NDArray[np.float64]]
    moods: NDArray[np.str_]
    sets: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_]]]


def build_pairs(
    master: Path, folder: Path, options: PairOptions | None = None, words: Vocabularies | None = None
) -> dict[str, object]:
    """Choose pairs of loops and write them with the texts of every loop into `folder`; returns the manifest.

    `words` are the vocabularies the labels were given by, the shipped ones where none are
    given. Pairs never cross instruments or splits. NotFound when there is no master data set,
    StoreError when it is damaged or the place cannot be written.
    """
    options = options or PairOptions()
    data = read_master(master)
    if "rhythm_fingerprint" not in {column.name for column in data.loops.columns}:
        raise StoreError("damaged_store", path=str(master / LOOPS), reason="it lacks rhythm_fingerprint")
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in data.loops.rows:
        parts.setdefault((str(row["instrument"]), str(row["split"])), []).append(row)
    pairs = [pair for key in sorted(parts) for pair in _pairs_of(_part(parts[key], options), options)]
    known = words or vocabularies()
    texts = [text for row in data.loops.rows for text in texts_of(row, options.least_confidence, known)]
    made_with = {"master": data.manifest["digest"], "options": asdict(options)}
    manifest = write_pairs(folder, pairs, texts, made_with)
    _log.info("training pairs written: %d pairs, %d texts", len(pairs), len(texts))
    return manifest


def describe(made: Pairs) -> dict[str, object]:
    """What a person wants to know of training pairs: counts by kind and reason, by split, texts, the digest."""
    return {
        "pairs": len(made.pairs),
        "kinds": dict(sorted(Counter(row["kind"] for row in made.pairs).items())),
        "reasons": dict(sorted(Counter(row["reason"] for row in made.pairs).items())),
        "splits": dict(sorted(Counter(row["split"] for row in made.pairs).items())),
        "texts": len(made.texts),
        "digest": made.manifest["digest"],
    }


def _part(rows: Sequence[Mapping[str, Any]], options: PairOptions) -> _Part:
    labels = [caption_labels(row, options.least_confidence) for row in rows]
    numbers = {name: np.array([own.get(name, np.nan) for own in labels], np.float64) for name in _SCALED}
    return _Part(
        rows,
        np.array([row["rhythm_fingerprint"] for row in rows], np.float32),
        np.array([row.get("swing_phase") or "" for row in rows]),
        np.array([row["group"] for row in rows]),
        np.array([row["content_hash"] for row in rows]),
        numbers,
        np.array([own.get("emotion", "") for own in labels]),
        {name: _weights([own.get(name) for own in labels]) for name in _SETS},
    )


def _weights(values: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Sets as rows of weights (n, codes) and which are known (n,); genre families get half of the weight."""
    spread: list[dict[str, float]] = []
    for value in values:
        made: dict[str, float] = {}
        if isinstance(value, Mapping):
            for code, weight in value.items():
                for name in (code, f"family {family_of(code)}"):
                    made[name] = made.get(name, 0.0) + 0.5 * weight
        else:
            made = dict.fromkeys(value or (), 1.0)
        spread.append(made)
    codes = sorted({code for own in spread for code in own})
    table = np.array([[own.get(code, 0.0) for code in codes] for own in spread], np.float64)
    return table.reshape(len(values), len(codes)), np.array([value is not None for value in values])


def _label_differences(part: _Part, one: int, others: NDArray[np.int64]) -> NDArray[np.float64]:
    """The difference of each label field, (fields, others), 0 to 1; NaN where one of the two does not know it.

    Numbers differ by their share of the axis, moods wholly or not at all, sets by 1 - sum min / sum max.
    """
    differences = [np.abs(v[others] - v[one]) / _SCALED[name] for name, v in part.numbers.items()]
    known = (part.moods[others] != "") & (part.moods[one] != "")
    differences.append(np.where(known, part.moods[others] != part.moods[one], np.nan))
    for weights, given in part.sets.values():
        shared = np.minimum(weights[others], weights[one]).sum(axis=1)
        either = np.maximum(weights[others], weights[one]).sum(axis=1)
        apart = np.where(either > 0, 1.0 - shared / np.where(either > 0, either, 1.0), 0.0)
        differences.append(np.where(given[others] & given[one], apart, np.nan))
    return np.array(differences)


def _mean_known(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean difference over the labels known of both, (others,); NaN where there are none."""
    n_known = np.isfinite(differences).sum(axis=0)
    return np.where(n_known > 0, np.nansum(differences, axis=0) / np.maximum(n_known, 1), np.nan)


def _one_differs(differences: NDArray[np.float64], options: PairOptions) -> NDArray[np.bool_]:
    """Where one label is far and every other one that both know is near, and there is another one, (others,)."""
    far, near = (differences >= options.far_labels).sum(axis=0), (differences <= options.near_labels).sum(axis=0)
    known = np.isfinite(differences).sum(axis=0)
    return np.asarray((far == 1) & (near == known - 1) & (known >= 2))


def _pairs_of(part: _Part, options: PairOptions) -> list[dict[str, Any]]:
    random = np.random.default_rng(options.seed)
    seen: set[tuple[int, int]] = set()
    made: list[dict[str, Any]] = []
    n = len(part.rows)
    for one in range(n):
        others = np.arange(n) if n <= options.candidates else random.choice(n, options.candidates, replace=False)
        others = random.permutation(others[part.content[others] != part.content[one]])
        rhythm = fingerprint_distances(part.fingerprint[one], part.fingerprint[others])
        differences = _label_differences(part, one, others)
        labels = _mean_known(differences)
        for reason, place in _chosen(part, one, others, rhythm, differences, options):
            other = int(others[place])
            if (min(one, other), max(one, other)) in seen:
                continue
            seen.add((min(one, other), max(one, other)))
            made.append(_pair(part, one, other, reason, float(rhythm[place]), float(labels[place])))
    return made


def _chosen(
    part: _Part,
    one: int,
    others: NDArray[np.int64],
    rhythm: NDArray[np.float64],
    differences: NDArray[np.float64],
    options: PairOptions,
) -> list[tuple[str, int]]:
    """(reason, place among `others`) of the pairs this loop makes.

    Alike: the same swing, near in rhythm and in what labels both have; other songs first, then the
    nearest. Hard negatives, the most deceptive first: rhythm and swing as alike, but labels far, or one of
    several labels; labels as alike, but rhythm far or another swing; the very rhythm in another swing.
    Far: far in both. A loop of the same song is never a negative.
    """
    labels = _mean_known(differences)
    same_swing = part.swing[others] == part.swing[one]
    elsewhere = part.group[others] != part.group[one]
    unknown = np.isnan(labels)
    close = rhythm <= options.near_rhythm
    near_rhythm, far_rhythm = same_swing & close, ~same_swing | (rhythm >= options.far_rhythm)
    near_labels, far_labels = labels <= options.near_labels, labels >= options.far_labels
    hard = {
        "labels_differ": (near_rhythm & far_labels & elsewhere, rhythm),
        # Many have the very same labels: of these the nearest in rhythm deceive most.
        "rhythm_differs": (near_labels & far_rhythm & elsewhere, labels + _TIE * rhythm),
        "one_label_differs": (near_rhythm & ~far_labels & _one_differs(differences, options) & elsewhere, rhythm),
        "swing_differs": (close & ~same_swing & (unknown | ~near_labels & ~far_labels) & elsewhere, rhythm),
    }
    alike = _first(near_rhythm & (near_labels | unknown), rhythm + ~elsewhere, options.positives)
    far = np.flatnonzero(far_rhythm & (rhythm >= options.far_rhythm) & (far_labels | unknown) & elsewhere)
    return [
        *(("alike", place) for place in alike),
        *_in_turn({name: _first(*fits, options.hard_negatives) for name, fits in hard.items()}, options.hard_negatives),
        *(("far", int(place)) for place in far[: options.negatives]),
    ]


def _first(fits: NDArray[np.bool_], order: NDArray[np.float64], count: int) -> list[int]:
    """The places that fit, smallest order first, at most `count`."""
    places = np.flatnonzero(fits)
    return [int(place) for place in places[np.argsort(order[places], kind="stable")][:count]]


def _in_turn(found: Mapping[str, Sequence[int]], count: int) -> list[tuple[str, int]]:
    """One of each reason, then a second of each, until there are `count`; what one lacks the others may give."""
    rounds = [(name, places[turn]) for turn in range(count) for name, places in found.items() if turn < len(places)]
    return rounds[:count]


def _pair(part: _Part, one: int, other: int, reason: str, rhythm: float, labels: float) -> dict[str, Any]:
    first, second = part.rows[one], part.rows[other]
    return {
        "anchor": first["loop_id"],
        "other": second["loop_id"],
        "kind": KIND_OF_REASON[reason],
        "reason": reason,
        "instrument": first["instrument"],
        "split": first["split"],
        "same_swing": bool(part.swing[one] == part.swing[other]),
        "same_group": bool(part.group[one] == part.group[other]),
        "rhythm_distance": round(rhythm, _DECIMALS),
        "label_distance": None if np.isnan(labels) else round(labels, _DECIMALS),
    }
