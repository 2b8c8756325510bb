"""LAMDa (Los Angeles MIDI Dataset): META, SIGNATURES and CHORDS pickles, keyed by the MD5 of each MIDI file.

META_DATA: `[md5, [[key, value], ...]]`; SIGNATURES_DATA: `[md5, [[token, count], ...]]`, token 0 to
127 a pitch, 128 to 448 a chord, 449 to 577 a drum pitch; CHORDS_DATA: `[md5, [[delta, dur, patch,
pitch, vel, ...], ...]]` in units of 16 ms, patch 128 being drums. Key and mode are estimated from
the counted pitches (Krumhansl and Kessler's profiles), with little confidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from composer_core.ingest.datasets.adapter import Adapter, FileFacts, Issue, Label, Parsed, Reading, Row
from composer_core.ingest.pickles import read_pickle
from composer_core.music.key import ROOT_NAMES

KEY_CONFIDENCE = 0.3
_KINDS = {"META": "meta", "SIGNATURES": "signatures", "CHORDS": "chords"}
_NAME = re.compile(r".*(META|SIGNATURES|CHORDS)_DATA.*\.(pickle|pkl)", re.I)
_MD5 = re.compile(r"[0-9a-f]{32}", re.I)
_KEPT = ("total_number_of_tracks", "midi_ticks", "tempo_change_count", "average_median_mode_time_ms", "midi_patches")
_DRUM_PATCH = 128
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def _indexes(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*.p*k*l*")) if path.is_file() and _NAME.fullmatch(path.name)]


def _parse(name: str, data: bytes) -> Parsed:
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    match = _NAME.fullmatch(base)
    kind = _KINDS[match[1].upper()] if match else "meta"
    counted = {"meta": _of_meta, "signatures": _of_signatures, "chords": _of_chords}[kind]
    entries = read_pickle(name, data)
    parsed = Parsed(name)
    for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        place = f"{base} entry {index}"
        row = _row(entry, counted)
        if row is None:
            parsed.refused.append(Issue(place, "bad_row", str(entry)[:60]))
        else:
            parsed.rows.append({**row, "kind": kind, "place": place})
    return parsed


def _row(entry: Any, counted: Callable[[Any], tuple[list[float], Row]]) -> Row | None:
    try:
        md5, content = entry
        if not _MD5.fullmatch(md5):
            return None
        counts, extra = counted(content)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return {"md5": md5.lower(), "counts": counts, "extra": extra}


def _of_meta(content: Any) -> tuple[list[float], Row]:
    values = {str(key): value for key, value in content}
    pitches = [(int(pitch), int(count)) for pitch, count in values.get("total_pitches_counts", []) if int(pitch) < 128]
    extra = {key: values[key] for key in _KEPT if key in values}
    return _by_class(pitches), extra


def _of_signatures(content: Any) -> tuple[list[float], Row]:
    return _by_class([(int(token), int(count)) for token, count in content if 0 <= int(token) < 128]), {}


def _of_chords(content: Any) -> tuple[list[float], Row]:
    pitches = []
    n_drums = 0
    for group in content:
        values = [int(value) for value in group[1:]]
        for duration, patch, pitch, _ in zip(*(values[k::4] for k in range(4)), strict=True):
            if patch == _DRUM_PATCH:
                n_drums += 1
            elif 0 <= pitch < 128:
                pitches.append((pitch, max(duration, 1)))
    return _by_class(pitches), {"n_groups": len(content), "n_drum_notes": n_drums}


def _by_class(pitches: list[tuple[int, int]]) -> list[float]:
    counts = [0.0] * 12
    for pitch, weight in pitches:
        counts[pitch % 12] += weight
    return counts


def estimate_key(counts: Sequence[float]) -> tuple[str, str] | None:
    """(root, major or minor) whose profile correlates best with pitch-class counts; None without a difference."""
    weights = np.asarray(counts, dtype=np.float64)
    if weights.sum() <= 0 or np.ptp(weights) == 0:
        return None
    keys = [(root, mode) for mode in ("major", "minor") for root in range(12)]
    profiles = {"major": _MAJOR, "minor": _MINOR}
    root, mode = max(keys, key=lambda key: float(np.corrcoef(weights, np.roll(profiles[key[1]], key[0]))[0, 1]))
    return ROOT_NAMES[root], mode


def _facts(_files: Sequence[str], parsed: Sequence[Parsed]) -> Reading:
    reading = Reading()
    merged: dict[str, dict[str, Any]] = {}
    for one in parsed:
        reading.refused += one.refused
        reading.n_rows += len(one.rows) + len(one.refused)
        rows: list[dict[str, Any]] = one.rows
        for row in rows:
            known = merged.setdefault(row["md5"], {"counts": None, "extra": {}})
            known["counts"] = known["counts"] or (row["counts"] if any(row["counts"]) else None)
            known["extra"].update(row["extra"])
    for md5, row in merged.items():
        key = estimate_key(row["counts"]) if row["counts"] else None
        labels = () if key is None else _key(*key)
        reading.by_md5[md5] = FileFacts(md5, group=md5, labels=labels, extra=row["extra"])
    return reading


def _key(root: str, mode: str) -> tuple[Label, ...]:
    return Label("key_root", root, KEY_CONFIDENCE), Label("key_mode", mode, KEY_CONFIDENCE)


ADAPTER = Adapter(
    name="lamda",
    title="LAMDa",
    source="https://github.com/asigalov61/Los-Angeles-MIDI-Dataset",
    tested_on="fixtures",
    detect=lambda root: bool(_indexes(root)),
    indexes=_indexes,
    parse=_parse,
    facts=_facts,
)
