"""Windows of notes to the musical features a composer reads, and the factors it writes.

A window is a few bars of one part on the 12-step grid. Its notes are sorted by onset, then
pitch, and the composer writes them one after another: how far to the next onset (0 for another
note of the same chord), which pitch, how long. Everything it is told is a small number that
indexes a row of an embedding table: places, intervals, degrees, and what stood at the same
place one beat, half a bar, one, two and three bars ago. Training asks for all notes at once and
sampling for one, through the same functions, so that both always see the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from composer_core.music.condition_fields import ASK_METERS
from composer_core.music.instruments import GENERATED_INSTRUMENTS

LENGTHS = (
    *range(1, 25), 26, 27, 28, 30, 32, 33, 36, 40, 42, 44, 45, 48, 54, 60, 66, 72, 84, 96, 108, 120, 144, 168, 192
)  # fmt: skip
"""Steps of each class of length; a note takes the nearest."""
N_LENGTHS = len(LENGTHS)
MAX_DELTA = 96
END = MAX_DELTA + 1
"""Class of the onset factor that ends the window."""
N_DELTAS = END + 1
MAX_BAR_STEPS = 72
MAX_BARS = 8
NEAR = 24
"""Intervals beyond two octaves count as two octaves."""
N_NEAR = 2 * NEAR + 2
NO_INTERVAL = N_NEAR - 1
FOLLOW_DELTAS = 50
"""0 to 48 steps (longer counts as 48), and nothing known."""
N_LAGS = 5
MAX_RANK = 8
MAX_HELD = 6
FAR = 1 << 20
"""Onset of empty slots after the last note: later than anything asked for, so that searches never find them."""
METERS = (*ASK_METERS, "2/4", "other")
TEMPO_BINS, DENSITY_BINS, REGISTER_BINS = 14, 16, 32
OWED = 8
THICKNESS = (1.0001, 1.15, 1.4, 1.8, 2.3, 3.0, 4.0)
"""Upper ends of the bins of notes an onset."""
REACH_BINS = 16
NEW_BAR, SAME_BAR, VARIED_BAR, SAME_RHYTHM = 1, 2, 6, 10
N_PLANS = 14
"""Plan of a bar: new, or the same, varied or in the rhythm of the bar one to four bars before (first code + 0 to 3)."""
PLAN_SAME, PLAN_VARIED, PLAN_RHYTHM = 0.8, 0.4, 0.8
"""Share of notes (or onsets) in common from which a bar counts as the same, varied, or in the same rhythm."""
ZERO_IS_OPEN = ("chords", "technique", "plan")
"""Fields of a request that are 0 where they are not given; the others are -1."""
FEEL = ("valence", "arousal", "syncopation", "complexity", "swing_8", "swing_16")
FEEL_BINS = 10
N_CHORD_QUALITIES = 20
N_CHORDS = 1 + 12 * N_CHORD_QUALITIES
"""0 for none, else 1 + root above the tonic x qualities + quality."""

_LENGTH_STEPS = torch.tensor(LENGTHS)
_NEAREST = torch.tensor([min(range(N_LENGTHS), key=lambda c: abs(LENGTHS[c] - steps)) for steps in range(193)])


def length_classes(steps: Tensor) -> Tensor:
    """Class of each length in steps; longer than the longest class counts as that."""
    return _NEAREST[steps.clamp(0, 192)]


def length_steps(classes: Tensor) -> Tensor:
    """Steps of each class of length."""
    return _LENGTH_STEPS[classes]


def meter_number(text: str) -> int:
    """Index of a metre's embedding; 2/2 counts as 4/4, what is rarely met shares one."""
    text = "4/4" if text == "2/2" else text
    return METERS.index(text) if text in METERS else len(METERS) - 1


