"""How good a composer is: likelihood against n-grams, memorisation, and whether conditions matter.

Everything is measured on takes the model never saw (the data set's own validation split, else
one source in ten by the digest of its name), beside the same measure on real loops.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import NotFound
from composer_core.estimate import estimate_affect
from composer_core.metrics import measure
from composer_core.music.condition import DEFAULT_TEMPO_BPM, Condition
from composer_core.music.loop import Loop
from composer_core.music.timing import ASK_MAX_TEMPO_BPM, ASK_MIN_TEMPO_BPM
from composer_core.pipeline.generation import generate, render_take
from composer_core.pipeline.library import loops_for_training
from composer_core.pipeline.models import ModelInfo, load
from composer_core.pipeline.takes import Take, measured_condition, prepare_takes, windows_of
from composer_core.pipeline.training_data import encode_windows
from composer_core.tokens.vocab import is_note, loop_to_bars

N_BOOTSTRAP = 10_000
WINDOW_BARS = 4
PLAIN_ORDERS = (5, 6, 7, 8)
REPEAT_ORDERS = (4, 5, 6, 7)
CONTROL_METRICS = ("onset_density", "velocity_mean", "syncopation", "cymbal_rate", "groove_consistency")
BarTokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The takes of one data set by part, and its bars as n-grams read them (without the Bar token)."""

    takes: dict[str, list[Take]]

    def windows(self, part: str) -> list[tuple[int, list[BarTokens]]]:
        """(take index, bars) of each side-by-side window that holds a note."""
        found = []
        for index, take in enumerate(self.takes[part]):
            for start, bars in windows_of(take, training=False):
                window = [tuple(bar[1:]) for bar in take.bars[start : start + bars]]
                if any(window):
                    found.append((index, window))
        return found


def read_held_out(data: Path, instrument: str) -> HeldOut:
    """Takes of a data folder; NotFound when none was held out."""
    takes = prepare_takes(loops_for_training(data, instrument))
    parts = {part: [take for take in takes if take.part == part] for part in ("train", "dev", "validation")}
    if not parts["validation"]:
        raise NotFound("no_notes", path=str(data), instrument=instrument, purpose="evaluate on")
    return HeldOut(parts)


def likelihood(info: ModelInfo, held_out: HeldOut) -> dict[str, Any]:
    """Nats a note on the validation takes: the model with and without conditions, and the n-grams."""
    from composer_core.model.train import nll_of_windows

    loaded = load(info)
    takes = held_out.takes["validation"]
    windows = encode_windows(takes, loaded.vocabulary, loaded.composer.config.genres, training=False)
    bare = replace(windows, conditions=windows.conditions.hidden())
    nll = {
        "model": nll_of_windows(loaded.composer, windows),
        "model_without_conditions": nll_of_windows(loaded.composer, bare),
        **_baselines(held_out),
    }
    by_take = {name: _per_take(windows.take, values, len(takes)) for name, values in nll.items()}
    notes = _per_take(windows.take, windows.n_notes, len(takes))
    used = notes > 0
    table = {name: float(values.sum() / notes.sum()) for name, values in by_take.items()}
    gains = {
        name: bootstrap_gain(by_take["model"][used], by_take[name][used])
        for name in by_take
        if name.startswith("ngram")
    }
    return {
        "n_takes": int(used.sum()),
        "n_notes": int(notes.sum()),
        "nats_per_note": table,
        "model_interval": bootstrap_interval(by_take["model"][used], notes[used]),
        "gain_over": gains,
    }


