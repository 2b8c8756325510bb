"""Source parts: snap takes to the grid, find keys and chords of their song, cut windows and measure them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.technique.rules import suggest_technique
from composer_core.metrics import measure
from composer_core.music.chords import Chord, chords_of, pitch_class_weights
from composer_core.music.condition_fields import ASK_METERS, FIELD, SLOTS, SWING_GRIDS
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.key import Key
from composer_core.music.key_finding import keys_of_bars
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK
from composer_core.pipeline.measured_fields import measured_fields
from composer_core.pipeline.training.labelled import from_tonic, hides_key, labelled_key, labels_of, techniques_of
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.tokens.snap import SnapResult, snap_loop
from composer_core.tokens.vocab import MAX_QUARTERS_PER_BAR, loop_to_bars

if TYPE_CHECKING:
    from composer_core.model.composer.conditions import WindowCondition


@dataclass(frozen=True, slots=True)
class SongHarmony:
    """The key and chord of each bar of a stretch of a song; the chord is None where none was recognised."""

    keys: tuple[Key, ...]
    chords: tuple[Chord | None, ...]

    def key_of(self, start: int, bars: int) -> Key:
        """The key of most of these bars; of two equally frequent keys the earlier one."""
        return Counter(self.keys[start : start + bars]).most_common(1)[0][0]


Stretch = tuple[str, int, str]


def stretch_of(loop: Loop) -> Stretch:
    """The stretch that a part belongs to: its song, its first bar, and its metre, by which bars are counted.

    Parts that sound together share it.
    """
    return loop.source, loop.start_bar, str(loop.meter)


def harmonies(loops: Sequence[Loop]) -> dict[Stretch, SongHarmony]:
    """The harmony of every stretch, computed from all its pitched loops."""
    together: dict[Stretch, list[Loop]] = defaultdict(list)
    for loop in loops:
        if not loop.is_drums and len(loop.notes):
            together[stretch_of(loop)].append(loop)
    return {stretch: _harmony(parts) for stretch, parts in together.items()}


def _harmony(parts: Sequence[Loop]) -> SongHarmony:
    bars, bar_tick = max(part.bars for part in parts), parts[0].meter.bar_tick
    keys = keys_of_bars(_weights(parts, bars))
    return SongHarmony(tuple(keys), tuple(chords_of([part.notes for part in parts], bars, bar_tick)))


def _weights(parts: Sequence[Loop], bars: int) -> NDArray[np.float64]:
    """The pitch-class weights of each bar of some parts together, (bars, 12)."""
    weight = np.zeros((bars, 12))
    for part in parts:
        weight += pitch_class_weights(part.notes, bars, part.meter.bar_tick)[0]
    return weight


def _labelled_harmony(loop: Loop, found: SongHarmony) -> SongHarmony:
    """The harmony of the song, with the key that the labels of this loop say in all its bars."""
    key = labelled_key(labels_of(loop), lambda: _weights([loop], loop.bars).sum(axis=0))
    return found if key is None else SongHarmony((key,) * len(found.keys), found.chords)


VALIDATION_BARS = 4
WINDOW_HOPS = ((4, 1), (8, 4), (2, 2), (1, 4))
"""(bars, hop in bars) of the training windows: mostly four-bar loops, with the other lengths beside them."""
DEV_SHARE = 20
"""One training take in this many is set aside for early stopping, chosen by the digest of its name."""
PARTS = ("train", "dev", "validation")
COMMON_METERS = (*ASK_METERS, "2/2")
Bars = list[list[str]]


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One source take, snapped to the grid, with the harmony of its song (None for drums)."""

    name: str
    part: str
    played: Loop
    snap: SnapResult
    genre: Mapping[str, float]
    harmony: SongHarmony | None = None
    _written: dict[int, Bars] = field(default_factory=dict)
    _heard: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def heard_techniques(self) -> tuple[str, ...]:
        """The techniques that the rules hear in the whole take, found once."""
        if not self._heard:
            self._heard.append(_heard_techniques(self.played, measure(self.played)))
        return self._heard[0]

    @property
    def instrument(self) -> str:
        """The instrument that plays it."""
        return self.played.instrument

    @property
    def bars(self) -> Bars:
        """The base tokens of every bar as it sounds, without merges."""
        return self.written(0)

    @property
    def bars_on_c(self) -> Bars:
        """The base tokens of every bar, each written with the tonic of its own key on C."""
        if self.harmony is None:
            return self.bars
        keys = self.harmony.keys[: len(self.bars)]
        return [self.written(key.shift)[index] for index, key in enumerate(keys)]

    def shift(self, start: int, bars: int) -> int:
        """How many semitones the tonic of a window lies above C; 0 for drums."""
        return self.harmony.key_of(start, bars).shift if self.harmony is not None else 0

    def window(self, start: int, bars: int) -> Bars:
        """The base tokens of a window, written with its tonic on C."""
        return self.written(self.shift(start, bars))[start : start + bars]

    def written(self, shift: int) -> Bars:
        """The base tokens of every bar, transposed down by `shift` semitones."""
        if shift not in self._written:
            loop = self.snap.loop
            moved = loop.with_notes(loop.notes.with_columns(pitch=loop.notes.pitch - shift)) if shift else loop
            self._written[shift] = loop_to_bars(moved)
        return self._written[shift]


