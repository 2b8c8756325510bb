"""What the network reads at each place: rows of its feature tables, built from notes and request."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from composer_core.model.notes import features as f
from composer_core.model.notes.features import CONTEXT, INPUT, N_LAGS, SHAPE, Around, Back, Candidates, Request, Written
from composer_core.music.chords import QUALITIES
from composer_core.music.instruments import GENERATED_INSTRUMENTS

DRUMS = GENERATED_INSTRUMENTS.index("drums")
N_QUALITIES = len(QUALITIES)
LOWEST, HIGHEST = 21, 108
N_PITCHES = HIGHEST - LOWEST + 1


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """Places asked about, (n, asked) each: the last note's onset, pitch, class of length, rank in its chord and delta,
    and how many notes there are by then; `begins` is True before the first note."""

    onset: Tensor
    pitch: Tensor
    length: Tensor
    delta: Tensor
    count: Tensor
    begins: Tensor


def _note(pitch: Tensor, drums: Tensor) -> Tensor:
    """Index of a pitch: drum voices have their own."""
    return pitch + 128 * drums.unsqueeze(-1)


def _of_bar(values: Tensor, bar: Tensor) -> Tensor:
    """values (n, MAX_BARS) at bars (n, asked); 0 after the last."""
    return functional.pad(values, (0, 1)).gather(1, bar.clamp(0, values.shape[1]))


def _chord_at(request: Request, bar: Tensor) -> Tensor:
    """Chord (relative to the tonic, 0 for none) of bars (n, asked); none after the last."""
    code = _of_bar(request.chords, bar)
    root, quality = (code - 1) // N_QUALITIES, (code - 1) % N_QUALITIES
    relative = (root - request.tonic.clamp(min=0).unsqueeze(1)) % 12
    return torch.where(code > 0, 1 + relative * N_QUALITIES + quality, 0)


def _above_chord(pitch: Tensor, chord: Tensor, request: Request) -> Tensor:
    """Semitones above the chord's root (0 to 11), 12 where no chord is given."""
    root = (chord - 1) // N_QUALITIES + request.tonic.clamp(min=0).unsqueeze(1)
    return torch.where(chord > 0, (pitch - root) % 12, 12)


def _degree(pitch: Tensor, request: Request) -> Tensor:
    """Semitones above the tonic (0 to 11), 12 where it is not given or has no meaning."""
    tonic = request.tonic.unsqueeze(1)
    return torch.where(tonic >= 0, (pitch - tonic) % 12, 12)


def _whole(request: Request) -> dict[str, Tensor]:
    """(n,) features of what holds for the whole window; what is not given has a row of its own."""

    def given(values: Tensor, nothing: int) -> Tensor:
        return torch.where(values < 0, nothing, values)

    feel = {name: given(request.feel[:, number], f.FEEL_BINS) for number, name in enumerate(f.FEEL)}
    return {
        "meter": request.meter,
        "instrument": request.instrument,
        "tonic": given(request.tonic, 12),
        "minor": given(request.minor, 2),
        "tempo": given(request.tempo, f.TEMPO_BINS),
        "density": given(request.density, f.DENSITY_BINS),
        "register": given(request.register, f.REGISTER_BINS),
        "genre": given(request.genre, 64),
        "thickness": given(request.thickness, len(f.THICKNESS) + 1),
        "reach": given(request.reach, f.REACH_BINS),
        **feel,
    }


def input_index(notes: Written, asked: NoteRequest, request: Request) -> Tensor:
    """(n, asked, n_features) rows of the INPUT table for what was last written."""
    drums = request.instrument == DRUMS
    bar = asked.onset // request.bar_steps.unsqueeze(1)
    around = f.look_around(notes, asked.onset, asked.count - 1)
    lags = f.lag_steps(request.bar_steps)
    followed = f.look_back(notes, asked.onset, asked.pitch + 1, lags, same_onset=False)
    was = f.look_back(notes, asked.onset, asked.pitch, lags, same_onset=True)
    begins = asked.begins
    pitch = asked.pitch.unsqueeze(-1)
    before = f.at(notes.pitch, asked.count - 2)
    chord = _chord_at(request, bar)
    known = ~begins.unsqueeze(-1)
    whole = _whole(request)
    return INPUT.index(
        place=torch.where(begins, f.MAX_BAR_STEPS, asked.onset % request.bar_steps.unsqueeze(1)),
        bar=torch.where(begins, f.MAX_BARS, bar),
        left=request.bars.unsqueeze(1) - bar,
        pitch=torch.where(begins, 256, _note(asked.pitch, drums)),
        degree=torch.where(begins, 12, _degree(asked.pitch, request)),
        interval=f.near(asked.pitch - before, ~begins & (asked.count > 1)),
        length=torch.where(begins, f.N_LENGTHS, asked.length),
        delta=torch.where(begins, f.END, asked.delta),
        rank=torch.where(begins, f.MAX_RANK, around.rank),
        low=f.near(asked.pitch - around.low, ~begins & around.has_previous),
        high=f.near(asked.pitch - around.high, ~begins & around.has_previous),
        held=around.held,
        **f.per_lag("follow_pitch", f.near(followed.pitch - pitch, followed.known & known)),
        **f.per_lag("follow_delta", _follow_delta(followed, known)),
        **f.per_lag("was", f.near(was.pitch - pitch, was.known & known)),
        chord=chord,
        next_chord=_chord_at(request, bar + 1),
        above_chord=torch.where(begins, 12, _above_chord(asked.pitch, chord, request)),
        plan=_of_bar(request.plan, bar),
        next_plan=_of_bar(request.plan, bar + 1),
        owed=f.onsets_owed(request.density, asked.onset, f.so_far(notes, asked.count).onsets),
        **{name: value.unsqueeze(1).expand_as(asked.onset) for name, value in whole.items()},
    )


