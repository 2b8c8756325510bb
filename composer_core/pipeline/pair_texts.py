"""Texts about loops with the labels and tokens they say the same as: for models that read or write about music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from composer_core.pipeline.captions import captions
from composer_core.pipeline.label_encoding import label_code
from composer_core.pipeline.label_fields import CAPTIONS, LABEL_FIELDS
from composer_core.pipeline.vocabularies import Vocabularies
from composer_core.store.pairs import LANGUAGES

LEAST_CONFIDENCE = 0.5
"""Labels of machines and imports below this say too little to learn from."""
TEMPLATE = "rule:template"
"""Who said so where a text was made of the labels by `captions`."""
_MEASURED = ("tempo_bpm", "meter", "tempo_bucket", "swing_phase")
_STANDING = ("suggested", "approved")


def known_labels(row: Mapping[str, Any], least_confidence: float = LEAST_CONFIDENCE) -> dict[str, Any]:
    """Labels of a row of the master data set to learn from, captions left out.

    What people approved, what machines and imports say with enough confidence (a source that
    gives none is taken at its word), and the tempo, metre and swing as measured where no label says them.
    """
    known: dict[str, Any] = {}
    for name in LABEL_FIELDS:
        value, status = row[f"labels.{name}"], row[f"labels.{name}.status"]
        confidence = row[f"labels.{name}.confidence"]
        sure = confidence is None or confidence >= least_confidence
        if name not in CAPTIONS and value is not None and status in _STANDING and sure:
            known[name] = value
    return {name: row[name] for name in _MEASURED if row[name] is not None} | known


def texts_of(row: Mapping[str, Any], least_confidence: float, words: Vocabularies) -> list[dict[str, Any]]:
    """One text a language of a row of the master data set.

    The caption the loop has (people's and models' carry their name as `source`), else the
    sentence of its labels; with the labels and the tokens of those the encoder has a slot for.
    """
    labels = known_labels(row, least_confidence)
    made = captions(labels, row["instrument"], words)
    code = label_code(row["instrument"], words)
    tokens = code.tokens(code.sayable(labels))
    texts = []
    for language in LANGUAGES:
        name = f"caption_{language}"
        given = row[f"labels.{name}"] if row[f"labels.{name}.status"] in _STANDING else None
        source = row[f"labels.{name}.source"] if given else TEMPLATE
        texts.append(
            {
                "loop_id": row["loop_id"],
                "instrument": row["instrument"],
                "split": row["split"],
                "language": language,
                "text": given or made[name],
                "source": source,
                "labels": labels,
                "tokens": tokens,
            }
        )
    return texts
