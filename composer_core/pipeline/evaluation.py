"""How good a composer is: likelihood against n-grams, memorisation, and whether conditions matter.

Everything is measured on takes the model never saw (the data set's own validation split, else
one source in ten by the digest of its name), beside the same measure on real loops.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.condition import DEFAULT_TEMPO_BPM, Condition
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM
from composer_core.pipeline.generation import generate, render_take
from composer_core.pipeline.models import ModelInfo, load
from composer_core.pipeline.permitted_sets import is_root, loops_of
from composer_core.pipeline.takes import (
    COMMON_METERS,
    PARTS,
    Take,
    asked_of_window,
    limited_windows,
    prepare_takes,
)
from composer_core.pipeline.training_data import encode_windows
from composer_core.tokens.vocab import is_note, loop_to_bars

if TYPE_CHECKING:
    from composer_core.model.conditions import Asked

N_BOOTSTRAP = 10_000
WINDOW_BARS = 4
PLAIN_ORDERS = (6, 8)
REPEAT_ORDERS = (5, 7)
LIMITS = {"train": 6000, "dev": 200, "validation": 600}
"""Windows of an instrument an evaluation reads of each part: what keeps it to minutes on large sets."""
CONTROL_METRICS = (
    *("onset_density", "velocity_mean", "syncopation", "cymbal_rate", "groove_consistency"),
    *("mode_lean", "register", "articulation"),
)
"""What is printed of takes with low and with high emotion, where the instrument has the metric."""
REFERENCE_CHUNK = 8192
TEMPO_RANGE = (ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM)
BarTokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The takes of one instrument by part, and its windows as n-grams read them (without the Bar token).

    Pitches are written with the tonic on C, as the composer reads them. `limits` is about how
    many windows a part gives (0: all), long songs giving first.
    """

    takes: dict[str, list[Take]]
    limits: Mapping[str, int]

    def windows(self, part: str) -> list[tuple[int, list[BarTokens]]]:
        """(take index, bars) of each side-by-side window that holds a note."""
        found = []
        takes = self.takes[part]
        for index, windows in enumerate(limited_windows(takes, False, self.limits[part])):
            for start, bars in windows:
                window = [tuple(bar[1:]) for bar in takes[index].window(start, bars)]
                if any(window):
                    found.append((index, window))
        return found


def read_held_out(data: Path, instrument: str) -> HeldOut:
    """Takes of a data folder; NotFound when none was held out."""
    takes = prepare_takes(loops_of(data, instrument), [instrument])
    takes = [take for take in takes if str(take.played.meter) in COMMON_METERS or not is_root(data)]
    parts = {part: [take for take in takes if take.part == part] for part in PARTS}
    if not parts["validation"]:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="evaluate on")
    return HeldOut(parts, LIMITS)


def likelihood(info: ModelInfo, held_out: HeldOut) -> dict[str, Any]:
    """Nats a note on the validation takes: the model with and without conditions, and the n-grams."""
    from composer_core.model.train import nll_of_windows

    loaded = load(info)
    takes = held_out.takes["validation"]
    shape = loaded.composer.config
    windows = encode_windows(
        takes, loaded.vocabulary, shape.genres, False, shape.techniques, held_out.limits["validation"]
    )
    bare = replace(windows, conditions=windows.conditions.hidden())
    nll = {
        "model": nll_of_windows(loaded.composer, windows),
        "model_without_conditions": nll_of_windows(loaded.composer, bare),
        **_baselines(held_out),
    }
    # Parts of one song are no independent witnesses: all figures are per song (or take).
    songs = sorted({take.name for take in takes})
    song_of_take = np.array([songs.index(take.name) for take in takes])
    song = song_of_take[windows.take]
    by_song = {name: _per_song(song, values, len(songs)) for name, values in nll.items()}
    notes = _per_song(song, windows.n_notes, len(songs))
    used = notes > 0
    table = {name: float(values.sum() / notes.sum()) for name, values in by_song.items()}
    gains = {
        name: bootstrap_gain(by_song["model"][used], by_song[name][used])
        for name in by_song
        if name.startswith("ngram")
    }
    return {
        "n_takes": len(takes),
        "n_songs": int(used.sum()),
        "n_notes": int(notes.sum()),
        "nats_per_note": table,
        "model_interval": bootstrap_interval(by_song["model"][used], notes[used]),
        "gain_over": gains,
    }


