"""A plain folder or archive: the names of the folders a file lies in are its tags.

`Jazz/sad/x.mid` gives the words Jazz and sad; the vocabularies decide whether one is a genre
or a mood, others are kept as tags. A person sorted the files, perhaps by something else, hence
the confidence.
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

CONFIDENCE = 0.5
TAG = "tag"
"""Field of a word that may be a genre or a mood: not stored as such."""
_SEPARATORS = re.compile(r"[/!\\]")


def _facts(file: str) -> FileFacts:
    *folders, name = _SEPARATORS.split(file)
    words = [folder for folder in folders if folder and not folder.lower().endswith((".zip", ".tar", ".tgz", ".gz"))]
    labels = tuple(Label(TAG, word, CONFIDENCE, foreign=True) for word in dict.fromkeys(words))
    stem = name.rsplit(".", 1)[0]
    return FileFacts(stem, group="/".join(words) or stem, labels=labels, extra={"tags": words})


ADAPTER = Adapter(
    name="folder",
    title="Plain folder or archive",
    source="folder names",
    tested_on="real files",
    detect=lambda root: isinstance(root, Path),
    indexes=no_indexes,
    parse=nothing_to_parse,
    facts=facts_by_name(_facts),
)
