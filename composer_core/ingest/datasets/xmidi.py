"""XMIDI: emotion and genre in the file's name, `XMIDI_<emotion>_<genre>_<ID8>.midi`.

The names were given by a classifier and checked by ear only in part, hence the confidences.
Each emotion has its anchor point in `assets/mood.yaml`.
"""

from __future__ import annotations

import re
from pathlib import Path

from composer_core.ingest.datasets.adapter import (
    Adapter,
    FileFacts,
    Label,
    facts_by_name,
    no_indexes,
    nothing_to_parse,
)

EMOTION_CONFIDENCE, GENRE_CONFIDENCE, ANCHOR_CONFIDENCE = 0.7, 0.8, 0.5
_NAME = re.compile(r"XMIDI_([a-z]+)_([a-z]+)_([A-Za-z0-9]{8})\.midi?", re.I)


def _facts(file: str) -> FileFacts | None:
    match = _NAME.fullmatch(file.rsplit("/", 1)[-1])
    if match is None:
        return None
    emotion, genre = match[1].lower(), match[2].lower()
    labels = [Label("emotion", emotion, EMOTION_CONFIDENCE, foreign=True)]
    labels.append(Label("genre", genre, GENRE_CONFIDENCE, foreign=True))
    labels.append(Label("emotion_valence", emotion, ANCHOR_CONFIDENCE, foreign=True))
    labels.append(Label("emotion_arousal", emotion, ANCHOR_CONFIDENCE, foreign=True))
    return FileFacts(title=match[3], group=match[3], labels=tuple(labels))


def _detect(root: Path) -> bool:
    return any(_NAME.fullmatch(path.name) for path in root.glob("*.mid*")) or any(
        _NAME.fullmatch(path.name) for path in root.glob("*/*.mid*")
    )


ADAPTER = Adapter(
    name="xmidi",
    title="XMIDI",
    source="https://github.com/xmusic-project/XMIDI_Dataset",
    tested_on="fixtures",
    detect=_detect,
    indexes=no_indexes,
    parse=nothing_to_parse,
    facts=facts_by_name(_facts),
)
