"""What imports say of declared keys and metres: right ones left alone, wrong ones found.

    python benchmarks/declared.py DATA [--stride 1]

DATA holds pd/ryans-mammoth, cc0/openscore-lieder and cc0/openscore-quartets. Every file is imported as it is; a file is
right where its main key signature, and where its metre, is not doubted. Then 30 files are drawn for each of three seeds
and written anew with one wrong declaration each: 15 with C major or a signature two fifths or more off, 15 with a metre
of another family (4/4, 3/4 or 6/8) or of one beat. Half of the tunes and songs taught the estimator of the metre; the
planted files are of the others.

Prints a table, then one JSON object; exit status 1 when a limit is missed, 2 when the data are not there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from composer_core.ingest.chunks import read_layout
from composer_core.ingest.events import META_KEY, META_METER, walk_track
from composer_core.ingest.midi import read_song
from composer_core.pipeline.library.declared import main_meter, main_signature, meter_warnings

SETS = {"pd/ryans-mammoth": 2, "cc0/openscore-lieder": 2, "cc0/openscore-quartets": 1}
"""Of how many files in a row the first taught the estimator of the metre; of the quartets all did."""
SEEDS, N_KEYS, N_METERS = (1, 2, 3), 15, 15
LEAST_RIGHT, LEAST_FOUND = 0.95, 27
_FIFTHS_OFF = 2
_METERS = {"4/4": (4, 2), "3/4": (3, 2), "6/8": (6, 3), "1/4": (1, 2)}
_UNLIKE = {"4/4": ("3/4", "6/8"), "2/2": ("3/4", "6/8"), "2/4": ("3/4", "6/8"), "3/4": ("4/4", "6/8"),
           "6/8": ("4/4", "3/4"), "9/8": ("4/4", "3/4"), "12/8": ("4/4", "3/4")}  # fmt: skip


def judged(data: bytes, name: str) -> tuple[bool, bool]:
    """Whether an import doubts the main key signature, and the metre."""
    song = read_song(data, name)
    key = main_signature(song)
    return key is not None and key.doubtful, bool(meter_warnings(song))


def with_declaration(data: bytes, kind: int, payload: bytes) -> bytes:
    """The file with every event of a kind saying the same."""
    out = bytearray(data)
    for bounds in read_layout(data, "planted").tracks:
        for meta in walk_track(data, *bounds).metas:
            if meta.kind == kind:
                out[meta.start : meta.start + len(payload)] = payload
    return bytes(out)


def planted(files: Sequence[Path], seed: int) -> list[tuple[str, bool]]:
    """(what was planted, whether it was found) for 30 files."""
    dice, found = Random(seed), []
    for number, path in enumerate(dice.sample(files, len(files))):
        data, by_key = path.read_bytes(), number % 2 == 0
        song = read_song(data, path.name)
        if by_key:
            own = main_signature(song)
            wrong = [fifths for fifths in range(-5, 6) if own and abs(own.signature.fifths - fifths) >= _FIFTHS_OFF]
            if not wrong or sum(said.startswith("key") for said, _ in found) == N_KEYS:
                continue
            fifths = 0 if 0 in wrong and dice.random() < 0.5 else dice.choice(wrong)
            said = f"key of {fifths} fifths in {path.name} ({own.signature if own else ''})"
            found.append((said, judged(with_declaration(data, META_KEY, bytes((fifths & 255, 0))), path.name)[0]))
        else:
            meter = str(main_meter(song))
            choices = (*_UNLIKE.get(meter, ()), "1/4")
            if not song.says_meter or len(choices) == 1 or sum(s.startswith("metre") for s, _ in found) == N_METERS:
                continue
            wrong_meter = dice.choice(choices)
            said = f"metre {wrong_meter} in {path.name} ({meter})"
            changed = with_declaration(data, META_METER, bytes(_METERS[wrong_meter]))
            found.append((said, judged(changed, path.name)[1]))
        if len(found) == N_KEYS + N_METERS:
            break
    return found


def main() -> int:
    """Judge, plant and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--stride", type=int, default=1, help="judge only one of so many right files")
    arguments = parser.parse_args()
    files = {name: sorted((arguments.data / name).glob("*.mid")) for name in SETS}
    if not all(files.values()):
        print(f"{', '.join(SETS)} are not all under {arguments.data}", file=sys.stderr)
        return 2
    result: dict[str, object] = {}
    ok = True
    for name, paths in files.items():
        doubts = [judged(path.read_bytes(), path.name) for path in paths[:: arguments.stride]]
        key, meter = (1 - sum(one[at] for one in doubts) / len(doubts) for at in (0, 1))
        ok &= key >= LEAST_RIGHT and meter >= LEAST_RIGHT
        result[name] = {"files": len(doubts), "key_right": round(key, 4), "meter_right": round(meter, 4)}
        print(f"{name:26} {len(doubts):5} files   key right {key:.3f}   metre right {meter:.3f}", flush=True)
    fresh = [path for name, step in SETS.items() if step > 1 for path in files[name][1::step]]
    for seed in SEEDS:
        found = planted(fresh, seed)
        n_found = sum(one for _, one in found)
        ok &= n_found >= LEAST_FOUND
        result[f"planted_{seed}"] = n_found
        missed = "; ".join(said for said, one in found if not one) or "none"
        print(f"seed {seed}: {n_found} of {len(found)} planted found; missed: {missed}")
    print(json.dumps(result))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
