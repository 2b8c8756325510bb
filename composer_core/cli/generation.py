"""`composer generate` writes takes as MIDI files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue, require_range
from composer_core.music.condition_fields import FIELDS
from composer_core.workspace import Workspace, default_workspace

if TYPE_CHECKING:
    from composer_core.music.condition import Condition
    from composer_core.store.takes import Take


def register(subparsers: Subparsers) -> None:
    """Add `generate`."""
    parser = subparsers.add_parser("generate", help="generate loops from valence, arousal, genre, swing and tempo")
    parser.add_argument(
        "--instrument", required=True, metavar="NAMES", help="one, or several that play together, as drums,bass,piano"
    )
    for field in FIELDS:
        option = field.option
        parser.add_argument(f"--{option.name}", type=option.kind, default=option.default, help=option.help)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--takes", type=int, default=1)
    parser.add_argument("--best-of", type=int, default=1, metavar="N", help="keep the best of N candidates a take")
    parser.add_argument("--model", help="a model's name or folder; left out: the shipped one")
    parser.add_argument("--workspace", type=Path, help="where trained models are looked for")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run_generate)


def condition_of(arguments: argparse.Namespace, instrument: str) -> Condition:
    """The condition the options ask of an instrument; InvalidValue names the option out of range."""
    # Here, because chords are told from notes with numpy, which the other commands' help has no need of.
    from composer_core.music.chords import parse_chord_line
    from composer_core.music.condition import Condition

    read: dict[str, Any] = {field.name: getattr(arguments, field.option.attribute) for field in FIELDS}
    read |= {field.name: field.option.read(read[field.name]) for field in FIELDS if field.option.read is not None}
    # Chord symbols bring their key, and numerals are read in the key asked for, so the two are read together.
    line, key = arguments.chords, read["key"]
    read["chords"], read["key"] = parse_chord_line(line, key) if line else ((), key)
    return Condition(instrument=instrument, **read)


def run_generate(arguments: argparse.Namespace) -> int:
    """Write `take-01.mid`, `take-02.mid`, ... once all are made, then print what was asked and measured."""
    from composer_core.pipeline.generation.ensembles import parse_instruments

    instruments = parse_instruments(arguments.instrument)
    workspace = Workspace(arguments.workspace) if arguments.workspace else default_workspace()
    if len(instruments) > 1:
        return _run_ensemble(arguments, instruments, workspace)
    condition = condition_of(arguments, instruments[0])
    from composer_core.pipeline.generation import takes as generation_takes

    takes = generation_takes.generate(
        condition,
        takes=arguments.takes,
        seed=arguments.seed,
        model=arguments.model,
        workspace=workspace,
        best_of=arguments.best_of,
    )
    rows = []
    for take in takes:
        data = generation_takes.take_midi(take)
        path = _write(arguments.output, take.index, data)
        rows.append({"file": str(path), **take_row(take), "measured": generation_takes.measure_midi(data, path.name)})
    _print_rows(arguments, rows, _print_table)
    return 0


def take_row(take: Take) -> dict[str, object]:
    """What makes a take again, and what there is to know of it."""
    from composer_core.pipeline.generation import takes as generation_takes

    return {
        "take_id": take.take_id,
        "seed": generation_takes.take_seed(take.seed, take.index),
        "series_seed": take.seed,
        "index": take.index,
        "model": take.model,
        "model_hash": take.model_hash,
        "performer_hash": take.performer_hash,
        "candidates": take.candidates,
        "condition": take.condition.to_json(),
        "drawn": dict(take.drawn),
        "notices": sorted({*take.notices, *generation_takes.perform_take(take).notes}),
        "seconds": round(take.seconds, 4),
    }


def _write(folder: Path, index: int, data: bytes) -> Path:
    from composer_core.store.atomic import write_bytes

    path = folder / f"take-{index + 1:02d}.mid"
    write_bytes(path, data)
    return path


def _print_rows(
    arguments: argparse.Namespace, rows: list[dict[str, Any]], table: Callable[[list[dict[str, Any]]], None]
) -> None:
    if arguments.json:
        print(json.dumps({"takes": rows}, ensure_ascii=False, indent=2))
    else:
        table(rows)


def _run_ensemble(arguments: argparse.Namespace, instruments: Sequence[str], workspace: Workspace) -> int:
    """One multi-track file a take; the parts share tempo, metre, key, swing and chords."""
    from composer_core.pipeline.generation.ensembles import generate_ensemble
    from composer_core.pipeline.generation.takes import MAX_TAKES, measure_take, render_take

    if arguments.model:
        reason = "each instrument takes its own model"
        raise InvalidValue("contradiction", first="--model", second="several instruments", reason=reason)
    require_range("takes", arguments.takes, 1, MAX_TAKES)
    condition = condition_of(arguments, next(name for name in instruments if name != "drums"))
    made = [
        generate_ensemble(
            instruments,
            condition,
            seed=arguments.seed,
            index=index,
            best_of=arguments.best_of,
            workspace=workspace,
        )
        for index in range(arguments.takes)
    ]
    rows = []
    for index, ensemble in enumerate(made):
        path = _write(arguments.output, index, ensemble.midi())
        parts: list[dict[str, Any]] = [
            {**take_row(take), "measured": measure_take(render_take(take))} for take in ensemble.takes
        ]
        rows.append(
            {
                "file": str(path),
                "ensemble": ensemble.name,
                "key": str(ensemble.key),
                "chords": " ".join(map(str, ensemble.chords)),
                "chords_from": ensemble.source,
                "parts": parts,
                "seconds": round(sum(part["seconds"] for part in parts), 4),
            }
        )
    _print_rows(arguments, rows, _print_ensembles)
    return 0


def _print_ensembles(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        drawn = "" if row["chords_from"] == "asked" else f" (drawn, {row['chords_from']})"
        print(f"{row['file']}  {row['key']}, {row['chords']}{drawn}, {row['seconds']:.2f} s")
        for part in row["parts"]:
            notices = f"  ({', '.join(part['notices'])})" if part["notices"] else ""
            print(f"    {part['condition']['instrument']}, {part['model']}{notices}")


def _print_table(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        measured = row["measured"]
        notices = f"  ({', '.join(row['notices'])})" if row["notices"] else ""
        density = measured["onset_density"]
        print(
            f"{row['file']}  {measured['bars']} bars {measured['meter']} at {measured['tempo_bpm']:.1f} BPM, "
            f"{density if density is None else round(density, 2)} onsets a quarter, "
            f"valence {measured['valence']:+.2f}, arousal {measured['arousal']:.2f}, {row['seconds']:.2f} s{notices}"
        )
