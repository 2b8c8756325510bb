"""Fresh mutations of MIDI files through the real import: deaths, time-outs, memory, broken promises.

    python benchmarks/mutations.py --count 10000 --seed 1 [--corpus FOLDER] [--json FILE]

Takes small MIDI files (those of the corpus of malformed files where it is there, else three
of our own), changes bytes in them at random and lets the reader processes read each: flipped,
inserted, removed and repeated bytes, cut ends, header numbers at their limits.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from composer_core.errors import MESSAGES, InvalidValue
from composer_core.ingest.pool import read_all
from composer_core.music.loop import Loop, Notes, check_loop
from composer_core.music.timing import MAX_TEMPO_BPM, MIN_TEMPO_BPM
from composer_core.pipeline.library.measuring import READ_TASK, decode_records
from composer_core.render.midi import loop_to_midi

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "data" / "malformed"
MAX_BYTES = 4000
LIMITS = (0, 1, 0x7F, 0x80, 0xFF)


def sources(corpus: Path) -> list[bytes]:
    """Small MIDI files to mutate."""
    found = [path.read_bytes() for path in sorted(corpus.rglob("*.mid")) if path.stat().st_size <= MAX_BYTES]
    beat = [(step * 240, 120, 36 + step % 8, 60 + step) for step in range(32)]
    own = [Loop(name, Notes.from_rows(beat), 4) for name in ("drums", "bass", "piano")]
    return [data for data in found if data[:4] == b"MThd"] + [loop_to_midi(loop) for loop in own]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to eight changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if not changed:
            break
        at, kind = chance.randrange(len(changed)), chance.randrange(6)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at] = chance.choice(LIMITS)
        elif kind == 2:
            changed[at:at] = chance.randbytes(chance.randint(1, 6))
        elif kind == 3:
            del changed[at : at + chance.randint(1, 6)]
        elif kind == 4:
            changed[at:at] = changed[at : at + chance.randint(1, 40)]
        elif chance.random() < 0.3:
            del changed[at:]
        else:
            place = chance.randrange(8, 14)
            changed[place : place + 1] = bytes([chance.choice(LIMITS)])
    return bytes(changed)


def run(count: int, seed: int, corpus: Path) -> dict[str, Any]:
    """Import `count` mutations; what became of them."""
    chance = random.Random(seed)
    files = sources(corpus)
    options = {"bars": 4, "instrument": None, "measure": True}
    codes: Counter[str] = Counter()
    broken = accepted = 0
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for index in range(count):
            path = Path(folder) / f"{index:06d}.mid"
            path.write_bytes(mutate(chance.choice(files), chance))
            paths.append((str(path), "midi"))
        started = last = time.monotonic()
        for report in read_all(paths, READ_TASK, options, jobs=2):
            slowest, last = max(slowest, time.monotonic() - last), time.monotonic()
            for outcome in report.outcomes:
                if outcome.refusal is not None:
                    codes[outcome.refusal.code] += 1
                    continue
                accepted += 1
                broken += _breaks(decode_records(outcome.name, "", outcome.facts, outcome.payload))
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "files": count,
        "seed": seed,
        "accepted": accepted,
        "refused": sum(codes.values()),
        "codes": dict(codes.most_common()),
        "unknown_codes": sum(code not in MESSAGES for code in codes),
        "deaths": codes["worker_died"],
        "timeouts": codes["timeout"],
        "invariant_breaks": broken,
        "longest_wait_sec": round(slowest, 2),
        "peak_worker_mib": round(peak_kib / 1024, 1),
        "seconds": round(time.monotonic() - started, 1),
    }


def _breaks(records: list[Any]) -> int:
    broken = 0
    for record in records:
        try:
            check_loop(record.loop)
        except InvalidValue:
            broken += 1
            continue
        broken += not MIN_TEMPO_BPM <= record.loop.tempo_bpm <= MAX_TEMPO_BPM
    return broken


def main() -> int:
    """Print the table; 1 when the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = run(arguments.count, arguments.seed, arguments.corpus)
    for name, value in found.items():
        print(f"{name:<18} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    missed = found["deaths"] + found["timeouts"] + found["invariant_breaks"] + found["unknown_codes"]
    return 1 if missed or found["peak_worker_mib"] > 1024 else 0


if __name__ == "__main__":
    sys.exit(main())