@dataclass(frozen=True, slots=True)
class Request:
    """What n windows are asked to be; -1 is 'not given' wherever a field may be left open.

    `instrument`, `meter`, `bar_steps` and `bars` (n,) are always known. `tonic` 0 to 11 and
    `minor` 0 or 1, `tempo`, `density` and `register` as bins, `genre` as an index, `chords`
    (n, MAX_BARS) as 1 + root x qualities + quality with 0 for none, all as they sound; `feel`
    (n, len(FEEL)) bins of what is measured on a whole window, and `technique` (n, n_techniques)
    1.0 for each that is asked, a row of zeros for 'not given'. `thickness` and `reach` as bins
    of notes an onset and of the range; `plan` (n, MAX_BARS) what each bar is to the bars before
    it (see `plan_of`), 0 for 'not given'.
    """

    instrument: Tensor
    meter: Tensor
    bar_steps: Tensor
    bars: Tensor
    tonic: Tensor
    minor: Tensor
    tempo: Tensor
    density: Tensor
    register: Tensor
    genre: Tensor
    chords: Tensor
    feel: Tensor
    technique: Tensor
    thickness: Tensor
    reach: Tensor
    plan: Tensor

    def rows(self, index: Tensor) -> Request:
        """The requests an index picks."""
        return Request(*(getattr(self, spec.name)[index] for spec in fields(self)))

    def without(self, names: Sequence[str]) -> Request:
        """The same with some fields not given."""
        blank = {name: torch.full_like(getattr(self, name), 0 if name in ZERO_IS_OPEN else -1) for name in names}
        return replace(self, **blank)


@dataclass(frozen=True, slots=True)
class Written:
    """Notes of n windows, (n, slots) each: onset in steps from the window's start (FAR where empty), MIDI pitch,
    class of length; `count` (n,) notes are there."""

    onset: Tensor
    pitch: Tensor
    length: Tensor
    count: Tensor

    @property
    def key(self) -> Tensor:
        """(n, slots): onset and pitch as one ascending number."""
        return self.onset * 128 + self.pitch