def part_of(loop: Loop) -> str:
    """The part of the split a take belongs to: train, dev or validation.

    The data set's own split decides, or else the digest of the source; dev takes are set aside from train.
    """
    digest = int(hashlib.sha256(loop.source.encode()).hexdigest(), 16)
    split = loop.extra.get("split")
    if split in ("validation", "test") or (split is None and digest % 10 == 0):
        return "validation"
    return "dev" if digest // 10 % DEV_SHARE == 0 else "train"


def genre_of(loop: Loop) -> Mapping[str, float]:
    """The genre weights of a take: those of its labels, or else of its data set; empty when neither is known."""
    labels = labels_of(loop)
    if "genre" in labels.values or "genre" in labels.refused:
        return labels.weights("genre")
    if "genre" in loop.extra:
        return dict(cast(Mapping[str, float], loop.extra["genre"]))
    style = loop.extra.get("style")
    return {vocabularies().genre_of_source("gmd", str(style)): 1.0} if style else {}


def prepare_takes(loops: Sequence[Loop], instruments: Sequence[str] | None = None) -> list[SourcePart]:
    """Snap every take of the instruments that has notes; takes with bars too long for the language are left out.

    `loops` should hold all parts of their songs, because keys and chords are found on all parts together.
    """
    found = harmonies(loops)
    takes = []
    for loop in loops:
        fits = loop.instrument in (instruments or GENERATED_INSTRUMENTS)
        if fits and len(loop.notes) and loop.meter.quarters_per_bar <= MAX_QUARTERS_PER_BAR:
            harmony = None if loop.is_drums else _labelled_harmony(loop, found[stretch_of(loop)])
            takes.append(SourcePart(loop.source, part_of(loop), loop, snap_loop(loop), genre_of(loop), harmony))
    return takes


def window_of(loop: Loop, start: int, bars: int) -> Loop:
    """Cut bars `start` to `start + bars` of a played take as a loop of its own, with their early downbeats."""
    first, last = start * loop.meter.bar_tick, (start + bars) * loop.meter.bar_tick
    onset = loop.notes.onset_tick
    notes = loop.notes.select((onset >= first - EARLY_TICK) & (onset < last - EARLY_TICK))
    return loop.with_notes(notes.with_columns(onset_tick=notes.onset_tick - first), bars=bars, tempo_events=())


