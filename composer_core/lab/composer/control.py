"""Measure control: the requested value against the measured one, with the same measure on real loops beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from composer_core.estimate.genre.classifier import suggest_genre
from composer_core.estimate.technique.rules import suggest_technique
from composer_core.lab.composer.held_out import (
    HumanExample,
    Made,
    generate_for,
    measured,
    percentiles,
    without_unknown_genres,
)
from composer_core.lab.composer.statistics import interval, pearson, spearman
from composer_core.lab.composer.validity import LINES, fault_of
from composer_core.music.chords import Chord
from composer_core.music.condition import Condition
from composer_core.music.condition_fields import DENSITY_RANGE, MEASURES
from composer_core.music.genre import family_of
from composer_core.music.instruments import PITCH_RANGE
from composer_core.music.key import Key
from composer_core.music.loop import Loop
from composer_core.pipeline.generation.reranking import in_chord_rate, in_scale_rate
from composer_core.pipeline.vocabularies import vocabularies

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel

EXACT = ("tempo", "metre", "bars")
SWING_NEAR, SWING_SURE = 0.03, 0.4
MIN_TECHNIQUE_TAKES = 20
USUAL_PERCENTS = (5.0, 95.0)
Row = dict[str, float]


def control(loaded: LoadedModel, humans: Sequence[HumanExample], count: int, seed: int) -> dict[str, object]:
    """By field over `count` takes: exact fields, key, chords, density, register, swing, and ceilings on real loops."""
    rng = np.random.default_rng([seed, 0xC0])
    human_rows = measured([example.played for example in humans])
    usual = np.nanpercentile([row["onset_density"] for row in human_rows], USUAL_PERCENTS)
    made = generate_for(
        loaded, [_request_like(example.condition, usual, rng) for example in _repeated(humans, count)], seed
    )
    rows = measured([one.played for one in made])
    found: dict[str, Any] = {"n": count, **_exact(made), "swing": _swing(made, rows)}
    found["density"] = _followed(made, rows, "density") | {
        "real_on_grid": spearman(*_pairs(measured([e.snapped for e in humans]), human_rows, "onset_density"))
    }
    if humans and humans[0].condition.instrument != "drums":
        found["register"] = _followed(made, rows, "register")
        found["key"] = _rates(made, humans, _scale_rate, _human_scale_rate, "key")
        found["chords"] = _rates(made, humans, _chord_rate, _human_chord_rate, "chords")
    return found


def _repeated(humans: Sequence[HumanExample], count: int) -> list[HumanExample]:
    return [humans[index % len(humans)] for index in range(count)]


def _request_like(condition: Condition, usual: NDArray[np.float64], rng: np.random.Generator) -> Condition:
    """A request with tempo, metre and genre of a real loop and fields of its own: each drawn alone and half the time
    not given; density among the `usual` of real loops (lowest, highest); swing between straight and triplet on
    either grid, without humanise in half of the takes."""
    changes: dict[str, Any] = {
        "valence": None,
        "arousal": None,
        "density": float(np.clip(rng.uniform(*usual), *DENSITY_RANGE)) if rng.random() < 0.5 else None,
        "swing_percent": float(rng.uniform(50, 66.7)),
        "swing_grid": int(rng.choice((8, 16))),
        "humanise_percent": float(rng.choice((0.0, 50.0))),
    }
    if condition.instrument != "drums":
        mode = str(rng.choice(("major", "minor")))
        key = Key(int(rng.integers(12)), mode)
        low, high = PITCH_RANGE[condition.instrument]
        register = float(rng.uniform(low + (high - low) * 0.3, low + (high - low) * 0.7))
        line = tuple(Chord.from_roman(numeral, key) for numeral in LINES[mode])
        changes |= {"key": key, "chords": line if rng.random() < 0.5 else ()}
        changes["register"] = register if rng.random() < 0.5 else None
    return condition.changed(**changes)


def _exact(made: Sequence[Made]) -> dict[str, Any]:
    faults = [fault_of(one) for one in made]
    return {f"{name}_exact_rate": float(np.mean([fault != name for fault in faults])) for name in EXACT}


def _followed(made: Sequence[Made], rows: Sequence[Row], field: str) -> dict[str, Any]:
    """Asked against measured over the takes that were asked: correlations and the median error."""
    pairs = [(getattr(one.condition, field), row[MEASURES[field].metric]) for one, row in zip(made, rows, strict=True)]
    asked, got = _columns([pair for pair in pairs if pair[0] is not None and math.isfinite(pair[1])])
    return {
        "n": len(asked),
        "pearson": pearson(asked, got),
        "spearman": spearman(asked, got),
        "spearman_interval": interval(spearman, asked, got),
        "median_error": float(np.median(np.abs(asked - got))) if len(asked) else None,
        "points": [[round(float(a), 3), round(float(b), 3)] for a, b in zip(asked[:300], got[:300], strict=True)],
    }


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = np.asarray(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _pairs(first: Sequence[Row], second: Sequence[Row], metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return _columns([(a[metric], b[metric]) for a, b in zip(first, second, strict=True)])


def _swing(made: Sequence[Made], rows: Sequence[Row]) -> dict[str, Any]:
    """Measured swing ratio against the asked one, where it can be read, without and with humanise."""
    found: dict[str, Any] = {}
    for humanise in (0.0, 50.0):
        errors = []
        for one, row in zip(made, rows, strict=True):
            grid = one.condition.swing_grid
            sure = row["swing_confidence" if grid == 8 else "swing_confidence_16"]
            ratio = row[f"swing_ratio_{grid}"]
            if one.condition.humanise_percent == humanise and math.isfinite(ratio) and sure >= SWING_SURE:
                errors.append(abs(ratio - one.condition.swing_ratio))
        near = float(np.mean([error <= SWING_NEAR for error in errors])) if errors else None
        found[f"humanise_{humanise:.0f}"] = {"n": len(errors), "within_0_03": near, **percentiles(errors, 50, 90)}
    return found


def _rates(
    made: Sequence[Made],
    humans: Sequence[HumanExample],
    of_made: Callable[[Made], float | None],
    of_human: Callable[[HumanExample], float | None],
    field: str,
) -> dict[str, Any]:
    """Mean rate over the takes with the field given, real loops' own rate, and the share of it that is reached."""
    rates = [rate for one in made if (rate := of_made(one)) is not None]
    real = [rate for example in humans if (rate := of_human(example)) is not None]
    own, reference = _mean(rates), _mean(real)
    share = own / reference if own is not None and reference else None
    return {"field": field, "n": len(rates), "rate": own, "real_rate": reference, "share_of_real": share}


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _scale_rate(made: Made) -> float | None:
    return in_scale_rate(made.played, made.condition.key) if made.condition.key is not None else None


