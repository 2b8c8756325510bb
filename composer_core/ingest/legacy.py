"""Files of the predecessor, read strictly: one row a thing said, with the keys it can be joined by.

Told by name: `*loop_summary*.csv` (v1 to v3), `*metrics_score*.jsonl` (v1 to v3), `tags*.yaml` and
`mood*.yaml` (full mapping, simple form, shards with a manifest, top key `meta`), Stage 1 pickles
(index, shards, the list form) and golden metrics (`*golden*.json`). Everything is other people's
bytes and runs in a reader process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from composer_core.errors import RefusedFile
from composer_core.ingest.pickles import read_pickle
from composer_core.ingest.tables import BadRow, read_delimited, read_json_lines, read_object
from composer_core.ingest.texts import decode_table
from composer_core.ingest.worker import Result
from composer_core.store.legacy import read_events
from composer_core.store.plain_text import plain_yaml

GAP_RATIO, FRACTION, AMOUNT, PERCENT, ODD_SHARE, HINT = (
    "gap_ratio",
    "fraction",
    "amount",
    "percent",
    "odd_share",
    "hint",
)
SWING_COLUMNS = {
    "metrics.swing_ratio": GAP_RATIO,
    "swing_ratio": GAP_RATIO,
    "swing_fraction": FRACTION,
    "swing": AMOUNT,
    "swing_amount": AMOUNT,
    "swing_percent": PERCENT,
    "swing_pct": PERCENT,
    "odd_sixteenth_share": ODD_SHARE,
    "metrics.swing_confidence": ODD_SHARE,
    "swing_hint": HINT,
}
_TRIPLET_FRACTION = 2 / 3
KINDS = {
    "summary": re.compile(r".*loop_summary.*\.csv", re.I),
    "score": re.compile(r".*metrics_score.*\.jsonl", re.I),
    "events": re.compile(r".*canonical_events.*\.parquet", re.I),
    "golden": re.compile(r".*golden.*\.json", re.I),
    "tags": re.compile(r".*(tags|mood)[^/]*\.ya?ml", re.I),
    "stage1": re.compile(r".*\.(pickle|pkl)", re.I),
}
LEGACY_TASK = "composer_core.ingest.legacy:parse_files"
LEGACY_LIMIT_SEC = 60.0
MAX_TAGS = 2_000_000
"""Values of a file of tags: ten for each file of a large collection."""
_NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d+)?")
_SUMMARY_NEEDED = ("loop_id", "filename", "ticks_per_beat")
_SCORE_NEEDED = ("loop_id", "score", "axes")
_TAG_KEYS = {"mode", "section", "mood", "intensity", "confidence", "bpm", "time_signature", "bars"}
_LISTS = ("paths", "md5s", "pitch sums", "counts", "genres", "bpm")
Rows = Iterator[tuple[str, dict[str, object] | BadRow]]


def swing_ratio_of(column: str, value: object) -> float | None:
    """Long to short (1.0 straight, 2.0 triplet) of a value in a column, None where it cannot be one.

    gap_ratio r is taken as it is; fraction f (0.5 to 0.67) is f / (1 - f); amount a (0 to 1) is the
    fraction 0.5 + a (2/3 - 0.5); percent p (50 to 75) the fraction p / 100. A share of odd
    sixteenths and a hint by genre say how often or how likely, not how far.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    meaning = SWING_COLUMNS.get(column)
    if meaning == GAP_RATIO:
        return float(value) if value > 0 else None
    fraction = {FRACTION: value, AMOUNT: 0.5 + value * (_TRIPLET_FRACTION - 0.5), PERCENT: value / 100}.get(
        meaning or ""
    )
    if fraction is None or not 0.4 <= fraction <= 0.8 or (meaning == AMOUNT and not 0 <= value <= 1):
        return None
    return round(fraction / (1 - fraction), 6)


_TAG_KEYS |= {"confidence_section", "confidence_mood", "tempo_fallback", "ts_fallback"}


def kind_of_legacy(name: str) -> str | None:
    """What a file of the predecessor is by its name; None for anything else."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    return next((kind for kind, pattern in KINDS.items() if pattern.fullmatch(base)), None)


def parse_files(files: list[tuple[str, bytes]], _options: Mapping[str, object]) -> list[Result]:
    """Worker task: each file's rows and refused rows as JSON."""
    return [_parse(name, data) for name, data in files]


def _parse(name: str, data: bytes) -> Result:
    try:
        kind = kind_of_legacy(name) or ""
        rows: list[dict[str, Any]] = []
        refused: list[list[str]] = []
        for place, row in _READERS[kind](name, data):
            if isinstance(row, BadRow):
                refused.append([place, str(row)])
            else:
                rows.append({"place": place, "kind": kind, **row})
        return {}, json.dumps({"rows": rows, "refused": refused}).encode("ascii")
    except RefusedFile as refusal:
        return refusal
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).split("\n")[0][:200]
        return RefusedFile("unreadable_data", path=name, reason=reason)