def lag_steps(bar_steps: Tensor) -> Tensor:
    """(n, N_LAGS) steps to look back: a beat, half a bar, one, two and three bars."""
    half = torch.where(bar_steps % 24 == 0, bar_steps // 2, 24)
    return torch.stack([torch.full_like(bar_steps, 12), half, bar_steps, 2 * bar_steps, 3 * bar_steps], dim=-1)


def near(interval: Tensor, known: Tensor) -> Tensor:
    """Index of an interval in semitones: -24 to 24 from 0 up, NO_INTERVAL where it is not known."""
    return torch.where(known, interval.clamp(-NEAR, NEAR) + NEAR, NO_INTERVAL)


def at(values: Tensor, index: Tensor) -> Tensor:
    """values (n, slots) at index (n, ...), clamped into the slots."""
    flat = index.clamp(0, values.shape[1] - 1).flatten(1)
    return values.gather(1, flat).view(index.shape)


@dataclass(frozen=True, slots=True)
class Back:
    """What stood at a place some lags ago, (n, asked, N_LAGS) each; `known` is False where nothing did."""

    pitch: Tensor
    length: Tensor
    delta: Tensor
    known: Tensor


def look_back(notes: Written, onset: Tensor, floor: Tensor, lags: Tensor, same_onset: bool) -> Back:
    """The first note at `onset` minus each lag whose pitch is `floor` or more.

    `onset` and `floor` are (n, asked), `lags` (n, N_LAGS). With `same_onset` only notes at
    that very place count; else the next one after it does too, if it begins before the lag is
    over, and `delta` says how much later.
    """
    place = onset.unsqueeze(-1) - lags.unsqueeze(1)
    query = place * 128 + floor.unsqueeze(-1)
    index = torch.searchsorted(notes.key, query.flatten(1).contiguous()).view(query.shape)
    delta = at(notes.onset, index) - place
    longest = torch.zeros_like(delta) if same_onset else lags.unsqueeze(1).expand_as(delta)
    known = (place >= 0) & (delta <= longest) & (index < notes.count[:, None, None])
    return Back(at(notes.pitch, index), at(notes.length, index), delta, known)


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a place (n, asked): lowest and highest note of the chord before, lowest of the own chord so
    far, the note before the chord before, what still rings. The flags say which of them exist."""

    low: Tensor
    high: Tensor
    has_previous: Tensor
    own_low: Tensor
    rank: Tensor
    held: Tensor
    held_low: Tensor
    older_high: Tensor
    has_older: Tensor


def look_around(notes: Written, onset: Tensor, position: Tensor) -> Around:
    """The surroundings of `onset` (n, asked) for the note that takes slot `position` (n, asked)."""
    start = torch.searchsorted(notes.onset, onset.contiguous())
    before = at(notes.onset, start - 1)
    before_start = torch.searchsorted(notes.onset, before.contiguous())
    end = notes.onset + length_steps(notes.length)
    ringing = (notes.onset.unsqueeze(1) < onset.unsqueeze(-1)) & (end.unsqueeze(1) > onset.unsqueeze(-1))
    ringing &= torch.arange(notes.onset.shape[1]) < notes.count[:, None, None]
    pitches = torch.where(ringing, notes.pitch.unsqueeze(1), 127)
    return Around(
        low=at(notes.pitch, before_start),
        high=at(notes.pitch, start - 1),
        has_previous=start > 0,
        own_low=at(notes.pitch, start),
        rank=position - start,
        held=ringing.sum(-1),
        held_low=pitches.amin(-1),
        older_high=at(notes.pitch, before_start - 1),
        has_older=(start > 0) & (before_start > 0),
    )


@dataclass(frozen=True, slots=True)
class SoFar:
    """What was written up to a note, (n, asked) each: different onsets, and mean pitch (0 before the first note)."""

    onsets: Tensor
    mean_pitch: Tensor


def so_far(notes: Written, count: Tensor) -> SoFar:
    """The sums over the first `count` (n, asked) notes."""
    first = torch.ones_like(notes.onset[:, :1])
    onsets = torch.cat([first, (notes.onset[:, 1:] != notes.onset[:, :-1]).long()], 1).cumsum(1)
    mean = at(notes.pitch.cumsum(1), count - 1) / count.clamp(min=1)
    return SoFar(torch.where(count > 0, at(onsets, count - 1), 0), torch.where(count > 0, mean, 0.0))


COUNTS = (1, 2, 3, 6)
"""From how many times on a pitch counts as heard once, twice, some times, often."""
SINCE = (2, 3, 4, 5, 6, 8, 9, 11, 12, 17, 18, 23, 24, 35, 36, 47, 48)
"""Longest of each bucket of steps since a pitch began last; beyond the last, and never, have their own."""
N_SINCE = len(SINCE) + 2


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is known of every candidate pitch of a range: `times` and `class_times` (n, asked, pitches) as buckets of
    COUNTS how often it and its pitch class were written so far, `since` (n, asked, pitches) as a bucket how long ago
    it began last, `stood` (n, asked, pitches, N_LAGS) whether it stood at the asked place some lags ago."""

    times: Tensor
    class_times: Tensor
    since: Tensor
    stood: Tensor


def heard_so_far(notes: Written, count: Tensor, onset: Tensor, lags: Tensor, lowest: int, pitches: int) -> Candidates:
    """The candidates `lowest` to `lowest + pitches - 1` after the first `count` (n, asked) notes, at `onset`."""
    n, slots = notes.onset.shape
    there = torch.arange(slots) < notes.count.unsqueeze(1)
    number = (notes.pitch - lowest).clamp(0, pitches - 1)
    each = torch.zeros(n, slots + 1, pitches)
    each[:, 1:].scatter_(2, number.unsqueeze(2), there.float().unsqueeze(2))
    times = each.cumsum(1).gather(1, count.unsqueeze(2).expand(-1, -1, pitches))
    padded = functional.pad(times, (lowest % 12, -(lowest + pitches) % 12))
    by_class = padded.unflatten(2, (-1, 12)).sum(2)  # type: ignore[no-untyped-call]
    classes = torch.arange(lowest, lowest + pitches) % 12
    edges = torch.tensor(COUNTS).float()
    return Candidates(
        torch.bucketize(times, edges, right=True),
        torch.bucketize(by_class, edges, right=True)[..., classes],
        _since(notes, there, number, count, onset, pitches),
        _stood(notes, there, number, onset.unsqueeze(2) - lags.unsqueeze(1), pitches),
    )


def _since(notes: Written, there: Tensor, number: Tensor, count: Tensor, onset: Tensor, pitches: int) -> Tensor:
    """(n, asked, pitches) bucket of the steps from the last of the first `count` notes on a candidate to `onset`."""
    n, slots = notes.onset.shape
    last = torch.full((n, slots + 1, pitches), -1)
    last[:, 1:].scatter_(2, number.unsqueeze(2), torch.where(there, notes.onset, -1).unsqueeze(2))
    latest = last.cummax(1).values.gather(1, count.unsqueeze(2).expand(-1, -1, pitches))
    steps = onset.unsqueeze(2) - latest
    bucket = torch.bucketize(steps, torch.tensor(SINCE))
    return torch.where(latest < 0, N_SINCE - 1, bucket)


def _stood(notes: Written, there: Tensor, number: Tensor, place: Tensor, pitches: int) -> Tensor:
    """(n, asked, pitches, lags) whether each candidate begins at places (n, asked, lags)."""
    longest = MAX_BARS * MAX_BAR_STEPS
    roll = torch.zeros(len(place), longest + 1, pitches)
    step = torch.where(there, notes.onset, longest).clamp(max=longest)
    row = torch.arange(len(place)).unsqueeze(1).expand_as(step)
    roll[row, step, number] = 1.0
    # The last row takes what is not there: empty slots are written into it, so it is wiped before it is read.
    roll[:, longest] = 0.0
    asked = torch.where(place < 0, longest, place).clamp(max=longest)
    flat = roll.gather(1, asked.flatten(1).unsqueeze(2).expand(-1, -1, pitches))
    return flat.view(*place.shape, pitches).transpose(2, 3)


def tempo_bin(tempo_bpm: Tensor) -> Tensor:
    """A quarter of an octave each from 40 quarters a minute up."""
    return (4 * torch.log2(tempo_bpm.clamp(min=1.0) / 40.0)).round().long().clamp(0, TEMPO_BINS - 1)


def density_bin(onsets_a_quarter: Tensor) -> Tensor:
    """A quarter of an octave each from 0.4 onsets a quarter up."""
    return (4 * torch.log2(onsets_a_quarter.clamp(min=0.01) / 0.4)).round().long().clamp(0, DENSITY_BINS - 1)


def onsets_owed(density: Tensor, onset: Tensor, onsets: Tensor) -> Tensor:
    """Index of how many onsets (n, asked) are still missing by now, by the density that is asked (n,) as bins."""
    due = 0.4 * 2.0 ** (density.clamp(min=0) / 4.0)
    owed = (due.unsqueeze(1) * onset / 12.0 - onsets).round().long().clamp(-OWED, OWED) + OWED
    return torch.where(density.unsqueeze(1) < 0, 2 * OWED + 1, owed)


def register_pitch(register: Tensor) -> Tensor:
    """The middle of a bin of mean pitch, as a MIDI note."""
    return 28 + 2 * register


def from_register(register: Tensor, pitch: Tensor) -> Tensor:
    """Interval index from a pitch (n, asked) to the mean pitch that is asked (n,) as bins."""
    distance = (register_pitch(register).unsqueeze(1) - pitch).round().long()
    return near(distance, (register.unsqueeze(1) >= 0).expand_as(distance))


def register_bin(mean_pitch: Tensor) -> Tensor:
    """Two semitones each from MIDI note 28 up."""
    return ((mean_pitch - 28.0) / 2.0).round().long().clamp(0, REGISTER_BINS - 1)


def feel_bins(values: Tensor) -> Tensor:
    """(n, len(FEEL)) bins of measured values in the order of FEEL; -1 where a value is NaN."""
    low = torch.tensor([-1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    high = torch.tensor([1.0, 1.0, 10.0, 1.0, 3.0, 3.0])
    share = ((values - low) / (high - low)).clamp(0.0, 1.0)
    bins = (share * FEEL_BINS).floor().clamp(max=FEEL_BINS - 1)
    return torch.where(values.isnan(), -1.0, bins).long()


class FeatureLayout:
    """Rows of one embedding table shared by many small features: each named feature has its own stretch."""

    def __init__(self, **sizes: int) -> None:
        self.sizes = sizes
        self.offsets = {}
        self.rows = 0
        for name, size in sizes.items():
            self.offsets[name] = self.rows
            self.rows += size

    def index(self, **values: Tensor) -> Tensor:
        """(..., n_features) rows of the table; every feature must be given, each (...) of the same shape."""
        rows = [values[name].clamp(0, size - 1) + self.offsets[name] for name, size in self.sizes.items()]
        return torch.stack(rows, -1)


def _each_lag(name: str, size: int) -> dict[str, int]:
    return {f"{name}{lag}": size for lag in range(N_LAGS)}


def per_lag(name: str, values: Tensor) -> dict[str, Tensor]:
    """(n, asked, N_LAGS) as one named feature a lag."""
    return {f"{name}{lag}": values[..., lag] for lag in range(N_LAGS)}


INPUT = FeatureLayout(
    place=MAX_BAR_STEPS + 1, bar=MAX_BARS + 1, left=MAX_BARS + 1, pitch=257, degree=13, interval=N_NEAR,
    length=N_LENGTHS + 1, delta=N_DELTAS, rank=MAX_RANK + 1, low=N_NEAR, high=N_NEAR, held=MAX_HELD + 1,
    **_each_lag("follow_pitch", N_NEAR), **_each_lag("follow_delta", FOLLOW_DELTAS), **_each_lag("was", N_NEAR),
    chord=N_CHORDS, next_chord=N_CHORDS, above_chord=13,
    meter=len(METERS), instrument=len(GENERATED_INSTRUMENTS), tonic=13, minor=3,
    tempo=TEMPO_BINS + 1, density=DENSITY_BINS + 1, register=REGISTER_BINS + 1, genre=65,
    **dict.fromkeys(FEEL, FEEL_BINS + 1), owed=2 * OWED + 2,
    thickness=len(THICKNESS) + 2, reach=REACH_BINS + 1, plan=N_PLANS, next_plan=N_PLANS,
)  # fmt: skip
"""What is told of the last note written, the place it stands at and the request."""
CONTEXT = FeatureLayout(
    delta=N_DELTAS, place=MAX_BAR_STEPS + 1, bar=MAX_BARS + 1, rank=MAX_RANK + 1, low=N_NEAR, high=N_NEAR,
    own_low=N_NEAR, older=N_NEAR, held=MAX_HELD + 1, held_low=N_NEAR, chord=N_CHORDS,
    **_each_lag("was", N_NEAR), register=N_NEAR, mean=N_NEAR, plan=N_PLANS,
)  # fmt: skip
"""What is told beside the hidden state once the next onset is known."""
SHAPE = FeatureLayout(
    interval=N_NEAR, pitch=257, degree=13, place=MAX_BAR_STEPS + 1, same=2**N_LAGS, **_each_lag("length", N_LENGTHS + 1)
)
"""What is told once the pitch is known too."""
