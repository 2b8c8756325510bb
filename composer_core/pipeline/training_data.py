"""From takes to training windows: snap, encode, cut, and measure what each window's condition was.

The condition of a training window is measured on the window as it was played: tempo, onset
density, valence and arousal (the documented first estimator), the take's swing, and the genre
its data set or a curator gave it. What is not known is left 'not given'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from composer_core.errors import NotFound
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.genre import family_of
from composer_core.music.loop import Loop
from composer_core.music.timing import EARLY_TICK, Meter
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import atomic_writer
from composer_core.tokens.snap import SnapResult, snap_loop
from composer_core.tokens.vocab import Vocabulary, loop_to_bars

if TYPE_CHECKING:
    from composer_core.model.config import TrainConfig
    from composer_core.model.data import WindowSet
    from composer_core.model.train import TrainingData

VALIDATION_BARS = 4
WINDOW_HOPS = ((4, 1), (8, 4), (2, 2), (1, 4))
"""(bars, hop in bars) of the training windows: four-bar loops most, the other lengths beside them."""
DEV_SHARE = 20
"""One training take in this many is kept out to stop by, chosen by the digest of its name."""
PARTS = ("train", "dev", "validation")


@dataclass(frozen=True, slots=True)
class Take:
    """One source take, snapped and encoded: base tokens of every bar, without a merge."""

    name: str
    part: str
    played: Loop
    snap: SnapResult
    bars: list[list[str]]
    genre: Mapping[str, float]


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


def prepare_takes(loops: Sequence[Loop]) -> list[Take]:
    """Snap and encode every take that holds a note."""
    takes = []
    for loop in loops:
        if len(loop.notes):
            snap = snap_loop(loop)
            takes.append(Take(loop.source, part_of(loop), loop, snap, loop_to_bars(snap.loop), genre_of(loop)))
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
    metrics = measure(window)
    valence, arousal = estimate_affect(metrics, window.instrument)
    swing_8 = take.snap.swing_ratio if take.snap.swing_grid == 8 else 1.0
    swing_16 = take.snap.swing_ratio if take.snap.swing_grid == 16 else 1.0
    return {
        "tempo_bpm": window.tempo_bpm,
        "density": metrics["onset_density"],
        "valence": valence,
        "arousal": arousal,
        "swing_8": swing_8,
        "swing_16": swing_16,
    }


def is_note(token: str) -> bool:
    """True for the base tokens that stand for one note each."""
    return token.startswith("Pitch")


def windows_of(take: Take, training: bool) -> list[tuple[int, int]]:
    """(first bar, bars) of a take's windows: overlapping for training, side by side otherwise."""
    n = len(take.bars)
    if not training:
        return [(start, min(VALIDATION_BARS, n - start)) for start in range(0, n, VALIDATION_BARS)]
    found = [(start, bars) for bars, hop in WINDOW_HOPS for start in range(0, n - bars + 1, hop)]
    return found or [(0, n)]


def build_training_data(
    loops: Sequence[Loop], config: TrainConfig, progress: Callable[[str], None] = lambda _: None
) -> TrainingData:
    """Everything a training run needs. NotFound when the takes hold no notes to train or to stop by."""
    from composer_core.model.train import TrainingData

    takes = prepare_takes(loops)
    by_part = {part: [take for take in takes if take.part == part] for part in PARTS}
    # A handful of takes may leave a part empty: better a few shared takes than no way to stop.
    by_part["dev"] = by_part["dev"] or by_part["validation"] or by_part["train"][-1:]
    if not by_part["train"]:
        raise NotFound("no_notes", path="the data", instrument=config.instrument, purpose="train on")
    progress(f"{len(takes)} takes: " + ", ".join(f"{len(by_part[part])} {part}" for part in PARTS))
    bars = [bar for take in by_part["train"] for bar in take.bars]
    vocabulary = Vocabulary.train(bars, config.instrument == "drums", config.merges)
    genres = genre_codes(by_part["train"])
    sets = {part: encode_windows(by_part[part], vocabulary, genres, part == "train") for part in PARTS[:2]}
    progress(f"{len(sets['train'])} windows, {len(vocabulary)} tokens")
    facts = {"takes": {part: len(by_part[part]) for part in PARTS}, "data_digest": sets["train"].digest()}
    return TrainingData(sets["train"], sets["dev"], vocabulary, genres, facts)


def genre_codes(takes: Sequence[Take]) -> tuple[str, ...]:
    """Codes a model learns: every family and sub-style its training takes carry."""
    codes = {code for take in takes for code in take.genre}
    return tuple(sorted(codes | {family_of(code) for code in codes}))


def encode_windows(takes: Sequence[Take], vocabulary: Vocabulary, genres: Sequence[str], training: bool) -> WindowSet:
    """The windows of some takes as token ids with their measured conditions; windows without a note are left out."""
    from composer_core.model.conditions import condition_rows
    from composer_core.model.data import WindowSet

    sequences: list[Any] = []
    rows: list[tuple[Mapping[str, float | None], Meter, int, Mapping[str, float]]] = []
    n_notes: list[int] = []
    source: list[int] = []
    for index, take in enumerate(takes):
        known = {code: weight for code, weight in take.genre.items() if code in genres or family_of(code) in genres}
        for start, bars in windows_of(take, training):
            tokens = take.bars[start : start + bars]
            count = sum(is_note(token) for bar in tokens for token in bar)
            if not count:
                continue
            body = [token for bar in tokens for token in vocabulary.encode_bar(bar)]
            sequences.append(np.array([vocabulary.bos, *body, vocabulary.eos], dtype=np.int32))
            rows.append((measured_condition(take, start, bars), take.snap.loop.meter, bars, known))
            n_notes.append(count)
            source.append(index)
    conditions = condition_rows(rows, genres)
    return WindowSet(sequences, conditions, np.array(n_notes), np.array(source), [take.name for take in takes])


def save_training_data(path: Path, data: TrainingData) -> None:
    """Keep prepared data in a run folder, so that resuming need not prepare it again."""
    arrays: dict[str, Any] = {}
    for part, windows in (("train", data.train), ("dev", data.validation)):
        arrays[f"{part}.ids"] = np.concatenate(windows.sequences)
        arrays[f"{part}.lengths"] = np.array([len(sequence) for sequence in windows.sequences])
        arrays[f"{part}.n_notes"], arrays[f"{part}.take"] = windows.n_notes, windows.take
        arrays[f"{part}.names"] = np.array(windows.take_names, dtype=np.str_)
        for name in ("values", "given", "meter", "bars", "genre"):
            arrays[f"{part}.{name}"] = getattr(windows.conditions, name)
    with atomic_writer(path) as stream:
        np.savez_compressed(stream, **arrays)


def load_windows(path: Path) -> dict[str, WindowSet]:
    """The parts `save_training_data` kept, by name."""
    from composer_core.model.conditions import ConditionArrays
    from composer_core.model.data import WindowSet

    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for part in ("train", "dev"):
            lengths = arrays[f"{part}.lengths"]
            sequences = np.split(arrays[f"{part}.ids"], np.cumsum(lengths)[:-1])
            fields = (arrays[f"{part}.{name}"] for name in ("values", "given", "meter", "bars", "genre"))
            found[part] = WindowSet(
                sequences,
                ConditionArrays(*fields),
                arrays[f"{part}.n_notes"],
                arrays[f"{part}.take"],
                arrays[f"{part}.names"].tolist(),
            )
    return found
