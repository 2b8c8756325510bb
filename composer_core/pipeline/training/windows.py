"""Turn takes into training windows: the language and its sets, with the condition measured on each window.

The condition is measured on the window itself: its tempo, the numbers that the fields of a condition
declare (density, valence, register, ...), and techniques by the documented rules. Swing comes from the
take, key and chords from all pitched parts of the song together, and the genre from the data set. What
the labels of a library's loop say comes before all that (see `labelled`). Unknown fields are 'not given'.
Pitches are written as if the tonic were C.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from composer_core.errors import NotFound
from composer_core.music.genre import family_of
from composer_core.music.instruments import GENERATED_INSTRUMENTS
from composer_core.music.loop import Loop
from composer_core.pipeline.library.duplicates import near_pairs
from composer_core.pipeline.training.labelled import (
    EMOTION_TABLE,
    LABEL_COUNTS,
    LABELS,
    counts_in_words,
    emotion_table,
    label_counts,
    teaches_emotion,
    unheard,
)
from composer_core.pipeline.training.sources import (
    COMMON_METERS,
    PARTS,
    Bars,
    SourcePart,
    limited_windows,
    measured_condition,
    prepare_takes,
    window_of,
)
from composer_core.store.atomic import atomic_writer, read_json, write_json
from composer_core.store.runs import FACTS_FILE
from composer_core.tokens.vocab import Vocabulary, is_note, mix_up

if TYPE_CHECKING:
    from composer_core.model.composer.conditions import WindowCondition
    from composer_core.model.composer.data import WindowSet
    from composer_core.model.composer.training import TrainingData
    from composer_core.model.config import TrainConfig

DATA_FILE = "data.npz"
DEV_WINDOWS = 40
"""When the number of training windows is limited, one dev window is kept for this many of them."""
MIN_TECHNIQUE_WINDOWS = 20
"""A technique found in fewer training windows gets no embedding."""
_WINDOW_ARRAYS = ("n_notes", "take", "bar_starts", "spoilt")
PASSAGE_BARS = 4
FEWEST_NOTES = 8
"""Shorter passages are not compared, because passages of fewer notes are alike by chance."""


def build_training_data(
    loops: Sequence[Loop], config: TrainConfig, progress: Callable[[str], None] = lambda _: None
) -> TrainingData:
    """Build all data of a training run; NotFound when there are no takes with notes to train on."""
    from composer_core.model.composer.training import TrainingData
    from composer_core.model.config import SHARED

    instruments = GENERATED_INSTRUMENTS if config.instrument == SHARED else (config.instrument,)
    takes = prepare_takes(loops, instruments)
    if config.asked_meters:
        takes = [take for take in takes if str(take.played.meter) in COMMON_METERS]
    by_part = {part: [take for take in takes if take.part == part] for part in PARTS}
    # With only a handful of takes a part may be empty. A shared take is better than no early stopping at all.
    by_part["dev"] = by_part["dev"] or by_part["validation"] or by_part["train"][-1:]
    if not by_part["train"]:
        raise NotFound("no_notes", path="the data", instrument=config.instrument, purpose="train on")
    progress(f"{len(takes)} takes: " + ", ".join(f"{len(by_part[part])} {part}" for part in PARTS))
    by_part["train"], n_near = apart_from_held_out(takes, by_part["train"], progress)
    most = config.windows_an_instrument
    rows = {"train": _measured_windows(by_part["train"], True, most)}
    rows["dev"] = _measured_windows(by_part["dev"], False, -(-most // DEV_WINDOWS) if most else 0)
    vocabulary, genres, techniques = _language(config, rows["train"], by_part["train"])
    sets = {part: encode(rows[part], vocabulary, genres, techniques) for part in PARTS[:2]}
    train = with_corrupted(sets["train"], rows["train"], vocabulary, config.damaged, config.seed)
    progress(f"{len(train)} windows, {len(vocabulary)} tokens")
    facts: dict[str, object] = {
        "takes": {part: len(by_part[part]) for part in PARTS},
        "near_held_out": n_near,
        "windows": dict(Counter(row.take.instrument for row in rows["train"])),
        "meters": _meters(rows["train"]),
        "data_digest": train.digest(),
        **_label_facts(rows["train"], by_part["train"], genres, techniques, progress),
    }
    return TrainingData(train, sets["dev"], vocabulary, genres, facts, techniques)


def _label_facts(
    rows: Sequence[MeasuredWindow],
    takes: Sequence[SourcePart],
    genres: Sequence[str],
    techniques: Sequence[str],
    progress: Callable[[str], None],
) -> dict[str, object]:
    """Of how many training loops each field comes from whom, told line by line; nothing for loops of no library."""
    loops = [take.played for take in takes]
    if not any(LABELS in loop.extra for loop in loops):
        return {}
    counts = label_counts(loops)
    for line in counts_in_words(counts):
        progress(f"labels, {line}")
    for name, codes in unheard(loops, genres, techniques).items():
        words = ", ".join(f"{code} ({count} loops)" for code, count in codes.items())
        progress(f"labels, {name}: the model has no place for {words}")
    table = emotion_table(row.asked for row in rows) if teaches_emotion(counts) else {}
    return {LABEL_COUNTS: counts, **({EMOTION_TABLE: table} if table else {})}


def apart_from_held_out(
    takes: Sequence[SourcePart], train: list[SourcePart], progress: Callable[[str], None] = lambda _: None
) -> tuple[list[SourcePart], dict[str, int]]:
    """The training takes without those near a held-out one, and how many were left out.

    When all takes are near a held-out one they are kept, because there are no others, and counted as kept.
    """
    near = {id(takes[index]) for index in near_held_out(takes)}
    apart = [take for take in train if id(take) not in near]
    if not apart:
        progress(
            f"all {len(train)} training takes repeat passages that are held out; they are kept, for there are no others"
        )
        return train, {"left_out": 0, "kept": len(train)}
    if near:
        progress(f"training takes left out because a passage is nearly a held-out one: {len(train) - len(apart)}")
    return apart, {"left_out": len(train) - len(apart), "kept": 0}


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """A window of a take, with its base tokens and its condition; `number` is the index of the take."""

    take: SourcePart
    number: int
    bars: Bars
    asked: WindowCondition


def _measured_windows(takes: Sequence[SourcePart], training: bool, most: int) -> list[MeasuredWindow]:
    """Measure every window that has notes."""
    found = []
    for number, (take, windows) in enumerate(zip(takes, limited_windows(takes, training, most), strict=True)):
        for start, length in windows:
            bars = take.window(start, length)
            if any(len(bar) > 1 for bar in bars):
                found.append(MeasuredWindow(take, number, bars, measured_condition(take, start, length)))
    return found


def _language(
    config: TrainConfig, rows: Sequence[MeasuredWindow], takes: Sequence[SourcePart]
) -> tuple[Vocabulary, tuple[str, ...], tuple[str, ...]]:
    """The vocabulary, genres and techniques: those of the model to start from, or else learnt from the windows."""
    from composer_core.model.composer.checkpoint import load_model
    from composer_core.model.config import SHARED

    if config.start:
        start = load_model(Path(config.start))
        return start.vocabulary, start.composer.config.genres, start.composer.config.techniques
    kind = "shared" if config.instrument == SHARED else "drums" if config.instrument == "drums" else "pitched"
    # Windows of a take overlap and share their bars: each bar is counted once, however many windows hold it.
    seen: set[tuple[int, int]] = set()
    bars = []
    for row in rows:
        bars += [bar for bar in row.bars if (id(row.take), id(bar)) not in seen]
        seen |= {(id(row.take), id(bar)) for bar in row.bars}
    counts = Counter(f"{row.take.instrument}:{code}" for row in rows for code in row.asked.techniques)
    techniques = tuple(sorted(name for name, count in counts.items() if count >= MIN_TECHNIQUE_WINDOWS))
    return Vocabulary.train(bars, kind, config.merges), genre_codes(takes), techniques


def _meters(rows: Sequence[MeasuredWindow]) -> dict[str, dict[str, int]]:
    """Count the windows of each instrument by metre, so that a request can be warned of a rare one."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        meter = str(row.take.played.meter)
        counts.setdefault(row.take.instrument, Counter())["4/4" if meter == "2/2" else meter] += 1
    return {instrument: dict(found) for instrument, found in counts.items()}


