"""Writing loops with a note composer: exact bars, locked bars, one seed a loop.

Every loop draws from its own stream of random numbers, so what it becomes depends on its seed
and request, not on what is written beside it. Which onsets and pitches may come next is masked,
so a loop never leaves its bars, its instrument's range or what was locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from composer_core.model.notes import features as f
from composer_core.model.notes.features import Request, Written
from composer_core.model.notes.network import NOTHING, NoteComposer
from composer_core.model.notes.reading import DRUMS, HIGHEST, LOWEST, NoteRequest, input_index, place_of
from composer_core.music.instruments import GENERATED_INSTRUMENTS, PITCH_RANGE, POLYPHONY

SLOTS = 96
"""Notes a loop has room for at first; more are added as they are needed."""
MOST_NOTES = 600
MOST_DRUMS = 6
"""Voices of a kit struck together."""


@dataclass(frozen=True, slots=True)
class NoteSampling:
    """How boldly each factor is drawn: 1.0 as the model learnt it, lower is plainer. `top_p` keeps the likeliest."""

    temperature: float = 1.0
    top_p: float = 1.0
    pitch_temperature: float | None = None
    onset_temperature: float | None = None


@dataclass(frozen=True, slots=True)
class LockedNotes:
    """Bars of one loop that stay: their numbers from 0, and their notes (onset in steps, MIDI pitch, class of length),
    in any order."""

    bars: frozenset[int] = frozenset()
    notes: tuple[tuple[int, int, int], ...] = ()

    def ordered(self) -> list[tuple[int, int, int]]:
        """The notes by onset, then pitch."""
        return sorted(self.notes)


@dataclass(slots=True)
class _Sheet:
    """What is written so far; grows as needed."""

    notes: Written
    last: NoteRequest
    done: NDArray[np.bool_]
    locked: list[list[tuple[int, int, int]]]
    next_locked: list[int] = field(default_factory=list)

    def forced(self, row: int) -> tuple[int, int, int] | None:
        """The next locked note of a loop, if there is one."""
        number = self.next_locked[row]
        return self.locked[row][number] if number < len(self.locked[row]) else None


def sample(
    model: NoteComposer,
    request: Request,
    seeds: Sequence[int],
    settings: NoteSampling | None = None,
    locked: Sequence[LockedNotes] | None = None,
) -> Written:
    """One loop for each row of the request."""
    settings = settings or NoteSampling()
    n = len(seeds)
    locked = locked or [LockedNotes()] * n
    streams = [np.random.default_rng([seed, 0x50]) for seed in seeds]
    sheet = _empty_sheet(n, locked)
    state = None
    model.eval()
    with torch.no_grad():
        for _ in range(MOST_NOTES):
            index = input_index(sheet.notes, sheet.last, request)
            hidden, state = model.hidden(index, sheet.last, request, state)
            uniform = torch.from_numpy(np.stack([stream.random(3) for stream in streams]))
            _write_note(model, sheet, request, locked, hidden, index, uniform, settings)
            if sheet.done.all():
                break
    return sheet.notes


def _empty_sheet(n: int, locked: Sequence[LockedNotes]) -> _Sheet:
    zero = torch.zeros(n, 1, dtype=torch.long)
    notes = Written(
        torch.full((n, SLOTS), f.FAR), torch.zeros(n, SLOTS, dtype=torch.long), torch.zeros(n, SLOTS, dtype=torch.long),
        torch.zeros(n, dtype=torch.long),
    )  # fmt: skip
    last = NoteRequest(zero, zero, zero, zero + f.END, zero, torch.ones(n, 1, dtype=torch.bool))
    return _Sheet(notes, last, np.zeros(n, np.bool_), [one.ordered() for one in locked], [0] * n)


def _write_note(
    model: NoteComposer,
    sheet: _Sheet,
    request: Request,
    locked: Sequence[LockedNotes],
    hidden: Tensor,
    index: Tensor,
    uniform: Tensor,
    settings: NoteSampling,
) -> None:
    """Draw onset, pitch and length of the next note of every loop, or its end, and write it down."""
    logits = model.onset_logits(hidden, index)[:, 0]
    logits = logits.masked_fill(~_allowed_onsets(sheet, request, locked), NOTHING)
    onset_heat = settings.onset_temperature or settings.temperature
    delta = draw(logits, uniform[:, 0], onset_heat, settings.top_p)
    ends = (delta == f.END).numpy()
    delta = torch.where(delta == f.END, 0, delta)
    place = place_of(sheet.notes, sheet.last, delta.unsqueeze(1), request)
    pitch_logits = model.pitch_logits(hidden, place, request)[:, 0] + _range_mask(request)
    pitch_heat = settings.pitch_temperature or settings.temperature
    pitch = draw(pitch_logits, uniform[:, 1], pitch_heat, settings.top_p) + LOWEST
    onset = place.onset[:, 0]
    pitch, forced_length = _forced(sheet, onset, pitch, ends)
    length_logits = model.length_logits(hidden, place, pitch.unsqueeze(1), request)[:, 0]
    length = draw(length_logits, uniform[:, 2], settings.temperature, settings.top_p)
    length = torch.where(forced_length >= 0, forced_length, length)
    sheet.done |= ends
    _append(sheet, onset, pitch, length, delta)


def draw(logits: Tensor, uniform: Tensor, temperature: float, top_p: float) -> Tensor:
    """One class of each row (n, classes) by its uniform number (n,)."""
    share = functional.softmax(logits.double() / temperature, dim=-1)
    if top_p < 1.0:
        ordered, order = share.sort(dim=-1, descending=True)
        kept = ordered.cumsum(-1) - ordered < top_p
        share = torch.zeros_like(share).scatter(-1, order, ordered * kept)
    total = share.cumsum(-1)
    found = torch.searchsorted(total, (uniform * total[:, -1]).unsqueeze(-1), right=True)[:, 0]
    return found.clamp(max=logits.shape[-1] - 1)


def _allowed_onsets(sheet: _Sheet, request: Request, locked: Sequence[LockedNotes]) -> Tensor:
    """(n, N_DELTAS) deltas that stay inside the loop, skip no free bar and run into no locked one."""
    n = len(locked)
    allowed = np.zeros((n, f.N_DELTAS), np.bool_)
    bar_steps, bars = request.bar_steps.tolist(), request.bars.tolist()
    instrument = request.instrument.tolist()
    last, pitch = sheet.last.onset[:, 0].tolist(), sheet.last.pitch[:, 0].tolist()
    count = sheet.last.count[:, 0].tolist()
    for row in range(n):
        if sheet.done[row]:
            allowed[row, f.END] = True
            continue
        allowed[row] = _allowed_row(
            last[row], count[row], bar_steps[row], bars[row], locked[row].bars, sheet.forced(row)
        )  # fmt: skip
        if count[row] and not _room(sheet, row, instrument[row], pitch[row], count[row]):
            allowed[row, 0] = False
            allowed[row, f.END] |= not allowed[row].any()
    return torch.from_numpy(allowed)


def _allowed_row(
    last: int, count: int, bar_steps: int, bars: int, locked: frozenset[int], forced: tuple[int, int, int] | None
) -> NDArray[np.bool_]:
    """(N_DELTAS,) deltas one loop may take."""
    allowed = np.zeros(f.N_DELTAS, np.bool_)
    bar = last // bar_steps if count else -1
    free = [number for number in range(bars) if number not in locked]
    following = next((number for number in free if number > bar), None)
    limit = bars * bar_steps if following is None else (following + 1) * bar_steps
    if forced is not None:
        limit = min(limit, forced[0] + 1)
    places = np.arange(last, min(limit, last + f.MAX_DELTA + 1))
    inside = ~np.isin(places // bar_steps, list(locked))
    if forced is not None:
        inside |= places == forced[0]
    allowed[: len(places)] = inside
    if forced is not None and forced[0] // bar_steps in locked and not inside.any():
        allowed[min(f.MAX_DELTA, max(0, forced[0] - last))] = True
    allowed[f.END] = forced is None and following is None
    return allowed


def _room(sheet: _Sheet, row: int, instrument: int, pitch: int, count: int) -> bool:
    """Whether the chord at the last onset may take another note above."""
    name = GENERATED_INSTRUMENTS[instrument]
    onset = sheet.notes.onset[row, :count]
    struck = int((onset == onset[count - 1]).sum())
    most = MOST_DRUMS if instrument == DRUMS else POLYPHONY[name]
    highest = HIGHEST if instrument == DRUMS else PITCH_RANGE[name][1]
    return struck < most and pitch < min(highest, HIGHEST)


def _range_mask(request: Request) -> Tensor:
    """(n, pitches) to add to pitch logits: NOTHING outside the instrument's range."""
    candidates = torch.arange(LOWEST, HIGHEST + 1)
    ranges = [PITCH_RANGE.get(name, (LOWEST, HIGHEST)) for name in GENERATED_INSTRUMENTS]
    limits = torch.tensor(ranges)[request.instrument]
    outside = (candidates < limits[:, :1]) | (candidates > limits[:, 1:])
    return torch.where(outside, NOTHING, 0.0)