def _human_scale_rate(example: HumanExample) -> float | None:
    return in_scale_rate(example.played, example.asked.key) if example.asked.key is not None else None


def _chord_rate(made: Made) -> float | None:
    return in_chord_rate(made.played, made.condition.chord_line) if made.condition.chords else None


def _human_chord_rate(example: HumanExample) -> float | None:
    line = example.asked.chords
    return in_chord_rate(example.played, line) if any(chord is not None for chord in line) else None


def genre(loaded: LoadedModel, humans: Sequence[HumanExample], count: int, seed: int) -> dict[str, object] | None:
    """Drums: how often the genre estimator hears the requested family, beside the real loops the genres are taken from.

    The requests hold tempo, metre and genre of the real loops and nothing else. None without a genre.
    """
    genres = loaded.composer.config.genres
    known = [e for e in humans if without_unknown_genres(e.condition, genres).genre]
    if not known or known[0].condition.instrument != "drums":
        return None
    cases = [(example, family_of(_first(example.condition.genre))) for example in _repeated(known, count)]
    asked = [example.condition.changed(valence=None, arousal=None, density=None) for example, _ in cases]
    made = generate_for(loaded, asked, seed)
    hits = [_heard(one.played) == family for one, (_, family) in zip(made, cases, strict=True)]
    real = [_heard(example.played) == family for example, family in cases]
    rate, ceiling = float(np.mean(hits)), float(np.mean(real))
    families = [family for _, family in cases]
    commonest = max(set(families), key=families.count)
    return {
        "n": len(hits),
        "judged_right": rate,
        "real_judged_right": ceiling,
        "share_of_real": rate / ceiling if ceiling else None,
        "always_commonest": float(np.mean([family == commonest for family in families])),
    }


def _heard(loop: Loop) -> str:
    suggestion = suggest_genre(loop, measured([loop])[0])
    return _first(suggestion.weights) if suggestion is not None else ""


def _first(weights: Mapping[str, float]) -> str:
    """The code of most weight."""
    return max(weights, key=lambda code: weights[code])


def technique(loaded: LoadedModel, humans: Sequence[HumanExample], count: int, seed: int) -> dict[str, object]:
    """How often the rules that label techniques hear the one asked for: asked, not asked, and in real loops."""
    instrument = humans[0].condition.instrument
    codes = [name.split(":")[1] for name in loaded.composer.config.techniques if name.startswith(f"{instrument}:")]
    if not codes:
        return {}
    bare = [e.condition.changed(valence=None, arousal=None, density=None) for e in _repeated(humans, count)]
    requests = [one.changed(technique=(codes[i % len(codes)],)) for i, one in enumerate(bare)]
    asked = [_techniques(one.played) for one in generate_for(loaded, requests, seed)]
    plain = [
        _techniques(one.played) for one in generate_for(loaded, bare[: max(MIN_TECHNIQUE_TAKES, count // 4)], seed + 1)
    ]
    real = [_techniques(example.played) for example in humans]
    return {
        code: {
            "n": len(own := [seen for i, seen in enumerate(asked) if codes[i % len(codes)] == code]),
            "asked": _mean([code in seen for seen in own]),
            "not_asked": _mean([code in seen for seen in plain]),
            "real": _mean([code in seen for seen in real]),
        }
        for code in codes
    }


def _techniques(loop: Loop) -> set[str]:
    known = vocabularies().techniques.get(loop.instrument, {})
    seen = suggest_technique(loop, measured([loop])[0], known)
    return set(seen.codes) if seen is not None else set()
