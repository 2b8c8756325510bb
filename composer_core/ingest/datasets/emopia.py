"""EMOPIA: quadrant, song and clip in the file's name, `Q<1-4>_<YouTube id>_<clip>.mid`.

People chose the quadrant (Q1 +V+A, Q2 -V+A, Q3 -V-A, Q4 +V-A), so only the signs are sure:
the middles of the quadrants (`assets/mood.yaml`) stand for them, with less confidence. `label.csv` and the
split tables are checked against the names. Clips of one song belong together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Issue, Label, Parsed, Reading
from composer_core.ingest.datasets.index_tables import parse_table

QUADRANT_CONFIDENCE, POINT_CONFIDENCE = 0.9, 0.6
_NAME = re.compile(r"Q([1-4])_(.{11})_(\d+)\.midi?", re.I)
_SPLITS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
_SPLIT_TABLE = re.compile(r"(train|val|test)_clips\.csv", re.I)


def _indexes(root: Path) -> list[Path]:
    tables = [path for path in sorted(root.rglob("*.csv")) if _SPLIT_TABLE.fullmatch(path.name)]
    return [path for path in (root / "label.csv",) if path.is_file()] + tables


def _parse(name: str, data: bytes) -> Parsed:
    base = name.rsplit("/", 1)[-1]
    split = _SPLIT_TABLE.fullmatch(base)
    if split is None:
        return parse_table(name, data, ("ID", "4Q"))
    parsed = parse_table(name, data, ("clip_name",))
    for row in parsed.rows:
        row["split"] = _SPLITS[split[1].lower()]
    return parsed


def _facts(files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    reading = Reading()
    rows = {str(row["ID"]): row for one in parsed for row in one.rows if "ID" in row}
    splits = {
        str(row["clip_name"]).rsplit(".", 1)[0]: str(row["split"])
        for one in parsed
        for row in one.rows
        if "split" in row
    }
    reading.refused = [issue for one in parsed for issue in one.refused]
    found: set[str] = set()
    for file in files:
        base = file.rsplit("/", 1)[-1]
        match = _NAME.fullmatch(base)
        if match is None:
            reading.unmatched.append(Issue(file, "no_row"))
            continue
        clip = base.rsplit(".", 1)[0]
        found.add(clip)
        row = rows.get(clip)
        if row is not None and str(row["4Q"]).strip() != match[1]:
            reading.refused.append(Issue(str(row["place"]), "contradiction", clip))
            continue
        reading.by_file[file] = _facts_of(match, splits.get(clip) or _split_of_folder(file))
    reading.unmatched += [Issue(str(row["place"]), "no_file", clip) for clip, row in rows.items() if clip not in found]
    reading.n_rows = sum(len(one.rows) + len(one.refused) for one in parsed) or len(found)
    return reading


def _facts_of(match: re.Match[str], split: str) -> FileFacts:
    quadrant = f"Q{match[1]}"
    labels = (
        Label("emotion", quadrant, POINT_CONFIDENCE, foreign=True),
        Label("emotion_valence", quadrant, POINT_CONFIDENCE, foreign=True),
        Label("emotion_arousal", quadrant, POINT_CONFIDENCE, foreign=True),
        Label("genre", "pop", QUADRANT_CONFIDENCE, foreign=True),
    )
    extra = {"quadrant": quadrant, "quadrant_confidence": QUADRANT_CONFIDENCE}
    return FileFacts(f"{match[2]} {match[3]}", split=split, group=match[2], labels=labels, extra=extra)


def _split_of_folder(file: str) -> str:
    return next((_SPLITS[part.lower()] for part in file.split("/")[:-1] if part.lower() in _SPLITS), "")


def _detect(root: Path) -> bool:
    return any(_NAME.fullmatch(path.name) for pattern in ("*.mid", "*/*.mid") for path in root.glob(pattern))


ADAPTER = Adapter(
    name="emopia",
    title="EMOPIA",
    source="https://annahung31.github.io/EMOPIA/",
    tested_on="real files",
    detect=_detect,
    indexes=_indexes,
    parse=_parse,
    facts=_facts,
    licence="CC BY-NC-SA",
)