def _continuous(take: SourcePart, window: Loop, metrics: Mapping[str, float], shift: int) -> dict[str, float | None]:
    """The encoder's numbers for a window as it was played.

    Pitches are given with the tonic on C; in the take it lies `shift` semitones higher.
    """
    values = measured_fields(metrics, window.instrument)
    for name, value in values.items():
        if FIELD[name].follows_key and value is not None:
            values[name] = value - shift
    values |= affect_of(window, (values["valence"], values["arousal"]))
    values["tempo_bpm"] = window.tempo_bpm
    for grid in SWING_GRIDS:
        values[f"swing_{grid}"] = take.snap.swing_ratio if take.snap.swing_grid == grid else 1.0
    return {slot.name: values[slot.name] for slot in SLOTS}


def affect_of(window: Loop, measured: tuple[float | None, float | None]) -> dict[str, float | None]:
    """Valence and arousal of a window: what the labels of its loop say, else as measured; None where people refused."""
    labels = labels_of(window)
    return {
        name: labels.number(name) if name in labels.values else None if name in labels.refused else value
        for name, value in zip(("valence", "arousal"), measured, strict=True)
    }


def measured_condition(take: SourcePart, start: int, bars: int) -> WindowCondition:
    """The complete condition of a window: what the labels of its loop say, and the rest as it was played."""
    from composer_core.model.composer.conditions import WindowCondition

    window = window_of(take.played, start, bars)
    metrics = measure(window)
    continuous = _continuous(take, window, metrics, take.shift(start, bars))
    labels = labels_of(take.played)
    techniques = techniques_of(labels, _heard_techniques(window, metrics), lambda: take.heard_techniques)
    shared = (continuous, take.played.meter, bars, take.genre, take.instrument)
    if take.harmony is None:
        return WindowCondition(*shared, techniques=techniques)
    key, chords = take.harmony.key_of(start, bars), take.harmony.chords[start : start + bars]
    if hides_key(labels):
        return WindowCondition(*shared, techniques=techniques, chords=from_tonic(chords, key))
    return WindowCondition(*shared, key=key, techniques=techniques, chords=chords)


def _heard_techniques(loop: Loop, metrics: Mapping[str, float]) -> tuple[str, ...]:
    """The techniques that the rules hear in a loop."""
    seen = suggest_technique(loop, metrics, vocabularies().techniques.get(loop.instrument, {}))
    return tuple(seen.codes) if seen is not None else ()


def windows_of(take: SourcePart, training: bool) -> list[tuple[int, int]]:
    """The windows of a take as (first bar, bars): overlapping for training, side by side otherwise.

    Training windows have no empty bar, because no generated loop has one.
    """
    n = len(take.bars)
    if not training:
        return [(start, min(VALIDATION_BARS, n - start)) for start in range(0, n, VALIDATION_BARS)]
    filled = np.cumsum([0, *(len(bar) > 1 for bar in take.bars)])
    found = [(start, bars) for bars, hop in WINDOW_HOPS for start in range(0, n - bars + 1, hop)]
    return [(start, bars) for start, bars in found if filled[start + bars] - filled[start] == bars]


def spread(counts: Sequence[int], most: int) -> int:
    """The largest cap (at least 1) such that the counts, each cut to it, add up to no more than `most`."""
    low, high = 1, max(counts, default=1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(n, middle) for n in counts) <= most else (low, middle - 1)
    return low


def limited_windows(takes: Sequence[SourcePart], training: bool, most: int) -> list[list[tuple[int, int]]]:
    """The windows of each take, at most about `most` per instrument (0: all); long songs lose windows first.

    The windows a take keeps are spaced evenly, so that no song and no part of one outweighs the others.
    """
    found = [windows_of(take, training) for take in takes]
    if not most:
        return found
    for instrument in {take.instrument for take in takes}:
        own = [i for i, take in enumerate(takes) if take.instrument == instrument]
        cap = spread([len(found[i]) for i in own], most)
        for i in own:
            if len(found[i]) > cap:
                found[i] = [found[i][j] for j in np.linspace(0, len(found[i]) - 1, cap).round().astype(int)]
    return found