def genre_codes(takes: Sequence[SourcePart]) -> tuple[str, ...]:
    """The genre codes a model learns: every family and sub-style of its training takes."""
    codes = {code for take in takes for code in take.genre}
    return tuple(sorted(codes | {family_of(code) for code in codes}))


def encode_windows(
    takes: Sequence[SourcePart],
    vocabulary: Vocabulary,
    genres: Sequence[str],
    training: bool,
    techniques: Sequence[str] = (),
    most: int = 0,
) -> WindowSet:
    """Encode the windows of some takes as token ids and measured conditions; windows without notes are left out."""
    rows = _measured_windows(takes, training, most)
    return encode(rows, vocabulary, genres, techniques, [take.name for take in takes])


def encode(
    rows: Sequence[MeasuredWindow],
    vocabulary: Vocabulary,
    genres: Sequence[str],
    techniques: Sequence[str],
    names: Sequence[str] | None = None,
) -> WindowSet:
    """Encode measured windows as token ids and condition arrays."""
    from composer_core.model.composer.conditions import condition_rows
    from composer_core.model.composer.data import WindowSet

    def known(row: MeasuredWindow) -> WindowCondition:
        """The condition of a window, without genres unknown to the model both as sub-style and as family."""
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


def with_corrupted(
    windows: WindowSet, rows: Sequence[MeasuredWindow], vocabulary: Vocabulary, share: float, seed: int
) -> WindowSet:
    """Add a copy with shuffled pitches for a share of the windows, from which the quality head learns."""
    from composer_core.model.composer.data import WindowSet

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


