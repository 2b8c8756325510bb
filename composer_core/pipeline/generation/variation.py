"""Edit a take: rewrite some bars, add bars, or vary it by a strength. Whatever is not edited stays as it is.

Notes outside the edited bars keep onset, duration, pitch, velocity and micro-timing to the tick, and sound as before,
with one exception: beside an edited bar a new neighbour may come so near that it holds a note back. The model reads
the bars before an edit. Of several candidates, the one that is likeliest among all its neighbours, the bars after it
included, is kept. New bars are played with the same seed as the others, because accents that change from bar to bar
sound like two players (ten takes of bass with one bar in four rewritten: median total 78 with another seed, 86 with
the same one).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import InvalidValue, require_range
from composer_core.music.chords import Chord
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import BARS_CHOICES
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.generation.fill_in import with_filled_in
from composer_core.pipeline.generation.takes import MAX_SEED, log_take, perform_grid, performer_hash, take_seed
from composer_core.pipeline.models import editing_model, load
from composer_core.rules.perform import swings_of_offsets
from composer_core.store.takes import Take
from composer_core.workspace import Workspace

CANDIDATES = 4
"""So many loops are sampled for each stretch of bars, and the likeliest is kept."""


@guarded("generate")
def regenerate_bars(
    take: Take, bars: Collection[int], *, seed: int, model: str | None = None, workspace: Workspace | None = None
) -> Take:
    """Rewrite some bars (counted from 0) of a take. InvalidValue for no bars, or for a bar it does not have."""
    wanted = sorted(set(bars))
    if not wanted or wanted[0] < 0 or wanted[-1] >= take.grid.bars:
        raise InvalidValue(
            "value_out_of_range", name="bars", value=[bar + 1 for bar in wanted], low=1, high=take.grid.bars, unit=""
        )
    edit = f"bars {','.join(str(bar + 1) for bar in wanted)}"
    return _edited(take, take.grid, wanted, seed, edit, model, workspace)


@guarded("generate")
def continue_take(
    take: Take, more: int, *, seed: int, model: str | None = None, workspace: Workspace | None = None
) -> Take:
    """Continue a take by `more` bars. Loops have 1, 2, 4 or 8 bars: InvalidValue for any other sum."""
    total = take.grid.bars + more
    if more < 1 or total not in BARS_CHOICES:
        choices = ", ".join(str(size - take.grid.bars) for size in BARS_CHOICES if size > take.grid.bars)
        if not choices:
            reason = f"loops have at most {max(BARS_CHOICES)} bars"
            first = f"a loop of {take.grid.bars} bars"
            raise InvalidValue("contradiction", first=first, second="bars to continue", reason=reason)
        raise InvalidValue("unknown_choice", name="bars to continue", value=more, choices=choices)
    chords: tuple[Chord, ...] = take.condition.chords
    if chords and total % len(chords):
        chords = tuple(chords[bar % len(chords)] for bar in range(total))
    condition = take.condition.changed(bars=total, chords=chords)
    longer = replace(take, condition=condition)
    grid = take.grid.with_notes(take.grid.notes, bars=total)
    return _edited(longer, grid, list(range(take.grid.bars, total)), seed, f"continue {more}", model, workspace)


@guarded("generate")
def vary(
    take: Take, strength: float, *, seed: int, model: str | None = None, workspace: Workspace | None = None
) -> Take:
    """Rewrite the share `strength` (above 0 to 1) of the take's bars, at least one; the seed picks them.

    The first bar is the last to change, because it states what the loop is about.
    """
    require_range("strength", strength, 0.01, 1.0)
    count = max(1, round(strength * take.grid.bars))
    order = np.random.default_rng([seed, 0x7A6]).permutation(np.arange(1, take.grid.bars))
    chosen = [*order.tolist(), 0][:count]
    found = regenerate_bars(take, chosen, seed=seed, model=model, workspace=workspace)
    return replace(found, edit=f"vary {strength:g}")


def _edited(
    take: Take, grid: Loop, bars: Sequence[int], seed: int, edit: str, model: str | None, workspace: Workspace | None
) -> Take:
    require_range("seed", seed, 0, MAX_SEED)
    started = time.perf_counter()
    info, gone = editing_model(take.condition.instrument, model, take.model, workspace)
    loaded = load(info)
    notes = grid.notes
    for first, last in _stretches(bars):
        notes = _rewritten(loaded, take, notes, first, last, seed)
    played_seed = take_seed(take.seed, take.index) if take.played_seed is None else take.played_seed
    fresh, offset_ms, performed = perform_grid(grid.with_notes(notes), take.condition, played_seed)
    merged, chosen = _merged(grid, fresh, bars)
    before, after = (
        take.own_swing_ms or swings_of_offsets(take.grid, take.offset_ms),
        swings_of_offsets(fresh, offset_ms),
    )
    edited = replace(
        take,
        take_id=_edit_id(take, edit, seed, loaded.hash),
        seed=seed,
        index=0,
        model=loaded.name,
        model_hash=loaded.hash,
        grid=merged,
        offset_ms=np.concatenate((take.offset_ms, offset_ms))[chosen],
        own_swing_ms={name: np.concatenate((before[name], after[name]))[chosen] for name in after},
        seconds=time.perf_counter() - started,
        notices=tuple(dict.fromkeys((*take.notices, *gone, *performed))),
        created_at=time.time(),
        performer_hash=performer_hash(take.condition.instrument),
        candidates=CANDIDATES,
        parent=take.take_id,
        edit=edit,
        played_seed=played_seed,
    )
    log_take(edited)
    return edited


def _stretches(bars: Sequence[int]) -> list[tuple[int, int]]:
    """Group neighbouring bars into stretches, each as (first bar, bar after the last)."""
    runs = groupby(enumerate(bars), key=lambda pair: pair[1] - pair[0])
    return [(run[0], run[-1] + 1) for run in ([bar for _, bar in members] for _, members in runs)]


def _rewritten(loaded: Any, take: Take, notes: Notes, first: int, last: int, seed: int) -> Notes:
    from composer_core.model.composer.sampling import Given, nll_of_loops, sample_notes

    seeds = [take_seed(seed, number + 1) for number in range(CANDIDATES)]
    whole = with_filled_in(take.condition, take.drawn)
    found = sample_notes(loaded, whole, seeds, given=Given(notes, first, last))
    if last == whole.bars:
        return found[0]  # no bars follow, so the model has read every neighbour and there is nothing to compare
    return found[int(np.argmin(nll_of_loops(loaded, whole, found)))]


def _merged(old: Loop, new: Loop, bars: Collection[int]) -> tuple[Loop, NDArray[np.intp]]:
    """Join the old notes outside the edited bars with the new ones inside, in order of onset and pitch.

    Also returns the index of each note in the concatenation of all old and all new notes, (n_notes,).
    """
    both = zip(old.notes.columns(), new.notes.columns(), strict=True)
    onset, _, pitch, _ = columns = [np.concatenate(pair) for pair in both]
    is_new = np.arange(len(onset)) >= len(old.notes)
    kept = np.flatnonzero(np.isin(onset // old.meter.bar_tick, list(bars)) == is_new)
    chosen = kept[np.lexsort((pitch[kept], onset[kept]))]
    return old.with_notes(Notes.of(*(column[chosen] for column in columns))), chosen


def _edit_id(take: Take, edit: str, seed: int, model_hash: str) -> str:
    return hashlib.sha256(f"{take.take_id} {edit} {seed} {model_hash}".encode()).hexdigest()[:16]