def _per_song(song: NDArray[np.int64], values: NDArray[Any], n_songs: int) -> NDArray[np.float64]:
    return np.bincount(song, values, n_songs).astype(np.float64)


def _baselines(held_out: HeldOut) -> dict[str, NDArray[np.float64]]:
    """NLL of each validation window by the n-grams, orders tuned on the dev takes."""
    from composer_core.model import ngram

    train = [bars for _, bars in held_out.windows("train")]
    dev = [bars for _, bars in held_out.windows("dev")] or train[-20:]
    plain = ngram.tuned(train, dev, ngram.plain_features, PLAIN_ORDERS)
    repeat = ngram.tuned(train, dev, ngram.repeat_features, REPEAT_ORDERS)
    mixed = ngram.MixedModel(plain, repeat, dev)
    named: dict[str, Callable[[Sequence[Sequence[str]]], float]] = {
        f"ngram_kneser_ney_order_{plain.order}": plain.nll,
        f"ngram_repeat_aware_order_{repeat.order}": repeat.nll,
        "ngram_mixture_of_both": mixed.nll,
    }
    windows = held_out.windows("validation")
    return {name: np.array([nll(bars) for _, bars in windows]) for name, nll in named.items()}


def bootstrap_interval(total: NDArray[np.float64], notes: NDArray[np.float64], seed: int = 0) -> list[float]:
    """95 % interval over takes of sum(total) / sum(notes)."""
    index = np.random.default_rng(seed).integers(0, len(total), (N_BOOTSTRAP, len(total)))
    return np.percentile(total[index].sum(1) / notes[index].sum(1), [2.5, 97.5]).tolist()


def bootstrap_gain(model: NDArray[np.float64], other: NDArray[np.float64], seed: int = 0) -> dict[str, Any]:
    """Paired bootstrap over takes of 1 - model / other: the share of nats the model saves, 95 % interval."""
    index = np.random.default_rng(seed).integers(0, len(model), (N_BOOTSTRAP, len(model)))
    gains = 1.0 - model[index].sum(1) / other[index].sum(1)
    low, high = np.percentile(gains, [2.5, 97.5])
    return {"gain": float(1.0 - model.sum() / other.sum()), "interval": [float(low), float(high)]}


def bars_of(loop: Loop) -> list[BarTokens]:
    """A loop's bars as comparable tokens, on the straight grid."""
    return [tuple(bar[1:]) for bar in loop_to_bars(loop)]


def memorisation(
    held_out: HeldOut, generated: Sequence[Sequence[BarTokens]], real: Sequence[Sequence[BarTokens]]
) -> dict[str, Any]:
    """Share of bars and of two-bar pairs seen in training, nearest training bar, longest copied run.

    Printed for the generated loops beside the validation windows whose conditions were asked for.
    """
    train = [[tuple(bar[1:]) for bar in take.bars_on_c] for take in held_out.takes["train"]]
    runs = [_runs(train, length) for length in range(1, WINDOW_BARS + 1)]
    seen, pairs = {run[0] for run in runs[0]}, runs[1]
    reference = sorted(bar for bar in seen if bar)
    return {
        name: {
            "n_bars": sum(1 for bars in loops for bar in bars if bar),
            "bars_seen_rate": _share([bar in seen for bars in loops for bar in bars if bar]),
            "pairs_seen_rate": _share([p in pairs for bars in loops for p in itertools.pairwise(bars) if p[0]]),
            "nearest_distance_median": _nearest(loops, reference),
            "longest_copied_bars": max((_longest_copy(bars, runs) for bars in loops), default=0),
        }
        for name, loops in (("generated", generated), ("validation", real))
    }


