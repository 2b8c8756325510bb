"""From takes to training windows: snap, encode, cut, and measure what each window's condition was.

The condition of a training window is measured on the window as it was played: tempo, onset
density, syncopation, register, complexity, valence and arousal (the documented estimator),
techniques (the documented rules), the take's swing, key and chords of the song's pitched
parts together, and the genre its data set or a curator gave it. What is not known is left
'not given'. Pitches are written as if the tonic were C.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import NotFound
from composer_core.estimate import estimate_affect
from composer_core.estimate.technique import suggest_technique
from composer_core.metrics import measure
from composer_core.music.condition import ASK_METERS, COMPLEXITY_FULL
from composer_core.music.genre import family_of
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK
from composer_core.pipeline.songs import Harmony, harmonies, stretch_of
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import atomic_writer
from composer_core.tokens.snap import SnapResult, snap_loop
from composer_core.tokens.vocab import MAX_QUARTERS_PER_BAR, Vocabulary, is_note, loop_to_bars, mix_up

if TYPE_CHECKING:
    from composer_core.model.conditions import Asked
    from composer_core.model.config import TrainConfig
    from composer_core.model.data import WindowSet
    from composer_core.model.train import TrainingData

VALIDATION_BARS = 4
WINDOW_HOPS = ((4, 1), (8, 4), (2, 2), (1, 4))
"""(bars, hop in bars) of the training windows: four-bar loops most, the other lengths beside them."""
DEV_SHARE = 20
"""One training take in this many is kept out to stop by, chosen by the digest of its name."""
DEV_WINDOWS = 40
"""Where training windows are limited, one window is kept to stop by for this many."""
PARTS = ("train", "dev", "validation")
MIN_TECHNIQUE_WINDOWS = 20
"""Techniques seen in fewer training windows get no embedding."""
COMMON_METERS = (*ASK_METERS, "2/2")
Bars = list[list[str]]


@dataclass(frozen=True, slots=True)
class Take:
    """One source take, snapped, with the harmony of its song (None for drums)."""

    name: str
    part: str
    played: Loop
    snap: SnapResult
    genre: Mapping[str, float]
    harmony: Harmony | None = None
    _written: dict[int, Bars] = field(default_factory=dict)

    @property
    def instrument(self) -> str:
        """What plays it."""
        return self.played.instrument

    @property
    def bars(self) -> Bars:
        """Base tokens of every bar as it sounds, without a merge."""
        return self.written(0)

    def shift(self, start: int, bars: int) -> int:
        """Semitones that a window's tonic lies above C; 0 for drums."""
        return self.harmony.key_of(start, bars).shift if self.harmony is not None else 0

    def window(self, start: int, bars: int) -> Bars:
        """Base tokens of a window, written with its tonic on C."""
        return self.written(self.shift(start, bars))[start : start + bars]

    def written(self, shift: int) -> Bars:
        """Base tokens of every bar, transposed down by `shift` semitones."""
        if shift not in self._written:
            loop = self.snap.loop
            moved = loop.with_notes(loop.notes.with_columns(pitch=loop.notes.pitch - shift)) if shift else loop
            self._written[shift] = loop_to_bars(moved)
        return self._written[shift]


def part_of(loop: Loop) -> str:
    """Which part a take belongs to: its data set's split, else by the digest of its source; dev out of train."""
    digest = int(hashlib.sha256(loop.source.encode()).hexdigest(), 16)
    split = loop.extra.get("split")
    if split in ("validation", "test") or (split is None and digest % 10 == 0):
        return "validation"
    return "dev" if digest // 10 % DEV_SHARE == 0 else "train"


def genre_of(loop: Loop) -> Mapping[str, float]:
    """Genre weights of a take: a curator's, else its data set's style; empty when neither is known."""
    if "genre" in loop.extra:
        return dict(loop.extra["genre"])
    style = loop.extra.get("style")
    return {vocabularies().genre_of_source("gmd", style): 1.0} if style else {}


def prepare_takes(loops: Sequence[Loop], instruments: Sequence[str] | None = None) -> list[Take]:
    """Snap every take of the instruments that holds a note; bars too long for the language are left out.

    `loops` are best all parts of their songs: keys and chords are found on them together.
    """
    found = harmonies(loops)
    takes = []
    for loop in loops:
        fits = loop.instrument in (instruments or GENERATED_INSTRUMENTS)
        if fits and len(loop.notes) and loop.meter.quarters_per_bar <= MAX_QUARTERS_PER_BAR:
            harmony = None if loop.is_drums else found[stretch_of(loop)]
            takes.append(Take(loop.source, part_of(loop), loop, snap_loop(loop), genre_of(loop), harmony))
    return takes


