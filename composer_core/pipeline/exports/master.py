"""Build the master data set: all that is known of every loop and song, in one place, split without leaks."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import composer_core
from composer_core.ingest.datasets.registry import ADAPTERS
from composer_core.metrics import METRICS, rhythm_fingerprint
from composer_core.music.label_codes import tempo_bucket
from composer_core.music.loop import Loop
from composer_core.music.timing import Meter
from composer_core.pipeline.exports.master_songs import SONG_COLUMNS, groups_and_splits, song_rows, songs_of
from composer_core.pipeline.known_labels import copies_of, counted_meter, current_labels, is_known
from composer_core.pipeline.labels.captions import TEMPLATE, caption_values, captions
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.library.duplicates import split_groups
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.exclusions import ExclusionStore
from composer_core.store.labels.store import open_labels
from composer_core.store.labels.view import CurrentLabel
from composer_core.store.loops.declarations import BY_NAME
from composer_core.store.loops.record import METRIC_PREFIX, PROGRAMMED_PREFIX, SCORE_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.store.master import (
    LOOPS,
    SCHEMA_VERSION,
    SONGS,
    MasterColumn,
    MasterTable,
    kind_of,
    row_digest,
    write_master,
)
from composer_core.store.vocabularies import Vocabularies
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

_BATCH = 500
_DECIMALS = 4
_NUMBERS = ("emotion_valence", "emotion_arousal", "tempo_bpm", "quality")
_KINDS = {**dict.fromkeys(_NUMBERS, "number"), "genre": "weights", "technique": "texts"}
_LABELS = tuple(name for name in LABEL_FIELDS if name != "meter")
"""Label fields with columns of their own. The metre that counts is one column, whoever says it."""
_DATA_SET, _FILE = "data set", "file"
PREDECESSOR_CONDITIONS: dict[str, str] = {
    "emotion.class": "labels.emotion",
    "emotion.valence": "labels.emotion_valence",
    "emotion.arousal": "labels.emotion_arousal",
    "genre": "labels.genre",
    "rhythm_key.grid_class": "grid_class",
    "rhythm_key.swing_ratio": "swing_ratio",
    "rhythm_key.rhythm_hash": "rhythm_hash",
    "rhythm_key.fill_density": "fill_density",
    "rhythm_key.ghost_rate": "metrics.ghost_rate",
    "rhythm_key.collision_rate": "metrics.drum_collision_rate",
    "rhythm_key.key.root": "labels.key_root",
    "rhythm_key.key.mode": "labels.key_mode",
    "technique": "labels.technique",
    "license.origin": "labels.license",
    "swing_phase": "swing_phase",
    "bpm": "tempo_bpm",
    "time_signature": "meter",
    "bars": "bars",
    "mood": "labels.emotion",
    "section": "labels.section",
    "intensity": "labels.intensity",
}
"""Every field of the predecessor's condition set (its labels_schema and tags), and the column that holds it."""
_GRID_CLASS = {"swing_8": "swing_8", "swing_16": "swing_16", "triplet": "triplet_12"}


def _stored(*names: str) -> tuple[MasterColumn, ...]:
    """Columns of the library as they are declared there."""
    return tuple(MasterColumn(name, kind_of(BY_NAME[name].arrow), BY_NAME[name].meaning) for name in names)


_BASIC = (
    *_stored("loop_id"),
    MasterColumn("song_id", "text", "SHA-256 of the source file"),
    MasterColumn("title", "text", "title its data set gives, else the file's name"),
    MasterColumn("composer", "text", "composer its data set gives"),
    MasterColumn("dataset", "text", "the data set it comes from, as --dataset names it; none for plain folders"),
    MasterColumn("licence", "text", "what a label says, else the data set's own licence"),
    MasterColumn("licence_source", "text", "who says so: the label's source, or data set"),
    *_stored("source", "member", "origin", "instrument", "program", "start_bar", "bars"),
    MasterColumn("meter", "text", "the metre that counts: a label of people or data sets, else the file's"),
    MasterColumn("meter_source", "text", "who says so: the label's source, or file"),
    MasterColumn("file_meter", "text", "the file's metre, in which bars and start_bar are counted"),
    *_stored("tempo_bpm"),
    MasterColumn("tempo_bucket", "text", "slow, medium or fast, in beats of the metre"),
    *_stored("n_notes", "swing_phase", "score_profile"),
    MasterColumn(
        "grid_class", "text", "the predecessor's name of the grid: even_8, even_16, swing_8, swing_16, triplet_12"
    ),
    MasterColumn("swing_ratio", "number", "long : short on the grid that swings, 1 straight"),
    MasterColumn(
        "rhythm_hash", "text", "16 hex digits of the rhythm, swing taken out: equal for loops of equal rhythm"
    ),
    MasterColumn(
        "rhythm_fingerprint",
        "numbers",
        "58 numbers: onsets on 16 steps a bar in low, mid, high, then 10 shares of gaps",
    ),
    MasterColumn("fill_density", "number", "onsets a quarter"),
    *_stored("content_hash", "duplicate_of"),
    MasterColumn("group", "text", "loops of one group are never parted by a split"),
    MasterColumn("split", "text", "train, validation or test"),
    MasterColumn("judged_profile", "text", "the profile that counts: the current label, else the measured one"),
)


