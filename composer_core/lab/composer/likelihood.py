"""Measure nats per note on held-out takes: the model with and without conditions, beside n-grams, paired over songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer_core.lab.composer.held_out import HeldOutParts
from composer_core.pipeline.models import ModelInfo, load
from composer_core.pipeline.training.windows import encode_windows

N_BOOTSTRAP = 10_000
PLAIN_ORDERS = (6, 8)
REPEAT_ORDERS = (5, 7)


def likelihood(info: ModelInfo, held_out: HeldOutParts) -> dict[str, object]:
    """Nats a note on the validation takes: the model with and without conditions, and the n-grams."""
    from composer_core.model.composer.training import nll_of_windows

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


def _baselines(held_out: HeldOutParts) -> dict[str, NDArray[np.float64]]:
    """NLL of each validation window by the n-grams, orders tuned on the dev takes."""
    from composer_core.model.composer import ngram

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
    interval: list[float] = np.percentile(total[index].sum(1) / notes[index].sum(1), [2.5, 97.5]).tolist()
    return interval


def bootstrap_gain(model: NDArray[np.float64], other: NDArray[np.float64], seed: int = 0) -> dict[str, object]:
    """Paired bootstrap over takes of 1 - model / other: the share of nats the model saves, 95 % interval."""
    index = np.random.default_rng(seed).integers(0, len(model), (N_BOOTSTRAP, len(model)))
    gains = 1.0 - model[index].sum(1) / other[index].sum(1)
    low, high = np.percentile(gains, [2.5, 97.5])
    return {"gain": float(1.0 - model.sum() / other.sum()), "interval": [float(low), float(high)]}