def window_of(loop: Loop, start: int, bars: int) -> Loop:
    """Bars `start` to `start + bars` of a played take as a loop of its own; early downbeats come along."""
    first, last = start * loop.meter.bar_tick, (start + bars) * loop.meter.bar_tick
    onset = loop.notes.onset_tick
    notes = loop.notes.select((onset >= first - EARLY_TICK) & (onset < last - EARLY_TICK))
    return loop.with_notes(notes.with_columns(onset_tick=notes.onset_tick - first), bars=bars, tempo_events=())


def measured_condition(take: Take, start: int, bars: int) -> dict[str, float | None]:
    """Continuous condition fields of a window, as it was played."""
    window = window_of(take.played, start, bars)
    return _continuous(take, window, measure(window))


def _continuous(take: Take, window: Loop, metrics: Mapping[str, float]) -> dict[str, float | None]:
    valence, arousal = estimate_affect(metrics, window.instrument)
    return {
        "tempo_bpm": window.tempo_bpm,
        "density": metrics["onset_density"],
        "valence": valence,
        "arousal": arousal,
        "swing_8": take.snap.swing_ratio if take.snap.swing_grid == 8 else 1.0,
        "swing_16": take.snap.swing_ratio if take.snap.swing_grid == 16 else 1.0,
        "syncopation": metrics["syncopation"],
        "register": metrics.get("register"),
        "complexity": complexity(metrics),
    }