def _per_take(take: NDArray[np.int64], values: NDArray[Any], n_takes: int) -> NDArray[np.float64]:
    return np.bincount(take, values, n_takes).astype(np.float64)


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
    train = [[tuple(bar[1:]) for bar in take.bars] for take in held_out.takes["train"]]
    seen = {bar for bars in train for bar in bars if bar}
    pairs = {pair for bars in train for pair in itertools.pairwise(bars)}
    reference = _bar_matrix(sorted(seen))
    return {
        name: {
            "n_bars": sum(1 for bars in loops for bar in bars if bar),
            "bars_seen_rate": _share([bar in seen for bars in loops for bar in bars if bar]),
            "pairs_seen_rate": _share([p in pairs for bars in loops for p in itertools.pairwise(bars) if p[0]]),
            "nearest_distance_median": _nearest(loops, reference),
            "longest_copied_bars": max((_longest_copy(bars, train) for bars in loops), default=0),
        }
        for name, loops in (("generated", generated), ("validation", real))
    }


def _share(flags: Sequence[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def _longest_copy(bars: Sequence[BarTokens], train: Sequence[Sequence[BarTokens]]) -> int:
    """Most consecutive bars of a loop that stand in this order in one training take."""
    for length in range(len(bars), 0, -1):
        runs = {tuple(bars[i : i + length]) for i in range(len(bars) - length + 1)}
        if any(tuple(take[i : i + length]) in runs for take in train for i in range(len(take) - length + 1)):
            return length
    return 0


def _bar_matrix(bars: Sequence[BarTokens]) -> NDArray[np.float32]:
    """Rows of 0 and 1 over (step, pitch), one row a bar."""
    matrix = np.zeros((len(bars), 72 * 128), dtype=np.float32)
    for row, bar in enumerate(bars):
        step = 0
        for token in bar:
            kind, _, value = token.partition("_")
            if kind == "Position":
                step = int(value)
            elif is_note(token):
                matrix[row, step * 128 + int(value)] = 1.0
    return matrix


def _nearest(loops: Sequence[Sequence[BarTokens]], reference: NDArray[np.float32]) -> float | None:
    """Median over loops of the mean Jaccard distance of their bars to the nearest training bar."""
    used = reference.any(axis=0)
    narrow, sizes = reference[:, used], reference.sum(axis=1)
    distances = []
    for bars in loops:
        filled = _bar_matrix([bar for bar in bars if bar])
        if len(filled):
            shared = filled[:, used] @ narrow.T
            union = filled.sum(axis=1, keepdims=True) + sizes - shared
            distances.append(float((1.0 - shared / union).min(axis=1).mean()))
    return float(np.median(distances)) if distances else None


def validation_examples(held_out: HeldOut, count: int, seed: int) -> list[tuple[Condition, list[BarTokens]]]:
    """`count` 4-bar validation windows in 4/4: the condition measured on each, and its bars."""
    rng = np.random.default_rng(seed)
    takes = [take for take in held_out.takes["validation"] if len(take.bars) >= WINDOW_BARS and _is_common(take)]
    found = []
    for _ in range(count if takes else 0):
        take = takes[int(rng.integers(len(takes)))]
        start = int(rng.integers(len(take.bars) - WINDOW_BARS + 1))
        fields = measured_condition(take, start, WINDOW_BARS)
        condition = Condition(
            take.played.instrument,
            tempo_bpm=float(np.clip(fields["tempo_bpm"] or DEFAULT_TEMPO_BPM, ASK_MIN_TEMPO_BPM, ASK_MAX_TEMPO_BPM)),
            valence=fields["valence"],
            arousal=fields["arousal"],
            genre=take.genre,
        )
        found.append((condition, [tuple(bar[1:]) for bar in take.bars[start : start + WINDOW_BARS]]))
    return found


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
        names = [*CONTROL_METRICS, f"estimated_{field}"]
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


def evaluate(info: ModelInfo, data: Path, takes: int = 200, seed: int = 0) -> dict[str, Any]:
    """The whole report of one composer on one data folder."""
    held_out = read_held_out(data, info.instrument)
    examples = validation_examples(held_out, takes, seed)
    generated = generated_bars(info, [condition for condition, _ in examples], seed)
    return {
        "model": info.name,
        "likelihood": likelihood(info, held_out),
        "memorisation": memorisation(held_out, generated, [bars for _, bars in examples]),
        "control": control(info, takes),
        "density_spearman": density_correlation(info, takes),
    }