def _forced(sheet: _Sheet, onset: Tensor, pitch: Tensor, ends: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
    """Pitch, and class of length or -1, of each loop: a locked note's where its place was reached."""
    lengths = torch.full_like(pitch, -1)
    for row in range(len(ends)):
        forced = sheet.forced(row)
        if forced is not None and not ends[row] and int(onset[row]) == forced[0]:
            pitch[row], lengths[row] = forced[1], forced[2]
            sheet.next_locked[row] += 1
    return pitch, lengths


def _append(sheet: _Sheet, onset: Tensor, pitch: Tensor, length: Tensor, delta: Tensor) -> None:
    """Write a note into the next slot of every loop that is not done."""
    notes = sheet.notes
    if int(notes.count.max()) + 2 > notes.onset.shape[1]:
        onsets = functional.pad(notes.onset, (0, SLOTS), value=f.FAR)
        notes = Written(
            onsets, functional.pad(notes.pitch, (0, SLOTS)), functional.pad(notes.length, (0, SLOTS)), notes.count
        )
    row = torch.from_numpy(np.flatnonzero(~sheet.done))
    slot = notes.count[row]
    notes.onset[row, slot], notes.pitch[row, slot], notes.length[row, slot] = onset[row], pitch[row], length[row]
    count = notes.count + torch.from_numpy(~sheet.done)
    sheet.notes = Written(notes.onset, notes.pitch, notes.length, count)
    sheet.last = NoteRequest(
        onset.unsqueeze(1), pitch.unsqueeze(1), length.unsqueeze(1), delta.unsqueeze(1), count.unsqueeze(1),
        torch.zeros(len(onset), 1, dtype=torch.bool),
    )  # fmt: skip