def _share(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def _runs(takes: Sequence[Sequence[BarTokens]], length: int) -> set[tuple[BarTokens, ...]]:
    """Every `length` bars that stand in this order in one take."""
    return {tuple(bars[i : i + length]) for bars in takes for i in range(len(bars) - length + 1)}


def _longest_copy(bars: Sequence[BarTokens], runs: Sequence[set[tuple[BarTokens, ...]]]) -> int:
    """Most consecutive bars of a loop that stand in this order in one training take, not all of them silent."""
    for length in range(min(len(bars), len(runs)), 0, -1):
        own = (tuple(bars[i : i + length]) for i in range(len(bars) - length + 1))
        if any(run in runs[length - 1] and any(run) for run in own):
            return length
    return 0


def _cells(bar: BarTokens) -> list[tuple[int, int]]:
    """(step, pitch) of each note of a bar."""
    found, step = [], 0
    for token in bar:
        kind, _, value = token.partition("_")
        if kind == "Position":
            step = int(value)
        elif is_note(token):
            found.append((step, int(value)))
    return found


def _nearest(loops: Sequence[Sequence[BarTokens]], reference: Sequence[BarTokens]) -> float | None:
    """Median over loops of the mean Jaccard distance of their bars' notes to the nearest training bar."""
    bars = [bar for loop in loops for bar in loop if bar]
    columns = {cell: i for i, cell in enumerate(sorted({cell for bar in bars for cell in _cells(bar)}))}
    own, sizes = _bar_matrix(bars, columns)
    best = np.zeros(len(bars))
    for start in range(0, len(reference), REFERENCE_CHUNK):
        other, other_sizes = _bar_matrix(reference[start : start + REFERENCE_CHUNK], columns)
        shared = own @ other.T
        best = np.maximum(best, (shared / (sizes[:, None] + other_sizes - shared)).max(axis=1))
    distances, position = [], 0
    for loop in loops:
        n_filled = sum(1 for bar in loop if bar)
        if n_filled:
            distances.append(float(1.0 - best[position : position + n_filled].mean()))
        position += n_filled
    return float(np.median(distances)) if distances else None


def _bar_matrix(
    bars: Sequence[BarTokens], columns: Mapping[tuple[int, int], int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows of 0 and 1 over the named cells, one row a bar, and how many notes each bar has in all."""
    matrix, sizes = np.zeros((len(bars), len(columns)), np.float32), np.zeros(len(bars), np.float32)
    for row, bar in enumerate(bars):
        cells = _cells(bar)
        sizes[row] = len(cells)
        matrix[row, [columns[cell] for cell in cells if cell in columns]] = 1.0
    return matrix, sizes


def validation_examples(held_out: HeldOut, count: int, seed: int) -> list[tuple[Condition, list[BarTokens]]]:
    """`count` 4-bar validation windows in 4/4: the condition measured on each, and its bars."""
    rng = np.random.default_rng(seed)
    takes = [take for take in held_out.takes["validation"] if len(take.bars) >= WINDOW_BARS and _is_common(take)]
    found = []
    for _ in range(count if takes else 0):
        take = takes[int(rng.integers(len(takes)))]
        start = int(rng.integers(len(take.bars) - WINDOW_BARS + 1))
        asked = condition_of(asked_of_window(take, start, WINDOW_BARS))
        found.append((asked, [tuple(bar[1:]) for bar in take.window(start, WINDOW_BARS)]))
    return found


def condition_of(asked: Asked) -> Condition:
    """A measured window's condition as a request, with the tonic on C; techniques are left out.

    What lies outside what may be asked is brought to its limit; chords only where every bar has one.
    """
    tempo_bpm = float(np.clip(asked.continuous["tempo_bpm"] or DEFAULT_TEMPO_BPM, *TEMPO_RANGE))
    density = asked.continuous["density"]
    key = asked.key
    chords = [chord.transposed(-key.root) for chord in asked.chords if chord is not None] if key is not None else []
    return Condition(
        asked.instrument,
        asked.bars,
        tempo_bpm=tempo_bpm,
        valence=asked.continuous["valence"],
        arousal=asked.continuous["arousal"],
        genre=asked.genre,
        density=float(np.clip(density, 0.25, 12.0)) if density is not None and np.isfinite(density) else None,
        key=Key(0, "minor" if key.is_minor else "major") if key is not None else None,
        chords=tuple(chords) if len(chords) == asked.bars else (),
    )


def _is_common(take: Take) -> bool:
    return str(take.played.meter) == "4/4"


def generated_bars(info: ModelInfo, conditions: Sequence[Condition], seed: int) -> list[list[BarTokens]]:
    """Bars of one take a condition, as they were sampled."""
    return [
        bars_of(generate(condition, seed=seed + index, model=str(info.path))[0].grid)
        for index, condition in enumerate(conditions)
    ]


def auc(low: Sequence[float], high: Sequence[float]) -> float:
    """Probability that a value of `high` exceeds one of `low`, ties half: the area under the ROC curve."""
    below, above = np.asarray(low)[:, None], np.asarray(high)[None, :]
    return float(np.mean((above > below) + 0.5 * (above == below)))


def control(info: ModelInfo, seeds: int) -> dict[str, Any]:
    """Do the conditions matter? Arousal 0.1 against 0.9 and valence -0.8 against 0.8 over `seeds` seeds.

    For each metric the AUC of the two groups' values, measured on the played loops.
    """
    sides = {"arousal": ({"arousal": 0.1}, {"arousal": 0.9}), "valence": ({"valence": -0.8}, {"valence": 0.8})}
    report: dict[str, Any] = {}
    for field, pair in sides.items():
        low, high = ([_measured(info, asked, seed) for seed in range(seeds)] for asked in pair)
        names = [name for name in (*CONTROL_METRICS, f"estimated_{field}") if name in low[0]]
        report[field] = {
            name: {
                "auc": auc([row[name] for row in low], [row[name] for row in high]),
                "low_mean": float(np.nanmean([row[name] for row in low])),
                "high_mean": float(np.nanmean([row[name] for row in high])),
            }
            for name in names
        }
    return report


def _measured(info: ModelInfo, asked: dict[str, float], seed: int) -> dict[str, float]:
    condition = Condition(info.instrument, tempo_bpm=110.0, **asked)  # type: ignore[arg-type]
    loop = render_take(generate(condition, seed=seed, model=str(info.path))[0])
    metrics = measure(loop)
    valence, arousal = estimate_affect(metrics, loop.instrument)
    return {**metrics, "estimated_valence": valence, "estimated_arousal": arousal}


def density_correlation(info: ModelInfo, count: int) -> float:
    """Spearman correlation of asked and measured density over `count` takes."""
    asked = np.linspace(1.0, 5.0, count)
    measured = []
    for seed, density in enumerate(asked):
        take = generate(Condition(info.instrument, density=float(density)), seed=seed, model=str(info.path))[0]
        measured.append(measure(render_take(take))["onset_density"])
    ranks = [np.argsort(np.argsort(values)) for values in (asked, np.asarray(measured))]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def evaluate(
    info: ModelInfo, data: Path, takes: int = 200, seed: int = 0, instrument: str | None = None
) -> dict[str, Any]:
    """The whole report of one composer on one data folder; a model of all instruments is asked for `instrument`."""
    info = replace(info, instrument=instrument or info.instrument)
    held_out = read_held_out(data, info.instrument)
    examples = validation_examples(held_out, takes, seed)
    generated = generated_bars(info, [condition for condition, _ in examples], seed)
    return {
        "model": info.name,
        "instrument": info.instrument,
        "likelihood": likelihood(info, held_out),
        "memorisation": memorisation(held_out, generated, [bars for _, bars in examples]),
        "control": control(info, takes),
        "density_spearman": density_correlation(info, takes),
    }
