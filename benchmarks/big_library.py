"""A large library made of real loops: replicated with changed ids, tempos and metrics, eight label fields each.

    python benchmarks/big_library.py DATA WORKSPACE [--loops 1000000]

DATA is a folder of MIDI files that is imported first (Groove MIDI, for example). Every copy of a
loop has an id of its own, a tempo up to 3 % off, metrics with 2 % of noise and a rhythm whose
codes are up to six of 240 levels off; its notes are shared with the original (hard links), so a
million loops fit on any disk. The labels are suggestions of a model on eight fields of every
loop. An existing workspace is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from composer_core.metrics.fingerprint import FINGERPRINT_SIZE, LEVELS
from composer_core.pipeline.library.imports import ingest
from composer_core.store.labels.store import LabelStore
from composer_core.workspace import Workspace

EMOTIONS = ("happy", "sad", "romantic", "intense", "calm", "fear", "warm", "bright")
GENRES = ("rock", "pop", "jazz", "funk", "soul", "blues", "latin", "afro", "reggae", "hiphop", "electronic")
TECHNIQUES = ("ghost", "flam", "drag", "roll", "open_hat", "ride", "busy", "funky", "fill")
FIELDS = ("emotion", "emotion_arousal", "emotion_valence", "feel", "genre", "key_mode", "quality", "technique")
_TEMPO_SPREAD, _METRIC_SPREAD, _CODE_SPREAD = 0.03, 0.02, 6
_ROWS_A_COMMIT = 200_000


def build(data: Path, workspace: Workspace, n_loops: int, seed: int = 1) -> float:
    """Build it unless it is there; seconds it took."""
    done = workspace.root / "built.json"
    if done.exists():
        return 0.0
    started = time.perf_counter()
    ingest([str(data)], workspace, jobs=2)
    rng = np.random.default_rng(seed)
    originals = sorted(workspace.loops.glob("*.parquet"))
    tables = [pq.read_table(path) for path in originals]
    loop_ids = [name for table in tables for name in table.column("loop_id").to_pylist()][:n_loops]
    number = len(originals)
    while len(loop_ids) < n_loops:
        for path, table in zip(originals, tables, strict=True):
            number += 1
            copy = _copied(table.slice(0, max(0, n_loops - len(loop_ids))), number, rng)
            if copy.num_rows:
                name = f"part-{number:06d}-{number:08x}.parquet"
                os.link(workspace.notes / path.name, workspace.notes / name)
                pq.write_table(copy, workspace.loops / name, compression="zstd")
                loop_ids += copy.column("loop_id").to_pylist()
    _label(workspace, loop_ids, rng)
    done.write_text(json.dumps({"loops": len(loop_ids), "fields": FIELDS}))
    return time.perf_counter() - started


def _copied(table: pa.Table, number: int, rng: np.random.Generator) -> pa.Table:
    names = [hashlib.sha256(f"{number}|{name}".encode()).hexdigest() for name in table.column("loop_id").to_pylist()]
    changed: dict[str, Any] = {
        "loop_id": pa.array([name[:16] for name in names]),
        "content_hash": pa.array([name[16:40] for name in names]),
        "duplicate_of": pa.nulls(len(names), pa.string()),
        "source": pa.array([f"copy{number}/{source}" for source in table.column("source").to_pylist()]),
    }
    for name in table.column_names:
        spread = _TEMPO_SPREAD if name == "tempo_bpm" else _METRIC_SPREAD
        if name == "tempo_bpm" or name.startswith("metrics."):
            values = table.column(name).to_numpy() * (1 + spread * rng.uniform(-1, 1, len(names)))
            changed[name] = pa.array(values, from_pandas=True)
    changed["fingerprint"] = _jittered(table.column("fingerprint"), rng)
    for name, column in changed.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _jittered(codes: pa.ChunkedArray, rng: np.random.Generator) -> pa.Array:
    stored = np.frombuffer(b"".join(codes.to_pylist()), np.uint8).reshape(-1, FINGERPRINT_SIZE).astype(np.int64)
    moved = np.where(stored > 0, stored + rng.integers(-_CODE_SPREAD, _CODE_SPREAD + 1, stored.shape), 0)
    return pa.array([row.tobytes() for row in np.clip(moved, 0, LEVELS).astype(np.uint8)])


def _label(workspace: Workspace, loop_ids: list[str], rng: np.random.Generator) -> None:
    """Eight suggestions a loop, written in bulk: one transaction for many loops is the only liberty taken."""
    LabelStore(workspace.labels)
    connection = sqlite3.connect(workspace.labels)
    statement = (
        "INSERT INTO label_events (loop_id, field, value, source, confidence, note, created_at, status) "
        "VALUES (?, ?, ?, 'model:replica@1', ?, '', '2026-01-01T00:00:00.000+00:00', 'suggested')"
    )
    rows = _label_rows(sorted(loop_ids), rng)
    while batch := [row for _, row in zip(range(_ROWS_A_COMMIT), rows, strict=False)]:
        with connection:
            connection.executemany(statement, batch)
    connection.close()


def _label_rows(loop_ids: list[str], rng: np.random.Generator) -> Iterator[tuple[str, str, str, float]]:
    n_loops = len(loop_ids)
    emotion, genre = rng.integers(len(EMOTIONS), size=n_loops), rng.integers(len(GENRES), size=n_loops)
    technique, number = rng.integers(len(TECHNIQUES), size=n_loops), rng.random((n_loops, 3)).round(3)
    for row, loop_id in enumerate(loop_ids):
        values = {
            "emotion": EMOTIONS[emotion[row]],
            "emotion_arousal": float(number[row, 0]),
            "emotion_valence": float(number[row, 1] * 2 - 1),
            "feel": "on_beat" if number[row, 2] < 0.5 else "off_beat",
            "genre": {GENRES[genre[row]]: 1.0},
            "key_mode": "minor" if number[row, 0] < 0.4 else "major",
            "quality": int(1 + 5 * number[row, 1]) if number[row, 1] < 1 else 5,
            "technique": [TECHNIQUES[technique[row]]],
        }
        for name in FIELDS:
            yield loop_id, name, json.dumps(values[name]), float(number[row, 2])


def main() -> None:
    """Build and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--loops", type=int, default=1_000_000)
    arguments = parser.parse_args()
    seconds = build(arguments.data, Workspace(arguments.workspace), arguments.loops)
    print(f"{arguments.loops} loops in {arguments.workspace}: {seconds:.1f} s")


if __name__ == "__main__":
    main()