def prepare_data(
    folder: Path, config: TrainConfig, read_loops: Callable[[], list[Loop]], progress: Callable[[str], None]
) -> None:
    """Prepare a run's data in its folder; data that are there already are kept, so that a resumed run uses the same."""
    if not ((folder / FACTS_FILE).is_file() and (folder / DATA_FILE).is_file()):
        data = build_training_data(read_loops(), config, progress)
        save_windows(folder / DATA_FILE, {"train": data.train, "dev": data.validation})
        language = {"vocabulary": data.vocabulary.to_json(), "genres": data.genres, "techniques": data.techniques}
        write_json(folder / FACTS_FILE, {**language, "facts": data.facts})


def read_data(folder: Path) -> TrainingData:
    """Read the data of a run that `prepare_data` has written."""
    from composer_core.model.composer.training import TrainingData

    facts = cast(dict[str, Any], read_json(folder / FACTS_FILE))
    parts = load_windows(folder / DATA_FILE)
    vocabulary = Vocabulary.from_json(facts["vocabulary"], str(folder / FACTS_FILE))
    genres, techniques = tuple(facts["genres"]), tuple(facts["techniques"])
    return TrainingData(parts["train"], parts["dev"], vocabulary, genres, facts["facts"], techniques)


def save_windows(path: Path, parts: Mapping[str, WindowSet]) -> None:
    """Store sets of windows by name, so that a resumed run need not prepare them again."""
    arrays: dict[str, Any] = {}
    for part, windows in parts.items():
        arrays[f"{part}.ids"] = np.concatenate(windows.sequences)
        arrays[f"{part}.lengths"] = np.array([len(sequence) for sequence in windows.sequences])
        arrays[f"{part}.names"] = np.array(windows.take_names, dtype=np.str_)
        for name in _WINDOW_ARRAYS:
            arrays[f"{part}.{name}"] = getattr(windows, name)
        for name in type(windows.conditions).__slots__:
            arrays[f"{part}.condition.{name}"] = getattr(windows.conditions, name)
    with atomic_writer(path) as stream:
        np.savez_compressed(stream, **arrays)


def load_windows(path: Path) -> dict[str, WindowSet]:
    """Read the sets of windows that `save_windows` has written, by name."""
    from composer_core.model.composer.conditions import ConditionArrays
    from composer_core.model.composer.data import WindowSet

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


def near_held_out(takes: Sequence[SourcePart]) -> set[int]:
    """Indices of the training takes that have a passage nearly the same as one of a dev or validation take.

    Passages of PASSAGE_BARS bars, one from every bar on, are compared as `composer dedupe` compares
    loops. The split is by source file, so the same music may still lie on both sides, such as a pattern
    played in two sessions. Held-out takes never change part, so that figures stay comparable.
    """
    held = [index for index, take in enumerate(takes) if take.part != "train"]
    order = held + [index for index, take in enumerate(takes) if take.part == "train"]
    owner = [index for index in order for _ in _passages(takes[index])]
    n_held = sum(takes[index].part != "train" for index in owner)
    # Held-out passages come first: of passages with the same notes the first one represents the others.
    pairs, _ = near_pairs(loop for index in order for loop in _passages(takes[index]))
    near = {second for first, second, _ in pairs if first < n_held <= second}
    near |= {second for first, second, distance in pairs if first in near and not distance}
    return {owner[passage] for passage in near}


def _passages(take: SourcePart) -> Iterator[Loop]:
    played = take.played
    for start in range(max(1, played.bars - PASSAGE_BARS + 1)):
        passage = window_of(played, start, min(PASSAGE_BARS, played.bars))
        if len(passage.notes) >= FEWEST_NOTES:
            yield passage
