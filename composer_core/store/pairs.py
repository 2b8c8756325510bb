"""Training pairs on disk: which loops belong together, and texts about each, as JSON lines with a manifest.

`pairs.jsonl` has one row per pair of loops, `texts.jsonl` one row per text about a loop.
`pairs.json` names the version of the schema, what the pairs were made of and with, and the
digest of both files. `read_pairs` checks everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer_core.errors import NotFound, StoreError
from composer_core.music.grouping import SPLITS
from composer_core.store.atomic import read_json, write_json
from composer_core.store.master import json_line, write_lines

SCHEMA_VERSION = 2
READABLE = (1, SCHEMA_VERSION)
"""Schemas that are read. Number 2 knows more reasons of hard negatives."""
PAIRS, TEXTS, MANIFEST = "pairs.jsonl", "texts.jsonl", "pairs.json"
POSITIVE, HARD_NEGATIVE, NEGATIVE = "positive", "hard_negative", "negative"
KIND_OF_REASON = {
    "alike": POSITIVE,
    "labels_differ": HARD_NEGATIVE,
    "rhythm_differs": HARD_NEGATIVE,
    "one_label_differs": HARD_NEGATIVE,
    "swing_differs": HARD_NEGATIVE,
    "far": NEGATIVE,
}
"""Why two loops make a pair, and what the pair teaches."""
LANGUAGES = ("en", "ja")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_split(value: Any) -> bool:
    return value in SPLITS


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0


_PAIR_FIELDS: dict[str, Callable[[Any], bool]] = {
    "anchor": _is_text,
    "other": _is_text,
    "kind": lambda value: value in KIND_OF_REASON.values(),
    "reason": lambda value: value in KIND_OF_REASON,
    "instrument": _is_text,
    "split": _is_split,
    "same_swing": lambda value: isinstance(value, bool),
    "same_group": lambda value: isinstance(value, bool),
    "rhythm_distance": _is_share,
    "label_distance": lambda value: value is None or _is_share(value),
}
_TEXT_FIELDS: dict[str, Callable[[Any], bool]] = {
    "loop_id": _is_text,
    "instrument": _is_text,
    "split": _is_split,
    "language": lambda value: value in LANGUAGES,
    "text": _is_text,
    "source": _is_text,
    "labels": lambda value: isinstance(value, dict),
    "tokens": lambda value: isinstance(value, list) and all(isinstance(token, str) for token in value),
}


@dataclass(frozen=True, slots=True)
class Pairs:
    """Training pairs as read: rows of loops, rows of texts, and the manifest."""

    pairs: list[dict[str, object]]
    texts: list[dict[str, object]]
    manifest: dict[str, object]


def write_pairs(
    folder: Path,
    pairs: Sequence[Mapping[str, object]],
    texts: Sequence[Mapping[str, object]],
    made_with: Mapping[str, object],
) -> dict[str, object]:
    """Write both files and the manifest last; returns the manifest. StoreError when a row is none or cannot be kept."""
    _check(folder, pairs, texts)
    manifest: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "made_with": dict(made_with), "files": {}}
    for name, rows in ((PAIRS, pairs), (TEXTS, texts)):
        write_lines(folder / name, rows)
        manifest["files"][name] = {"rows": len(rows), "digest": _content(rows)}
    manifest["digest"] = _verified(manifest)
    write_json(folder / MANIFEST, manifest)
    return manifest


def read_pairs(folder: Path) -> Pairs:
    """Read and check training pairs.

    Raises NotFound, or StoreError damaged_store naming the file and what is wrong: another
    schema version, a row with a field too many, too few or of another kind, a pair that
    stands twice, a loop in two splits, content that is not what its digest says.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFound("path_missing", path=str(path))
    manifest: Any = read_json(path)
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise _damaged(path, f"its schema is number {version}, this release reads {known}")
    if manifest.get("digest") != _verified(manifest):
        raise _damaged(path, "it is not what its digest says")
    pairs, texts = (_read_rows(folder / name) for name in (PAIRS, TEXTS))
    _check(folder, pairs, texts)
    for name, rows in ((PAIRS, pairs), (TEXTS, texts)):
        if manifest["files"][name] != {"rows": len(rows), "digest": _content(rows)}:
            raise _damaged(folder / name, "it is not what the manifest says")
    return Pairs(pairs, texts, manifest)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _check(folder: Path, pairs: Sequence[Mapping[str, Any]], texts: Sequence[Mapping[str, Any]]) -> None:
    for name, rows, fields in ((PAIRS, pairs, _PAIR_FIELDS), (TEXTS, texts, _TEXT_FIELDS)):
        for number, row in enumerate(rows, 1):
            _check_row(folder / name, number, row, fields)
    split_of: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(pairs, 1):
        first, second = sorted((row["anchor"], row["other"]))
        if first == second or (first, second) in seen:
            raise _damaged(folder / PAIRS, f"row {number} pairs {first} with {second} again")
        seen.add((first, second))
        if KIND_OF_REASON[row["reason"]] != row["kind"]:
            raise _damaged(folder / PAIRS, f"row {number}: {row['reason']} is no reason for {row['kind']}")
    told = [*((row[end], row, PAIRS) for row in pairs for end in ("anchor", "other")),
            *((row["loop_id"], row, TEXTS) for row in texts)]  # fmt: skip
    for loop_id, row, name in told:
        if split_of.setdefault(loop_id, row["split"]) != row["split"]:
            raise _damaged(folder / name, f"loop {loop_id} is in {split_of[loop_id]} and in {row['split']}")


def _check_row(path: Path, number: int, row: Any, fields: Mapping[str, Callable[[Any], bool]]) -> None:
    if not isinstance(row, Mapping) or set(row) != set(fields):
        found = sorted(set(row) ^ set(fields)) if isinstance(row, Mapping) else [type(row).__name__]
        raise _damaged(path, f"row {number} lacks or adds {', '.join(found)}")
    for name, holds in fields.items():
        if not holds(row[name]):
            raise _damaged(path, f"row {number}: {name} cannot be {row[name]!r}")


def _content(rows: Sequence[Mapping[str, Any]]) -> str:
    content = hashlib.sha256()
    for row in rows:
        content.update(json_line(row) + b"\n")
    return content.hexdigest()


def _verified(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json_line({key: value for key, value in manifest.items() if key != "digest"})).hexdigest()


def _damaged(path: Path, reason: str) -> StoreError:
    return StoreError("damaged_store", path=str(path), reason=reason)
