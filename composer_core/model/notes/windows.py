"""Takes as flat arrays, and the windows of whole bars that training and tests cut from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from composer_core.model.notes import features as f
from composer_core.model.notes.features import Request, Written
from composer_core.music.chords import QUALITIES
from composer_core.music.instruments import GENERATED_INSTRUMENTS, PITCH_RANGE

IntArray = NDArray[np.int64]
MIN_NOTES = 4
FIELDS = ("tempo", "density", "register", "genre")
"""Fields of a request that are hidden one by one in training; the key is one field of two numbers."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Snapped takes of one instrument, one after another, as packed: notes by `first` (n_takes + 1,), keys and chords
    of bars by `first_bar`. Onsets and lengths are in steps of a 12th of a quarter, pitches as they sound."""

    instrument: str
    arrays: Mapping[str, IntArray]

    def digest(self) -> str:
        """SHA-256 of every array: two packs with the same digest hold the same music."""
        total = hashlib.sha256()
        for name in sorted(self.arrays):
            total.update(np.ascontiguousarray(self.arrays[name]).tobytes())
        return total.hexdigest()

    def windows(self, bars: int, hop: int, part: str) -> IntArray:
        """(n, 3) take, first bar and bars of the windows of a part that have no empty bar and enough notes."""
        found = []
        arrays = self.arrays
        for take in np.flatnonzero(arrays["part"] == part):
            filled = np.zeros(int(arrays["bars"][take]) + 1, np.int64)
            notes = slice(arrays["first"][take], arrays["first"][take + 1])
            number = arrays["onset"][notes] // arrays["bar_steps"][take]
            filled[1:] = np.cumsum(np.bincount(number, minlength=len(filled) - 1)[: len(filled) - 1] > 0)
            starts = np.arange(0, len(filled) - bars, hop)
            whole = starts[filled[starts + bars] - filled[starts] == bars]
            found += [(take, start, bars) for start in whole.tolist()]
        return np.array(found, np.int64).reshape(-1, 3)


def read_takes(path: Path, instrument: str) -> Takes:
    """Packed takes; nothing in the file can run code."""
    with np.load(path, allow_pickle=False) as arrays:
        return Takes(instrument, {name: arrays[name] for name in arrays.files})


@dataclass(frozen=True, slots=True)
class Heard:
    """What was measured on n windows: `feel` (n, len(FEEL)), NaN where unknown, and `technique` (n, n_techniques)."""

    feel: NDArray[np.float32]
    technique: NDArray[np.float32]

    @classmethod
    def nothing(cls, n: int, techniques: int = 0) -> Heard:
        """Nothing known of n windows."""
        return cls(np.full((n, len(f.FEEL)), np.nan, np.float32), np.zeros((n, techniques), np.float32))


class NoteWindows:
    """Windows of one instrument, measured: what a batch is cut from."""

    def __init__(self, takes: Takes, windows: IntArray, genres: Sequence[str], heard: Heard | None = None) -> None:
        self.takes, self.genres = takes, tuple(genres)
        heard = heard or Heard.nothing(len(windows))
        spans = [self._span(*row) for row in windows.tolist()]
        enough = np.array([last - first >= MIN_NOTES for first, last in spans], bool)
        self.windows = windows[enough]
        self.spans = np.array(spans, np.int64).reshape(-1, 2)[enough]
        self._measure()
        self.heard = Heard(heard.feel[enough], heard.technique[enough])

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def count(self) -> IntArray:
        """Notes of each window."""
        notes: IntArray = self.spans[:, 1] - self.spans[:, 0]
        return notes

    @property
    def song(self) -> IntArray:
        """The song of each window."""
        songs: IntArray = self.takes.arrays["song"][self.windows[:, 0]]
        return songs

    def subset(self, index: IntArray) -> NoteWindows:
        """The windows an index picks."""
        heard = Heard(self.heard.feel[index], self.heard.technique[index])
        return NoteWindows(self.takes, self.windows[index], self.genres, heard)

    def _span(self, take: int, start: int, bars: int) -> tuple[int, int]:
        arrays = self.takes.arrays
        first, last = int(arrays["first"][take]), int(arrays["first"][take + 1])
        step = int(arrays["bar_steps"][take])
        onset = arrays["onset"][first:last]
        low, high = np.searchsorted(onset, [start * step, (start + bars) * step])
        return first + int(low), first + int(high)

    def _measure(self) -> None:
        """Key, density, register and pitch limits of each window."""
        arrays, n = self.takes.arrays, len(self.windows)
        self.key = np.zeros((n, 2), np.int64)
        self.density, self.register = np.zeros(n), np.zeros(n)
        self.limits = np.zeros((n, 2), np.int64)
        self.thickness = np.zeros(n, np.int64)
        self.plan = np.zeros((n, f.MAX_BARS), np.int64)
        for row, ((take, start, bars), (first, last)) in enumerate(zip(self.windows, self.spans, strict=True)):
            bar = int(arrays["first_bar"][take]) + start
            codes = arrays["root"][bar : bar + bars].astype(np.int64) * 2 + arrays["minor"][bar : bar + bars]
            self.key[row] = divmod(int(np.bincount(codes).argmax()), 2)
            onset, pitch = arrays["onset"][first:last], arrays["pitch"][first:last]
            quarters = bars * int(arrays["bar_steps"][take]) / 12
            n_onsets = len(np.unique(onset))
            self.density[row] = n_onsets / quarters
            self.thickness[row] = int(np.searchsorted(f.THICKNESS, (last - first) / n_onsets))
            step = int(arrays["bar_steps"][take])
            self.plan[row, :bars] = plan_of(onset - int(start) * step, pitch, step, int(bars))
            self.register[row], self.limits[row] = pitch.mean(), (pitch.min(), pitch.max())

    def written(self, index: IntArray, shift: IntArray) -> Written:
        """Notes of some windows, transposed by `shift` (n,) semitones."""
        arrays = self.takes.arrays
        count = self.count[index]
        slots = int(count.max()) + 1
        onset = np.full((len(index), slots), f.FAR, np.int64)
        pitch, length = np.zeros_like(onset), np.ones_like(onset)
        for row, chosen in enumerate(index):
            first, last = self.spans[chosen]
            take, start, _ = self.windows[chosen]
            n = last - first
            onset[row, :n] = arrays["onset"][first:last] - start * int(arrays["bar_steps"][take])
            pitch[row, :n] = arrays["pitch"][first:last].astype(np.int64) + shift[row]
            length[row, :n] = arrays["length"][first:last]
        classes = f.length_classes(torch.from_numpy(length))
        return Written(torch.from_numpy(onset), torch.from_numpy(pitch), classes, torch.from_numpy(count))

    def request(self, index: IntArray, shift: IntArray) -> Request:
        """The whole request of some windows, as they were played, transposed by `shift` (n,) semitones."""
        arrays, windows = self.takes.arrays, self.windows[index]
        take, drums = windows[:, 0], self.takes.instrument == "drums"
        n = len(index)
        number = GENERATED_INSTRUMENTS.index(self.takes.instrument)
        nothing = np.full(n, -1, np.int64)
        genre_number = {code: position for position, code in enumerate(self.genres)}
        tonic = nothing if drums else (self.key[index, 0] + shift) % 12
        register = torch.from_numpy(self.register[index] + shift)
        return Request(
            instrument=torch.full((n,), number),
            meter=torch.tensor([f.meter_number(text) for text in arrays["meter"][take].tolist()]),
            bar_steps=torch.from_numpy(arrays["bar_steps"][take].astype(np.int64)),
            bars=torch.from_numpy(windows[:, 2]),
            tonic=torch.from_numpy(tonic),
            minor=torch.from_numpy(nothing if drums else self.key[index, 1]),
            tempo=f.tempo_bin(torch.from_numpy(arrays["tempo_bpm"][take])),
            density=f.density_bin(torch.from_numpy(self.density[index])),
            register=torch.from_numpy(nothing) if drums else f.register_bin(register),
            genre=torch.tensor([genre_number.get(code, -1) for code in arrays["genre"][take].tolist()]),
            chords=self._chords(windows, shift),
            feel=f.feel_bins(torch.from_numpy(self.heard.feel[index])),
            technique=torch.from_numpy(self.heard.technique[index]),
            thickness=torch.from_numpy(self.thickness[index]),
            reach=torch.from_numpy(((self.limits[index, 1] - self.limits[index, 0]) // 4).clip(0, f.REACH_BINS - 1)),
            plan=torch.from_numpy(self.plan[index]),
        )

    def _chords(self, windows: IntArray, shift: IntArray) -> Tensor:
        """(n, MAX_BARS) chords as they sound after transposition."""
        arrays = self.takes.arrays
        rows = np.zeros((len(windows), f.MAX_BARS), np.int64)
        for row, (take, start, bars) in enumerate(windows):
            first = int(arrays["first_bar"][take]) + start
            rows[row, :bars] = arrays["chord"][first : first + bars]
        root, quality = np.divmod(rows - 1, len(QUALITIES))
        moved = 1 + (root + shift[:, None]) % 12 * len(QUALITIES) + quality
        return torch.from_numpy(np.where(rows > 0, moved, 0))


def plan_of(onset: IntArray, pitch: IntArray, bar_steps: int, bars: int) -> list[int]:
    """What each bar is to the bars before it: the code of the one it has most notes in common with, else of rhythm."""
    bar, place = onset // bar_steps, onset % bar_steps
    notes: list[set[int]] = [set() for _ in range(bars)]
    for number, key in zip(bar.tolist(), (place * 128 + pitch).tolist(), strict=True):
        notes[number].add(key)
    rhythm = [{key // 128 for key in own} for own in notes]
    return [_plan_of_bar(number, notes, rhythm) for number in range(bars)]


def _plan_of_bar(number: int, notes: list[set[int]], rhythm: list[set[int]]) -> int:
    backs = range(1, min(number, 4) + 1)
    alike = {back: _in_common(notes[number], notes[number - back]) for back in backs}
    best = max(alike, key=lambda back: (alike[back], -back), default=0)
    if best and alike[best] >= f.PLAN_VARIED:
        return (f.SAME_BAR if alike[best] >= f.PLAN_SAME else f.VARIED_BAR) + best - 1
    for back in backs:
        if _in_common(rhythm[number], rhythm[number - back]) >= f.PLAN_RHYTHM:
            return f.SAME_RHYTHM + back - 1
    return f.NEW_BAR


def _in_common(a: set[int], b: set[int]) -> float:
    return len(a & b) / max(1, len(a | b))


def random_shifts(windows: NoteWindows, index: IntArray, reach: int, rng: np.random.Generator) -> IntArray:
    """A transposition for each window by at most `reach` semitones that its instrument can still play."""
    if windows.takes.instrument == "drums" or not reach:
        return np.zeros(len(index), np.int64)
    low, high = PITCH_RANGE[windows.takes.instrument]
    down = np.minimum(0, np.maximum(-reach, low - windows.limits[index, 0]))
    up = np.maximum(0, np.minimum(reach, high - windows.limits[index, 1]))
    return np.asarray(rng.integers(down, up + 1), np.int64)


def draw_batch(windows: NoteWindows, notes: int, rng: np.random.Generator) -> IntArray:
    """Windows of similar length with about `notes` notes together, drawn at random."""
    few = max(4, notes // max(1, int(windows.count.mean())))
    drawn = rng.integers(0, len(windows), 8 * few)
    drawn = drawn[np.argsort(windows.count[drawn], kind="stable")]
    start = int(rng.integers(0, len(drawn)))
    if start > len(drawn) - few // 2:
        start = max(0, len(drawn) - few)
    padded = np.maximum.accumulate(windows.count[drawn[start:]] + 1) * np.arange(1, len(drawn) - start + 1)
    return drawn[start : start + max(1, int(np.searchsorted(padded, notes * 1.15)))]


def hide(
    request: Request, rng: np.random.Generator, one: float = 0.15, every: float = 0.1, chords: float = 0.5
) -> Request:
    """Leave fields open at random: each with `one`, all of a window's with `every`, its chords with `chords`."""
    n = len(request.bars)
    everything = torch.from_numpy(rng.random(n) < every)

    def hidden(rate: float) -> Tensor:
        """(n,) True where a field is left open."""
        return torch.from_numpy(rng.random(n) < rate) | everything

    changed = {name: torch.where(hidden(one), -1, getattr(request, name)) for name in FIELDS}
    no_key, no_chords = hidden(one / 2), hidden(chords)
    changed["tonic"] = torch.where(no_key, -1, request.tonic)
    changed["minor"] = torch.where(no_key, -1, request.minor)
    open_feel = torch.from_numpy(rng.random(request.feel.shape) < one) | everything.unsqueeze(1)
    changed["feel"] = torch.where(open_feel, -1, request.feel)
    no_thickness, no_reach, no_plan = (hidden(chords) for _ in range(3))
    changed["thickness"] = torch.where(no_thickness, -1, request.thickness)
    changed["reach"] = torch.where(no_reach, -1, request.reach)
    changed["plan"] = torch.where(no_plan.unsqueeze(1), 0, request.plan)
    no_technique = hidden(one).unsqueeze(1)
    changed["technique"] = torch.where(no_technique, torch.zeros_like(request.technique), request.technique)
    changed["chords"] = torch.where((no_chords | no_key).unsqueeze(1), 0, request.chords)
    return Request(**{name: changed.get(name, getattr(request, name)) for name in Request.__slots__})
