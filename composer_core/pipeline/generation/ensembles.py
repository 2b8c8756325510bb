"""Generate several instruments together: one tempo, metre, key, swing and chord line, one part after the other.

The chord line is the requested one. Without one, a progression is sampled by valence, arousal and mode, from those
that the workspace learnt with its data sets or else from the short list in assets/progressions.yaml. Drums come
first. Later parts follow the same chords, a bass is steered to meet the kick, and the candidate that fits best is
kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from composer_core.errors import InvalidValue, require_choice, require_range
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.drums import role_mask
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.music.timing import TICKS_PER_STEP
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.generation.chord_lines import DEFAULT_KEYS, chords_of, sample_line
from composer_core.pipeline.generation.takes import (
    MAX_CANDIDATES,
    MAX_SEED,
    log_take,
    make_take,
    markings_of,
    render_take,
)
from composer_core.pipeline.models import editing_model, find_model, load
from composer_core.render.midi import loops_to_midi
from composer_core.store.takes import Take
from composer_core.workspace import Workspace

ORDER = ("drums", "bass", "piano", "guitar", "strings")
"""The order in which parts are generated: each is chosen to fit those before it."""
CHORDS_DRAWN = "chords_drawn"
"""Notice of a take whose chords were filled in, not requested."""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Parts that belong together, in the order of ORDER, with the key and chord line they share.

    `drawn` is True when the chords were filled in; `source` says where they come from.
    """

    name: str
    takes: tuple[Take, ...]
    key: Key
    chords: tuple[Chord, ...]
    drawn: bool
    source: str

    def loops(self, changed: Mapping[str, object] | None = None) -> list[Loop]:
        """Every part as it sounds; `changed` overrides fields of all conditions (tempo, swing, humanise)."""
        return [render_take(take, take.condition.changed(**(changed or {}))) for take in self.takes]

    def midi(self, changed: Mapping[str, object] | None = None) -> bytes:
        """One multi-track file that ends with the loop."""
        loops = self.loops(changed)
        markings = markings_of(self.takes, [take.condition for take in self.takes], loops)
        return loops_to_midi(loops, markings=replace(markings, key=self.key))


def plan(condition: Condition, seed: int, workspace: Workspace | None = None) -> tuple[Condition, bool, str]:
    """Complete a condition with a key and a chord line; also returns whether the line was filled in, and its source.

    `condition` is that of a pitched instrument. The default key is A minor for a valence below 0, else C major.
    The same seed gives the same line.
    """
    key = condition.key
    if key is None:
        key = DEFAULT_KEYS["minor" if (condition.valence or 0.0) < 0 else "major"]
    if condition.chords:
        return condition.changed(key=key), False, "asked"
    line = sample_line(key, condition.valence, condition.arousal, seed, workspace)
    return condition.changed(key=key, chords=chords_of(line, key, condition.bars)), True, line.source