def _row(values: dict[str, Any], loop_id: Any = "", digest: Any = "", file: Any = "", **more: Any) -> dict[str, Any]:
    return {"loop_id": str(loop_id or ""), "digest": str(digest or ""), "file": str(file or "")} | {
        "values": values,
        **more,
    }


def _summary(name: str, data: bytes) -> Rows:
    for line, row in read_delimited(name, data, ","):
        place = f"line {line}"
        if isinstance(row, BadRow):
            yield place, row
        elif missing := [column for column in _SUMMARY_NEEDED if not row.get(column)]:
            yield place, BadRow(f"{missing[0]} is missing")
        else:
            values = {column: _cell(text) for column, text in row.items()}
            swings = {column: swing_ratio_of(column, value) for column, value in values.items() if "swing" in column}
            values["swing_ratio_by_column"] = {key: ratio for key, ratio in swings.items() if ratio is not None}
            yield place, _row(values, row["loop_id"], row.get("file_digest"), row["filename"])


def _cell(text: str) -> Any:
    """A CSV cell: empty is null, True and False, numbers, JSON; texts as they are."""
    if text == "" or text in ("True", "False"):
        return None if text == "" else text == "True"
    if _NUMBER.fullmatch(text) and len(text) < 40:
        return float(text) if any(sign in text for sign in ".eE") else int(text)
    if text[0] in "[{":
        value = read_object(f'{{"value": {text}}}')
        return text if isinstance(value, BadRow) else value["value"]
    return text


def _scores(name: str, data: bytes) -> Rows:
    for line, row in read_json_lines(name, data):
        place = f"line {line}"
        if isinstance(row, BadRow):
            yield place, row
        elif missing := [key for key in _SCORE_NEEDED if key not in row]:
            yield place, BadRow(f"{missing[0]} is missing")
        else:
            yield place, _row(row, row["loop_id"], row.get("file_digest"))


def _tags(_name: str, data: bytes) -> Rows:
    content = plain_yaml(decode_table(data), MAX_TAGS)
    if not isinstance(content, dict):
        raise ValueError("no mapping of files")
    for key, entry in content.items():
        if key == "meta":
            continue
        values = {"mood": entry} if isinstance(entry, str) else entry
        if not isinstance(key, str) or not isinstance(values, dict) or not set(values) & _TAG_KEYS:
            yield f"entry {str(key)[:80]!r}", BadRow("no tags of a file")
        else:
            yield f"entry {key[:80]!r}", _row(values, file=key)


def _golden(_name: str, data: bytes) -> Rows:
    content = read_object(decode_table(data))
    if isinstance(content, BadRow):
        raise ValueError(str(content))
    for key, entry in content.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("metrics"), dict):
            yield f"entry {key!r}", BadRow("no metrics")
            continue
        values = {one: entry[one] for one in entry if one != "notes_start_dur_pitch_vel"}
        notes = [[start, length, 9, 0, pitch, velocity] for start, length, pitch, velocity in entry.get(
            "notes_start_dur_pitch_vel", [])]  # fmt: skip
        yield (
            f"entry {key!r}",
            _row(
                values, loop_id=f"golden-{key}", file=f"{key}.mid", notes=notes, resolution=entry.get("ticks_per_beat")
            ),
        )


def _events(name: str, data: bytes) -> Rows:
    for loop_id, facts in read_events(name, data).items():
        notes = facts.pop("notes")
        yield f"loop {loop_id}", _row(facts, loop_id, facts["file_digest"], notes=notes)


def _stage1(name: str, data: bytes) -> Rows:
    content = read_pickle(name, data)
    if isinstance(content, list) and len(content) == len(_LISTS):
        paths, md5s, sums, counts, _, bpm = content
        columns = zip(paths, md5s, sums, counts, bpm, strict=True)
        for index, (path, md5, total, count, tempo) in enumerate(columns):
            values = {"pitch_sum": total, "note_count": count, "bpm": tempo}
            yield f"entry {index}", _row(_plain(values), md5, md5, _base(path))
        return
    if not isinstance(content, dict) or not {"loops", "shards"} & set(content):
        raise ValueError("neither a Stage 1 index, nor a shard, nor the list form")
    for index, loop in enumerate(content.get("loops", [])):
        if not isinstance(loop, dict) or not loop.get("md5"):
            yield f"loop {index}", BadRow("md5 is missing")
        else:
            file = loop.get("filename") or _base(loop.get("output_path") or loop.get("input_path") or "")
            yield f"loop {index}", _row(_plain(loop), loop["md5"], loop["md5"], file)
    for shard in content.get("shards", []):
        path = shard.get("path") if isinstance(shard, dict) else shard
        yield f"shard {_base(path)}", _row({}, shard=_base(path))


def _base(path: Any) -> str:
    return str(path).replace("\\", "/").rsplit("/", 1)[-1]


def _plain(value: Any) -> Any:
    """JSON values: paths and numbers of other kinds as texts, sets and tuples as lists."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value) if isinstance(value, PurePath) else repr(value)[:200]


_READERS = {
    "summary": _summary,
    "score": _scores,
    "tags": _tags,
    "golden": _golden,
    "events": _events,
    "stage1": _stage1,
}