def _follow_delta(followed: Back, known: Tensor) -> Tensor:
    return torch.where(followed.known & known, followed.delta.clamp(0, f.FOLLOW_DELTAS - 2), f.FOLLOW_DELTAS - 1)


@dataclass(frozen=True, slots=True)
class Place:
    """A chosen onset (n, asked) with what surrounds it: what the pitch and length factors read."""

    onset: Tensor
    delta: Tensor
    last: Tensor
    has_last: Tensor
    around: Around
    was: Back
    chord: Tensor
    plan: Tensor
    mean: Tensor
    heard: Candidates


def place_of(notes: Written, asked: NoteRequest, delta: Tensor, request: Request) -> Place:
    """The place `delta` (n, asked) steps after the last note, or in its chord where it is 0."""
    onset = torch.where(asked.begins, delta, asked.onset + delta)
    same_chord = (delta == 0) & ~asked.begins
    floor = torch.where(same_chord, asked.pitch + 1, torch.zeros_like(asked.pitch))
    was = f.look_back(notes, onset, floor, f.lag_steps(request.bar_steps), same_onset=True)
    around = f.look_around(notes, onset, asked.count)
    bar = onset // request.bar_steps.unsqueeze(1)
    chord, plan = _chord_at(request, bar), _of_bar(request.plan, bar)
    mean = f.so_far(notes, asked.count).mean_pitch
    heard = f.heard_so_far(notes, asked.count, onset, f.lag_steps(request.bar_steps), LOWEST, N_PITCHES)
    return Place(onset, delta, asked.pitch, ~asked.begins, around, was, chord, plan, mean, heard)


def context_index(place: Place, request: Request) -> Tensor:
    """(n, asked, n_features) rows of the CONTEXT table for a chosen onset."""
    around, last = place.around, place.last
    pitch = last.unsqueeze(-1)
    return CONTEXT.index(
        delta=place.delta,
        place=place.onset % request.bar_steps.unsqueeze(1),
        bar=place.onset // request.bar_steps.unsqueeze(1),
        rank=around.rank,
        low=f.near(around.low - last, around.has_previous),
        high=f.near(around.high - last, around.has_previous),
        own_low=f.near(around.own_low - last, around.rank > 0),
        older=f.near(around.older_high - last, around.has_older),
        held=around.held,
        held_low=f.near(around.held_low - last, (around.held > 0) & place.has_last),
        chord=place.chord,
        plan=place.plan,
        register=f.from_register(request.register, last),
        mean=f.from_register(request.register, place.mean),
        **f.per_lag("was", f.near(place.was.pitch - pitch, place.was.known & place.has_last.unsqueeze(-1))),
    )


def shape_index(place: Place, pitch: Tensor, request: Request) -> Tensor:
    """(n, asked, n_features) rows of the SHAPE table for a chosen onset and pitch."""
    was = place.was
    same = was.known & (was.pitch == pitch.unsqueeze(-1))
    weights = 2 ** torch.arange(N_LAGS)
    return SHAPE.index(
        interval=f.near(pitch - place.last, place.has_last),
        pitch=_note(pitch, request.instrument == DRUMS),
        degree=_degree(pitch, request),
        place=place.onset % request.bar_steps.unsqueeze(1),
        same=(same * weights).sum(-1),
        **f.per_lag("length", torch.where(was.known, was.length, f.N_LENGTHS)),
    )


def asked_of_all(notes: Written, slots: int) -> tuple[NoteRequest, Tensor]:
    """Every place of whole windows: before the first note, then after each; and the deltas to write, (n, slots + 1).

    The delta after the last note is END; after that it is END too and to be ignored.
    """
    n = len(notes.count)
    zero = torch.zeros(n, 1, dtype=torch.long)
    onset = torch.cat([zero, notes.onset[:, :slots]], 1)
    number = torch.arange(slots + 1).expand(n, -1)
    there = number <= notes.count.unsqueeze(1)
    onset = torch.where(there, onset, 0)
    following = torch.cat([notes.onset[:, :slots], torch.full((n, 1), f.FAR)], 1)
    target = torch.where(number < notes.count.unsqueeze(1), (following - onset).clamp(max=f.MAX_DELTA), f.END)
    delta = torch.cat([zero + f.END, target[:, :-1]], 1)
    pitch = torch.cat([zero, notes.pitch[:, :slots]], 1)
    length = torch.cat([zero, notes.length[:, :slots]], 1)
    return NoteRequest(onset, pitch, length, delta, number, number == 0), target