def complexity(metrics: Mapping[str, float]) -> float | None:
    """0 to 1: mean of rhythmic variety, syncopation and change from bar to bar, each as a share of plenty.

    ioi_entropy / 3 bits, syncopation / 8 levels a bar (both at most 1) and 1 - groove_consistency;
    those that are undefined are left out, None where all are.
    """
    parts = [min(1.0, metrics[name] / full) for name, full in COMPLEXITY_FULL.items()]
    parts.append(1.0 - metrics["groove_consistency"])
    known = [value for value in parts if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def asked_of_window(take: Take, start: int, bars: int) -> Asked:
    """The whole condition of a window, as it was played."""
    from composer_core.model.conditions import Asked

    window = window_of(take.played, start, bars)
    metrics = measure(window)
    continuous = _continuous(take, window, metrics)
    known = vocabularies().techniques.get(take.instrument, {})
    seen = suggest_technique(window, metrics, known)
    techniques = tuple(seen.value) if seen is not None else ()
    shared = (continuous, take.played.meter, bars, take.genre, take.instrument)
    if take.harmony is None:
        return Asked(*shared, techniques=techniques)
    register = continuous["register"]
    continuous["register"] = register - take.shift(start, bars) if register is not None else None
    key, chords = take.harmony.key_of(start, bars), take.harmony.chords[start : start + bars]
    return Asked(*shared, key=key, techniques=techniques, chords=chords)


def windows_of(take: Take, training: bool) -> list[tuple[int, int]]:
    """(first bar, bars) of a take's windows: overlapping for training, side by side otherwise.

    For training only windows without an empty bar, which no generated loop has.
    """
    n = len(take.bars)
    if not training:
        return [(start, min(VALIDATION_BARS, n - start)) for start in range(0, n, VALIDATION_BARS)]
    filled = np.cumsum([0, *(len(bar) > 1 for bar in take.bars)])
    found = [(start, bars) for bars, hop in WINDOW_HOPS for start in range(0, n - bars + 1, hop)]
    return [(start, bars) for start, bars in found if filled[start + bars] - filled[start] == bars]


def spread(counts: Sequence[int], most: int) -> int:
    """The largest cap for which the counts, none above it, add up to no more than `most` (at least 1)."""
    low, high = 1, max(counts, default=1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sum(min(n, middle) for n in counts) <= most else (low, middle - 1)
    return low


def limited_windows(takes: Sequence[Take], training: bool, most: int) -> list[list[tuple[int, int]]]:
    """The windows of each take; of each instrument no more than about `most` (0: all), long songs giving first.

    What a take keeps is spaced evenly, so that no song and no part of one outweighs the others.
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


def build_training_data(
    loops: Sequence[Loop], config: TrainConfig, progress: Callable[[str], None] = lambda _: None
) -> TrainingData:
    """Everything a training run needs. NotFound when the takes hold no notes to train or to stop by."""
    from composer_core.model.config import SHARED
    from composer_core.model.train import TrainingData

    instruments = GENERATED_INSTRUMENTS if config.instrument == SHARED else (config.instrument,)
    takes = prepare_takes(loops, instruments)
    if config.asked_meters:
        takes = [take for take in takes if str(take.played.meter) in COMMON_METERS]
    by_part = {part: [take for take in takes if take.part == part] for part in PARTS}
    # A handful of takes may leave a part empty: better a few shared takes than no way to stop.
    by_part["dev"] = by_part["dev"] or by_part["validation"] or by_part["train"][-1:]
    if not by_part["train"]:
        raise NotFound("no_notes", path="the data", instrument=config.instrument, purpose="train on")
    progress(f"{len(takes)} takes: " + ", ".join(f"{len(by_part[part])} {part}" for part in PARTS))
    most = config.windows_an_instrument
    rows = {"train": _measured_windows(by_part["train"], True, most)}
    rows["dev"] = _measured_windows(by_part["dev"], False, -(-most // DEV_WINDOWS) if most else 0)
    vocabulary, genres, techniques = _language(config, rows["train"], by_part["train"])
    sets = {part: encode(rows[part], vocabulary, genres, techniques) for part in PARTS[:2]}
    train = with_spoilt(sets["train"], rows["train"], vocabulary, config.damaged, config.seed)
    progress(f"{len(train)} windows, {len(vocabulary)} tokens")
    facts = {
        "takes": {part: len(by_part[part]) for part in PARTS},
        "windows": dict(Counter(row.take.instrument for row in rows["train"])),
        "meters": _meters(rows["train"]),
        "data_digest": train.digest(),
    }
    return TrainingData(train, sets["dev"], vocabulary, genres, facts, techniques)


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """A window of a take (index `number` among them), its base tokens and its condition."""

    take: Take
    number: int
    bars: Bars
    asked: Asked


def _measured_windows(takes: Sequence[Take], training: bool, most: int) -> list[MeasuredWindow]:
    """Every window that holds a note, measured."""
    found = []
    for number, (take, windows) in enumerate(zip(takes, limited_windows(takes, training, most), strict=True)):
        for start, length in windows:
            bars = take.window(start, length)
            if any(len(bar) > 1 for bar in bars):
                found.append(MeasuredWindow(take, number, bars, asked_of_window(take, start, length)))
    return found


def _language(
    config: TrainConfig, rows: Sequence[MeasuredWindow], takes: Sequence[Take]
) -> tuple[Vocabulary, tuple[str, ...], tuple[str, ...]]:
    """Vocabulary, genres and techniques: those of the model to start from, else learnt from the windows."""
    from composer_core.model.checkpoint import load_model
    from composer_core.model.config import SHARED

    if config.start:
        start = load_model(Path(config.start))
        return start.vocabulary, start.composer.config.genres, start.composer.config.techniques
    kind = "shared" if config.instrument == SHARED else "drums" if config.instrument == "drums" else "pitched"
    seen: set[tuple[int, int]] = set()
    bars = []
    for row in rows:
        bars += [bar for bar in row.bars if (id(row.take), id(bar)) not in seen]
        seen |= {(id(row.take), id(bar)) for bar in row.bars}
    counts = Counter(f"{row.take.instrument}:{code}" for row in rows for code in row.asked.techniques)
    techniques = tuple(sorted(name for name, count in counts.items() if count >= MIN_TECHNIQUE_WINDOWS))
    return Vocabulary.train(bars, kind, config.merges), genre_codes(takes), techniques


def _meters(rows: Sequence[MeasuredWindow]) -> dict[str, dict[str, int]]:
    """How many windows each instrument has of each metre: what says that one is rare."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        meter = str(row.take.played.meter)
        counts.setdefault(row.take.instrument, Counter())["4/4" if meter == "2/2" else meter] += 1
    return {instrument: dict(found) for instrument, found in counts.items()}


def genre_codes(takes: Sequence[Take]) -> tuple[str, ...]:
    """Codes a model learns: every family and sub-style its training takes carry."""
    codes = {code for take in takes for code in take.genre}
    return tuple(sorted(codes | {family_of(code) for code in codes}))


def encode_windows(
    takes: Sequence[Take],
    vocabulary: Vocabulary,
    genres: Sequence[str],
    training: bool,
    techniques: Sequence[str] = (),
    most: int = 0,
) -> WindowSet:
    """The windows of some takes as token ids with their measured conditions; windows without a note are left out."""
    rows = _measured_windows(takes, training, most)
    return encode(rows, vocabulary, genres, techniques, [take.name for take in takes])


def encode(
    rows: Sequence[MeasuredWindow],
    vocabulary: Vocabulary,
    genres: Sequence[str],
    techniques: Sequence[str],
    names: Sequence[str] | None = None,
) -> WindowSet:
    """Measured windows as token ids and condition arrays."""
    from dataclasses import replace

    from composer_core.model.conditions import condition_rows
    from composer_core.model.data import WindowSet

    def known(row: MeasuredWindow) -> Asked:
        genre = {code: w for code, w in row.asked.genre.items() if code in genres or family_of(code) in genres}
        return replace(row.asked, genre=genre)

    if names is None:
        by_number = {row.number: row.take.name for row in rows}
        names = [by_number.get(number, "") for number in range(max(by_number, default=-1) + 1)]
    return WindowSet(
        [_ids(row.bars, vocabulary) for row in rows],
        condition_rows([known(row) for row in rows], genres, techniques),
        np.array([sum(is_note(token) for bar in row.bars for token in bar) for row in rows], dtype=np.int64),
        np.array([row.number for row in rows], dtype=np.int64),
        list(names),
        vocabulary.bar_starts,
        np.zeros(len(rows), dtype=np.bool_),
    )


def _ids(bars: Bars, vocabulary: Vocabulary) -> Any:
    body = [token for bar in bars for token in vocabulary.encode_bar(bar)]
    return np.array([vocabulary.bos, *body, vocabulary.eos], dtype=np.int32)


def with_spoilt(
    windows: WindowSet, rows: Sequence[MeasuredWindow], vocabulary: Vocabulary, share: float, seed: int
) -> WindowSet:
    """The windows and, for a share of them, a copy whose pitches changed places, for the quality head."""
    from composer_core.model.data import WindowSet

    rng = np.random.default_rng([seed, 0xBAD])
    chosen = np.sort(rng.choice(len(rows), round(share * len(rows)), replace=False))
    both = np.concatenate([np.arange(len(rows)), chosen])
    copies = [_ids(mix_up(rows[i].bars, rng), vocabulary) for i in chosen]
    marked = np.concatenate([np.zeros(len(rows), np.bool_), np.ones(len(chosen), np.bool_)])
    return WindowSet(
        [*windows.sequences, *copies],
        windows.conditions.take(both),
        windows.n_notes[both],
        windows.take[both],
        windows.take_names,
        windows.bar_starts,
        marked,
    )


def save_training_data(path: Path, data: TrainingData) -> None:
    """Keep prepared data in a run folder, so that resuming need not prepare it again."""
    arrays: dict[str, Any] = {}
    for part, windows in (("train", data.train), ("dev", data.validation)):
        arrays[f"{part}.ids"] = np.concatenate(windows.sequences)
        arrays[f"{part}.lengths"] = np.array([len(sequence) for sequence in windows.sequences])
        arrays[f"{part}.names"] = np.array(windows.take_names, dtype=np.str_)
        for name in _WINDOW_ARRAYS:
            arrays[f"{part}.{name}"] = getattr(windows, name)
        for name in type(windows.conditions).__slots__:
            arrays[f"{part}.condition.{name}"] = getattr(windows.conditions, name)
    with atomic_writer(path) as stream:
        np.savez_compressed(stream, **arrays)


_WINDOW_ARRAYS = ("n_notes", "take", "bar_starts", "spoilt")


def load_windows(path: Path) -> dict[str, WindowSet]:
    """The parts `save_training_data` kept, by name."""
    from composer_core.model.conditions import ConditionArrays
    from composer_core.model.data import WindowSet

    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for part in ("train", "dev"):
            lengths = arrays[f"{part}.lengths"]
            sequences = np.split(arrays[f"{part}.ids"], np.cumsum(lengths)[:-1])
            conditions = ConditionArrays(*(arrays[f"{part}.condition.{n}"] for n in ConditionArrays.__slots__))
            n_notes, take, bar_starts, spoilt = (arrays[f"{part}.{name}"] for name in _WINDOW_ARRAYS)
            names = arrays[f"{part}.names"].tolist()
            found[part] = WindowSet(sequences, conditions, n_notes, take, names, bar_starts, spoilt)
    return found
