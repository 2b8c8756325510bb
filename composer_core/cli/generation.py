"""`composer generate` writes takes as MIDI files."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from composer_core.cli import Subparsers
from composer_core.errors import InvalidValue, require_range
from composer_core.music.chords import parse_chord_line
from composer_core.music.condition import DEFAULT_HUMANISE_PERCENT, DEFAULT_TEMPO_BPM, Condition
from composer_core.music.genre import parse_genre
from composer_core.music.key import Key
from composer_core.music.technique import parse_techniques
from composer_core.music.timing import Meter
from composer_core.workspace import Workspace, default_workspace

if TYPE_CHECKING:
    from composer_core.store.takes import Take


def register(subparsers: Subparsers) -> None:
    """Add `generate`."""
    parser = subparsers.add_parser("generate", help="generate loops from valence, arousal, genre, swing and tempo")
    parser.add_argument(
        "--instrument", required=True, metavar="NAMES", help="one, or several that play together, as drums,bass,piano"
    )
    parser.add_argument("--bars", type=int, default=4, help="1, 2, 4 or 8")
    parser.add_argument("--tempo", type=float, default=DEFAULT_TEMPO_BPM, help="quarters a minute")
    parser.add_argument("--meter", default="4/4", help="4/4, 3/4, 6/8, 5/4 or 7/8")
    parser.add_argument("--swing", type=float, default=50.0, help="DAW percentage: 50 straight, 66.7 triplet")
    parser.add_argument("--swing-grid", type=int, default=8, help="8 or 16")
    parser.add_argument(
        "--humanise", type=float, default=DEFAULT_HUMANISE_PERCENT, help="0 to 100 %% of the performer's timing"
    )
    parser.add_argument("--valence", type=float, help="-1 to 1; left out: not given")
    parser.add_argument("--arousal", type=float, help="0 to 1; left out: not given")
    parser.add_argument("--density", type=float, help="onsets a quarter; left out: not given")
    parser.add_argument("--genre", default="", help="a genre, or weights such as funk=0.7,jazz=0.3")
    parser.add_argument("--key", help="such as E:minor, Bb:major or D:dorian; left out: not given, written on C")
    parser.add_argument("--syncopation", type=float, help="levels a bar, as composer measure prints it")
    parser.add_argument("--register", type=float, help="mean pitch as a MIDI note number")
    parser.add_argument(
        "--complexity", type=float, help="0 to 1: rhythmic variety, syncopation and change between bars"
    )
    parser.add_argument("--technique", default="", help="one or more such as ghost,ride (assets/techniques.yaml)")
    parser.add_argument("--chords", default="", help='one chord a bar, as "i VI III VII" or "Em C G D"')
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
    key = Key.parse(arguments.key) if arguments.key else None
    chords, key = parse_chord_line(arguments.chords, key) if arguments.chords else ((), key)
    return Condition(
        instrument=instrument,
        bars=arguments.bars,
        meter=Meter.parse(arguments.meter),
        tempo_bpm=arguments.tempo,
        valence=arguments.valence,
        arousal=arguments.arousal,
        genre=parse_genre(arguments.genre),
        density=arguments.density,
        swing_percent=arguments.swing,
        swing_grid=arguments.swing_grid,
        humanise_percent=arguments.humanise,
        key=key,
        syncopation=arguments.syncopation,
        register=arguments.register,
        complexity=arguments.complexity,
        technique=parse_techniques(arguments.technique),
        chords=chords,
    )


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