def build_master(
    workspace: Workspace, folder: Path, *, with_captions: bool = False, with_copies: bool = False
) -> dict[str, object]:
    """Join events, metrics, scores and current labels of every loop into `folder`; returns the manifest.

    `with_captions` words the labels of loops that have no caption (source rule:template). Of exact
    copies the first stands for all, with the labels of all; `with_copies` keeps the others too, marked
    by `duplicate_of`, each with its own labels. Loops left out of data sets (`composer dedupe`, or by
    hand) are not in it. The same library and labels give the same digest. StoreError when something is
    damaged or cannot be written.
    """
    table = LoopStore(workspace).table().replace({np.nan: None})
    left_out = ExclusionStore(workspace).current()
    whole = [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
    listed = _marked([row for row in whole if row["loop_id"] not in left_out])
    rows = [row for row in listed if with_copies or row["duplicate_of"] is None]
    ids = [row["loop_id"] for row in rows]
    labels = current_labels(open_labels(workspace), ids, {} if with_copies else copies_of(workspace))
    songs = songs_of(workspace)
    facts = _Facts(
        labels,
        songs,
        groups_and_splits(rows, songs, split_groups(workspace)),
        [name for name in table.columns if name.startswith((SCORE_PREFIX, PROGRAMMED_PREFIX, "score."))],
        vocabularies(workspace) if with_captions else None,
    )
    metrics = [METRIC_PREFIX + name for name in METRICS]
    loops = [_loop_row(row, loop, facts) for row, loop in zip(rows, _loops(workspace, ids), strict=True)]
    loop_table = MasterTable(_loop_columns(metrics, facts.scores), loops)
    song_table = MasterTable(SONG_COLUMNS, song_rows(loops))
    made_with: dict[str, Any] = {"code_version": composer_core.__version__, "code_digest": code_digest()}
    made_with |= {"schema_version": SCHEMA_VERSION, "metrics": list(METRICS), "predecessor": PREDECESSOR_CONDITIONS}
    made_with |= {"label_fields": list(LABEL_FIELDS), "left_out": len(whole) - len(listed)}
    made_with |= {"copies": "kept" if with_copies else "left out", "n_copies": _n_copies(listed)}
    manifest = write_master(folder, loop_table, song_table, made_with)
    _log.info("master data set written: %d loops, %d left out", len(rows), len(whole) - len(rows))
    return manifest


@dataclass(frozen=True, slots=True)
class _Facts:
    """What rows are joined from: labels and song facts, (group, split) by loop, columns of scores, words to caption."""

    labels: Mapping[str, Mapping[str, CurrentLabel]]
    songs: Mapping[str, Mapping[str, str]]
    groups: Mapping[str, tuple[str, str]]
    scores: Sequence[str]
    words: Vocabularies | None


def _marked(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with `duplicate_of` naming the first of the same content that is among them."""
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row["content_hash"], row["loop_id"])
    named = ((row, first[row["content_hash"]]) for row in rows)
    return [row | {"duplicate_of": None if other == row["loop_id"] else other} for row, other in named]


def _n_copies(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(row["duplicate_of"] is not None for row in rows)


def code_digest() -> str:
    """16 hex digits over the sources of the core: another code may measure otherwise."""
    root = Path(composer_core.__file__).parent
    content = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return content.hexdigest()[:16]


def rhythm_hash(fingerprint: NDArray[np.float32]) -> str:
    """16 hex digits of a loop's rhythm: where onsets fall in the bar by low, mid and high, to a tenth."""
    rounded = np.round(fingerprint * 10).astype(np.int8)
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:16]


def _loop_columns(metrics: Sequence[str], scores: Sequence[str]) -> tuple[MasterColumn, ...]:
    columns = list(_BASIC)
    for name in _LABELS:
        columns.append(MasterColumn(f"labels.{name}", _KINDS.get(name, "text"), f"current label {name}"))
        columns.append(MasterColumn(f"labels.{name}.source", "text", "who said so"))
        columns.append(MasterColumn(f"labels.{name}.confidence", "number", "0 to 1; none for people"))
        columns.append(MasterColumn(f"labels.{name}.status", "text", "suggested, draft, approved, rejected, disputed"))
    columns += [MasterColumn(name, "number", METRICS[name.removeprefix(METRIC_PREFIX)].meaning_en) for name in metrics]
    columns += [MasterColumn(name, "number", _score_meaning(name)) for name in scores]
    return (*columns, MasterColumn("digest", "text", "SHA-256 over the row"))


def _score_meaning(column: str) -> str:
    return f"score{' as programmed' if column.startswith(PROGRAMMED_PREFIX) else ''}, 0 to 100"


def _loop_row(row: Mapping[str, Any], loop: Loop, facts: _Facts) -> dict[str, Any]:
    metrics, labels = _metrics(row), facts.labels.get(row["loop_id"], {})
    song = facts.songs.get(row["source_digest"], {})
    meter, said = counted_meter(labels, row["meter"])
    group, split = facts.groups[row["loop_id"]]
    fingerprint = rhythm_fingerprint(loop)
    made: dict[str, Any] = {column.name: _plain(row[column.name]) for column in _BASIC if column.name in BY_NAME}
    made |= {
        "song_id": row["source_digest"],
        "title": song.get("title") or Path(row["member"] or row["source"]).stem,
        "composer": song.get("composer") or None,
        "dataset": song.get("dataset") or None,
        "meter": meter,
        "meter_source": _FILE if said is None else said.source,
        "file_meter": row["meter"],
        "tempo_bucket": tempo_bucket(row["tempo_bpm"], Meter.parse(meter)),
        "swing_phase": row["swing_phase"] or None,
        "grid_class": _grid_class(row["swing_phase"], metrics.get("sixteenth_rate")),
        "swing_ratio": metrics.get("swing_ratio_16" if row["swing_phase"] == "swing_16" else "swing_ratio_8"),
        "rhythm_hash": rhythm_hash(fingerprint),
        "rhythm_fingerprint": [round(float(value), _DECIMALS) for value in fingerprint],
        "fill_density": metrics.get("onset_density"),
        "group": group,
        "split": split,
        "judged_profile": _judged_profile(row, labels),
    }
    made |= _licence(labels, song)
    captioned = labels if facts.words is None else _captioned(labels, made, facts.words)
    for name in _LABELS:
        label = captioned.get(name)
        made[f"labels.{name}"] = None if label is None else label.value
        made[f"labels.{name}.source"] = None if label is None else label.source
        made[f"labels.{name}.confidence"] = None if label is None else label.confidence
        made[f"labels.{name}.status"] = None if label is None else label.status
    made |= {METRIC_PREFIX + name: value for name, value in metrics.items()}
    made |= {name: _plain(row[name]) for name in facts.scores}
    return made | {"digest": row_digest(made)}


def _judged_profile(row: Mapping[str, Any], labels: Mapping[str, CurrentLabel]) -> str | None:
    said = labels.get("score_profile")
    return str(said.value) if said is not None and said.value is not None else row.get("score_profile") or None


def _licence(labels: Mapping[str, CurrentLabel], song: Mapping[str, Any]) -> dict[str, str | None]:
    """The licence that counts, and who says it: a label, or the licence of the data set itself."""
    label = labels.get("license")
    if label is not None and is_known(label):
        return {"licence": str(label.value), "licence_source": label.source}
    adapter = ADAPTERS.get(str(song.get("dataset") or ""))
    if adapter is None or not adapter.licence:
        return {"licence": None, "licence_source": None}
    return {"licence": adapter.licence, "licence_source": _DATA_SET}


def _captioned(
    labels: Mapping[str, CurrentLabel], measured: Mapping[str, Any], words: Vocabularies
) -> dict[str, CurrentLabel]:
    """The labels, with the template's captions where there are none."""
    made = captions(caption_values(labels, measured), measured["instrument"], words)
    return {name: CurrentLabel(text, "suggested", 0, TEMPLATE, None, "") for name, text in made.items()} | dict(labels)


def _metrics(row: Mapping[str, Any]) -> dict[str, float | None]:
    """The loop's stored metrics; None for those of other instruments."""
    return {name: _plain(row.get(METRIC_PREFIX + name)) for name in METRICS}


def _grid_class(swing_phase: str | None, sixteenth_rate: float | None) -> str | None:
    """The predecessor's grid: what does not swing is even, in 16ths where some onset lies on one."""
    if not swing_phase:
        return None
    return _GRID_CLASS.get(swing_phase) or ("even_16" if (sixteenth_rate or 0.0) > 0.0 else "even_8")


def _loops(workspace: Workspace, loop_ids: Sequence[str]) -> list[Loop]:
    store = LoopStore(workspace)
    return [
        loop for start in range(0, len(loop_ids), _BATCH) for loop in store.load_many(loop_ids[start : start + _BATCH])
    ]


def _plain(value: Any) -> Any:
    """A value of the table as JSON holds it: no NumPy types, NaN as None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def describe(manifest: Mapping[str, object]) -> dict[str, object]:
    """What a person wants to know of a master data set."""
    tables = cast(Mapping[str, Mapping[str, object]], manifest["tables"])
    made_with = cast(Mapping[str, object], manifest["made_with"])
    counts = {"loops": tables[LOOPS]["rows"], "songs": tables[SONGS]["rows"]}
    counts |= {name: made_with[name] for name in ("left_out", "copies", "n_copies")}
    empty = [column["name"] for name in (LOOPS, SONGS) for column in cast(Any, tables[name]["empty_columns"])]
    return {**counts, "empty_columns": empty, "digest": manifest["digest"], "schema_version": SCHEMA_VERSION}
