"""XMIDI: emotion and genre in the file's name, `XMIDI_<emotion>_<genre>_<ID8>.midi`.

The names were given by a classifier and checked by ear only in part, hence the confidences.
Each emotion has the anchor point the data set's users agreed on; arousal there runs from
-1 to 1 and is mapped by (a + 1) / 2.
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

ANCHORS = {
    "angry": (-0.70, 0.85),
    "exciting": (0.65, 0.90),
    "fear": (-0.80, 0.75),
    "funny": (0.60, 0.50),
    "happy": (0.80, 0.65),
    "lazy": (0.20, -0.40),
    "magnificent": (0.55, 0.55),
    "quiet": (0.10, -0.60),
    "romantic": (0.45, 0.10),
    "sad": (-0.75, -0.35),
    "warm": (0.50, 0.00),
}
"""(valence, arousal), both -1 to 1."""
EMOTION_CONFIDENCE, GENRE_CONFIDENCE, ANCHOR_CONFIDENCE = 0.7, 0.8, 0.5
_NAME = re.compile(r"XMIDI_([a-z]+)_([a-z]+)_([A-Za-z0-9]{8})\.midi?", re.I)


def _facts(file: str) -> FileFacts | None:
    match = _NAME.fullmatch(file.rsplit("/", 1)[-1])
    if match is None:
        return None
    emotion, genre = match[1].lower(), match[2].lower()
    labels = [Label("emotion", emotion, EMOTION_CONFIDENCE, foreign=True)]
    labels.append(Label("genre", genre, GENRE_CONFIDENCE, foreign=True))
    if emotion in ANCHORS:
        valence, arousal = ANCHORS[emotion]
        labels.append(Label("emotion_valence", valence, ANCHOR_CONFIDENCE))
        labels.append(Label("emotion_arousal", (arousal + 1) / 2, ANCHOR_CONFIDENCE))
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