def parse_instruments(text: str) -> tuple[str, ...]:
    """Read 'drums,bass,piano'; InvalidValue for an unknown or repeated instrument."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        require_choice("instrument", name, GENERATED_INSTRUMENTS)
    if len(set(names)) != len(names) or not names:
        raise InvalidValue("bad_format", name="instrument", value=text, expected="different instruments, as drums,bass")
    return tuple(sorted(names, key=ORDER.index))


@guarded("generate")
def generate_ensemble(
    instruments: Sequence[str],
    condition: Condition,
    *,
    seed: int = 0,
    index: int = 0,
    best_of: int = 1,
    models: Mapping[str, str] | None = None,
    alone: Mapping[str, Mapping[str, object]] | None = None,
    workspace: Workspace | None = None,
    on_part: Callable[[Take], None] = lambda _: None,
) -> Ensemble:
    """Generate takes of several instruments that belong together; `condition` is that of any of them.

    `alone` holds fields of the condition for a single instrument, as in {"bass": {"technique": ("slap",)}}.
    The same instruments, condition, seed, index and models give the same ensemble. Takes whose chords were filled in
    say so in their notices. NotFound when an instrument has no model; InvalidValue for unknown or repeated
    instruments, and for a field that an instrument does not have.
    """
    require_range("seed", seed, 0, MAX_SEED)
    require_range("best of", best_of, 1, MAX_CANDIDATES)
    ordered = parse_instruments(",".join(instruments))
    pitched = next((name for name in ordered if name != "drums"), "piano")
    planned, drawn, source = plan(_of(condition, pitched), seed + index, workspace)
    owns = [
        _part_condition(planned, condition, instrument, (alone or {}).get(instrument, {})) for instrument in ordered
    ]
    name = _name(ordered, planned, seed, index, best_of, owns if alone else ())
    takes: list[Take] = []
    sounding: list[Loop] = []
    for own in owns:
        instrument = own.instrument
        loaded = load(find_model(instrument, (models or {}).get(instrument), workspace))
        take = _member(make_take(own, seed, index, loaded, best_of, sounding, kick_steps(takes)), name)
        if drawn and own.chords:
            take = replace(take, notices=(*take.notices, CHORDS_DRAWN))
        log_take(take)
        takes.append(take)
        sounding.append(render_take(take))
        on_part(take)
    assert planned.key is not None
    return Ensemble(name, tuple(takes), planned.key, planned.chords, drawn, source)


@guarded("generate")
def replace_in(
    takes: Sequence[Take],
    instrument: str,
    *,
    seed: int,
    best_of: int = 1,
    model: str | None = None,
    workspace: Workspace | None = None,
) -> Take:
    """Generate the part of one instrument again, to fit the other parts; InvalidValue when there is no such part."""
    require_choice("instrument", instrument, [take.condition.instrument for take in takes])
    require_range("seed", seed, 0, MAX_SEED)
    rest = [take for take in takes if take.condition.instrument != instrument]
    others = [render_take(take) for take in rest]
    old = next(take for take in takes if take.condition.instrument == instrument)
    info, gone = editing_model(instrument, model, old.model, workspace)
    fresh = make_take(old.condition, seed, old.index, load(info), best_of, others, kick_steps(rest))
    notices = (*fresh.notices, *gone)
    return replace(_member(fresh, old.ensemble), parent=old.take_id, edit="replace", notices=notices)


def kick_steps(takes: Sequence[Take]) -> tuple[int, ...]:
    """The grid steps on which the drums among the takes hit the bass drum; empty without drums."""
    found: set[int] = set()
    for take in takes:
        if take.grid.is_drums:
            kicks = take.grid.notes.onset_tick[role_mask(take.grid.notes.pitch, "kick")]
            found.update((kicks // TICKS_PER_STEP).tolist())
    return tuple(sorted(found))


def _member(take: Take, name: str) -> Take:
    """The take as a part of an ensemble. It gets an id of its own, because another ensemble may hold the same notes."""
    own = hashlib.sha256(f"{take.take_id} in {name}".encode()).hexdigest()[:16]
    return replace(take, ensemble=name, take_id=own)


def _of(condition: Condition, instrument: str) -> Condition:
    return condition if condition.instrument == instrument else condition.for_instrument(instrument)


def _part_condition(planned: Condition, asked: Condition, instrument: str, alone: Mapping[str, Any]) -> Condition:
    """The condition of one instrument: the shared plan, and the fields requested for this instrument alone."""
    own = _of(planned, instrument)
    if asked.instrument == instrument:
        own = own.changed(technique=asked.technique, register=asked.register)
    return own.changed(**alone)


def _name(
    instruments: Sequence[str],
    condition: Condition,
    seed: int,
    index: int,
    best_of: int,
    owns: Sequence[Condition] = (),
) -> str:
    named = f"{instruments} {condition.to_json()} {seed} {index} {best_of}"
    named += "".join(str(own.to_json()) for own in owns)
    return hashlib.sha256(named.encode()).hexdigest()[:12]
