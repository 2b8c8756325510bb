"""Test validity: random conditions over all metres, each written as a MIDI file and read back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import ComposerError
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.midi import read_song
from composer_core.lab.composer.held_out import TEMPO_RANGE, Made, generate_for
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import ASK_METERS, FIELDS
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.key import Key
from composer_core.music.loop import Loop, check_loop
from composer_core.music.timing import BARS_CHOICES, Meter
from composer_core.render.midi import loop_to_midi

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel

LINES = {"major": ("I", "V", "vi", "IV"), "minor": ("i", "VI", "III", "VII")}
FIRST = ("valence", "arousal", "density")
"""Numbers that are drawn before the swing, the others after it: the requests of a seed stay the same."""
TEMPO_NEAR_BPM = 0.001
"""A file holds whole microseconds a quarter: at 240 BPM they lie 0.001 BPM apart."""


def random_condition(instrument: str, genres: tuple[str, ...], rng: np.random.Generator) -> Condition:
    """A request with any subset of fields, over all metres and lengths and the whole range of tempo and swing."""

    is_drums = instrument == "drums"

    def some(value: Any) -> Any:
        """The value, or None half of the time."""
        return value if rng.random() < 0.5 else None

    def numbers(*names: str) -> dict[str, Any]:
        """Each of these fields somewhere in its usual range, or None."""
        return {name: some(float(rng.uniform(*usual[name]))) for name in names}

    usual = {field.name: field.usual for field in FIELDS if field.usual and not (is_drums and field.pitched)}
    pitched: dict[str, Any] = {}
    bars = int(rng.choice(BARS_CHOICES, p=(0.2, 0.3, 0.4, 0.1)))
    if not is_drums:
        key = some(Key(int(rng.integers(12)), str(rng.choice(("major", "minor")))))
        low, high = PITCH_RANGE[instrument]
        middle, reach = (low + high) / 2, (high - low) / 5
        pitched = {"key": key, "register": some(float(rng.uniform(middle - reach, middle + reach)))}
        if key is not None and rng.random() < 0.5:
            pitched["chords"] = tuple(Chord.from_roman(numeral, key) for numeral in LINES[key.mode])[:bars]
    return Condition(
        instrument,
        bars,
        Meter.parse(str(rng.choice(ASK_METERS))),
        float(np.round(rng.uniform(*TEMPO_RANGE), 2)),
        **numbers("valence", "arousal"),
        genre={str(rng.choice(genres)): 1.0} if genres and rng.random() < 0.5 else {},
        **numbers("density"),
        swing_percent=float(rng.uniform(50, 70)),
        swing_grid=int(rng.choice((8, 16))),
        **numbers(*(name for name in usual if name not in FIRST)),
        **pitched,
    )


def fault_of(made: Made) -> str:
    """What is wrong with a loop's MIDI file against its request; empty when nothing is.

    unreadable, empty, bars, metre, tempo, or outside: a note beyond the loop's end or the MIDI ranges.
    """
    condition, loop = made.condition, made.played
    try:
        check_loop(loop)
        parts = cut(read_song(loop_to_midi(loop), "take.mid"), WHOLE_SONG)
    except ComposerError:
        return "unreadable"
    if len(parts) != 1 or not len(parts[0].notes):
        return "empty"
    read = parts[0]
    if read.bars != condition.bars:
        return "bars"
    if str(read.meter) != str(condition.meter):
        return "metre"
    if abs(read.tempo_bpm - condition.tempo_bpm) > TEMPO_NEAR_BPM * max(1.0, condition.tempo_bpm / 100):
        return "tempo"
    return "outside" if _is_outside(read) else ""


def _is_outside(loop: Loop) -> bool:
    notes = loop.notes
    if bool((notes.onset_tick + notes.duration_tick > loop.length_tick).any()):
        return True
    if loop.is_drums:
        return False
    low, high = PITCH_RANGE[loop.instrument]
    return bool((notes.pitch < low).any() or (notes.pitch > high).any())


def validity(loaded: LoadedModel, instrument: str, count: int, seed: int) -> dict[str, object]:
    """Share of `count` random requests whose file reads back with exact bars, metre and tempo and no note outside."""
    rng = np.random.default_rng([seed, 0xA11])
    genres = tuple(loaded.composer.config.genres)
    made = generate_for(loaded, [random_condition(instrument, genres, rng) for _ in range(count)], seed)
    faults = [fault_of(one) for one in made]
    meters = Counter(str(one.condition.meter) for one in made)
    good = Counter(str(one.condition.meter) for one, fault in zip(made, faults, strict=True) if not fault)
    return {
        "n": count,
        "valid_rate": float(np.mean([not fault for fault in faults])) if faults else None,
        "faults": dict(Counter(fault for fault in faults if fault)),
        "by_meter": {meter: good[meter] / meters[meter] for meter in ASK_METERS if meters[meter]},
        "notes_per_bar_p50": float(np.median([len(one.grid.notes) / one.condition.bars for one in made])),
    }
