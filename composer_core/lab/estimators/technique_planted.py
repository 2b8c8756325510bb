"""How well the technique rules see what was planted: loops of held-out files, played with a technique or not.

Nobody labelled techniques such as flams or strums in these sets. So each technique that a rule can render
(`rules.render_technique`) is put into loops nobody chose it for, and the estimator's rule is asked about
the loop before and after. What was there before counts as a false alarm, so precision is a lower bound.
A technique that cannot be planted has no figure and is never suggested.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from composer_core.errors import InvalidValue
from composer_core.estimate.technique.evidence import Evidence
from composer_core.estimate.technique.rules import RULES
from composer_core.ingest.cut import cut
from composer_core.ingest.datasets.groove import read_info
from composer_core.lab.estimators.data import GROOVE, find_set, read_file
from composer_core.metrics import measure
from composer_core.music.loop import Loop
from composer_core.rules import render_technique
from composer_core.rules.technique import RENDERED

LOOP_BARS = 4
MAX_LOOPS = 300
"""Loops of an instrument that are asked about."""
PITCHED_SETS = ("bsd/freedoom", "artistic/simutrans")
MIN_NOTES = 8


def planted_figures(root: Path) -> dict[str, dict[str, dict[str, float]]]:
    """F1, precision, recall and number of loops of every rule whose technique can be planted, by instrument."""
    loops = _held_out(root)
    return {
        instrument: {
            code: figures
            for code in sorted(set(RULES[instrument]) & set(RENDERED[instrument]))
            if (figures := _figures(code, loops[instrument])) is not None
        }
        for instrument in RULES
        if loops.get(instrument)
    }


def _figures(code: str, loops: Sequence[Loop]) -> dict[str, float] | None:
    """None where no loop could be changed."""
    hits = misses = alarms = 0
    for loop in loops:
        try:
            played = render_technique(loop, code)
        except InvalidValue:
            continue
        if played.notes == loop.notes and played.program == loop.program:
            continue
        seen, before = _sees(code, played), _sees(code, loop)
        hits, misses, alarms = hits + seen, misses + (not seen), alarms + before
    if hits + misses == 0:
        return None
    return {
        "loops": hits + misses,
        "f1": round(2 * hits / max(1, 2 * hits + misses + alarms), 3),
        "precision": round(hits / max(1, hits + alarms), 3),
        "recall": round(hits / (hits + misses), 3),
    }


def _sees(code: str, loop: Loop) -> bool:
    return RULES[loop.instrument][code](Evidence(loop, measure(loop))) > 0


def _held_out(root: Path) -> dict[str, list[Loop]]:
    """Loops by instrument: Groove MIDI's validation takes, and every fifth song of the game music sets."""
    found: dict[str, list[Loop]] = {}
    groove = find_set(root, GROOVE)
    if groove is not None:
        held = [name for name, facts in sorted(read_info(groove).items()) if facts.get("split") == "validation"]
        _add(found, [groove / name for name in held], ("drums",))
    for name in PITCHED_SETS:
        folder = find_set(root, name)
        if folder is not None:
            _add(found, sorted(folder.rglob("*.mid"))[::5], tuple(own for own in RULES if own != "drums"))
    return found


def _add(found: dict[str, list[Loop]], paths: Sequence[Path], instruments: Sequence[str]) -> None:
    for path in paths:
        song = read_file(path)
        for loop in cut(song, LOOP_BARS) if song is not None else ():
            own = found.setdefault(loop.instrument, []) if loop.instrument in instruments else None
            if own is not None and len(own) < MAX_LOOPS and len(loop.notes) >= MIN_NOTES:
                own.append(loop)
