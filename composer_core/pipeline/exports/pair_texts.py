"""Texts about loops with the labels and tokens they say the same as: for models that read or write about music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.pipeline.exports.label_encoding import label_code
from composer_core.pipeline.labels.captions import TEMPLATE, caption_of, captions, tellable
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.vocabularies import Vocabularies
from composer_core.store.labels.view import CurrentLabel
from composer_core.store.pairs import LANGUAGES

_PARTS = ("", ".source", ".confidence", ".status")


def known_labels(row: Mapping[str, Any], least_confidence: float) -> dict[str, Any]:
    """`captions.tellable` of a row of the master data set."""
    return tellable(_labels(row), row, least_confidence)


def texts_of(row: Mapping[str, Any], least_confidence: float, words: Vocabularies) -> list[dict[str, Any]]:
    """One text a language of a row of the master data set.

    The caption the loop has (people's and models' carry their name as `source`), else the
    sentence of its labels; with the labels and the tokens of those the encoder has a slot for.
    """
    current, labels = _labels(row), known_labels(row, least_confidence)
    made = captions(labels, row["instrument"], words)
    code = label_code(row["instrument"], words)
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
        value, source, confidence, status = (row[f"labels.{name}{part}"] for part in _PARTS)
        if value is not None:
            found[name] = CurrentLabel(value, status, 0, source, confidence, "")
    return found
