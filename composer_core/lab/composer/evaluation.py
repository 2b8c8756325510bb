"""How good a composer is, in seven parts, each beside the same measure on real loops.

Validity; control; distribution; scores; memorisation; baselines in the same run; speed. Everything is
measured on takes the model never saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from composer_core.errors import require_choice, require_range
from composer_core.estimate.scores.axes import MIN_NOTES, NOT_PLAYED
from composer_core.lab.composer import control as controls
from composer_core.lab.composer.affect import Judge, emotion, read_judge
from composer_core.lab.composer.held_out import (
    Example,
    HeldOut,
    apart,
    human_loops,
    known_genre,
    make,
    make_best,
    read_held_out,
)
from composer_core.lab.composer.likelihood import likelihood
from composer_core.lab.composer.memory import memorisation
from composer_core.lab.composer.promises import promises
from composer_core.lab.composer.speed import speed
from composer_core.lab.composer.systems import (
    BEST_OF,
    GENERATED,
    HUMAN,
    System,
    baseline_systems,
    distribution,
    generated_system,
    scores,
)
from composer_core.lab.composer.validity import validity
from composer_core.pipeline.models import ModelInfo, load
from composer_core.pipeline.scoring import missing

PARTS = ("speed", "validity", "control", "emotion", "likelihood", "loops")
"""What can be measured alone; `loops` are distribution, scores and memorisation beside baselines."""
BEST_OF_N = 8
N_TRAINING_LOOPS = 400
"""Training loops among which the nearest to a request is looked for."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many loops each part is measured on; `compared` are answers to held-out requests, `best` of them of 8."""

    validity: int = 1000
    control: int = 500
    emotion: int = 500
    compared: int = 300
    best: int = 60
    speed: int = 20

    @classmethod
    def scaled(cls, control: int) -> Counts:
        """All counts in proportion to the loops control is measured on."""
        require_range("loops", control, 10, 100_000)
        share = control / cls().control
        whole = {
            name: max(10, round(getattr(cls(), name) * share)) for name in ("validity", "emotion", "compared", "best")
        }
        return cls(control=control, speed=20 if share >= 0.5 else 5, **whole)


def evaluate(
    info: ModelInfo,
    data: Path,
    counts: Counts = Counts(),
    seed: int = 0,
    instrument: str | None = None,
    judge_data: Path | None = None,
    only: Sequence[str] = PARTS,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """The whole report of one composer on one data folder; a model of all instruments is asked for `instrument`.

    `judge_data` holds clips rated by people (EMOPIA), for the judge of emotion; without it emotion is only
    compared with the estimator that labelled the training data. `only` names the parts to measure. NotFound
    when nothing was held out, InvalidValue for an unknown part.
    """
    for part in only:
        require_choice("part", part, PARTS)
    info = replace(info, instrument=instrument or info.instrument)
    loaded = load(info)
    report: dict[str, Any] = {
        "model": info.name,
        "instrument": info.instrument,
        "model_hash": loaded.hash,
        "seed": seed,
        "counts": asdict(counts),
    }
    if "speed" in only:
        report["speed"] = speed(info, counts.speed)
    say("reading the data")
    held_out = apart(read_held_out(data, info.instrument))
    humans = [
        replace(example, condition=known_genre(example.condition, loaded.composer.config.genres))
        for example in human_loops(held_out, "validation", counts.compared, seed)
    ]
    report["n_human_loops"] = len(humans)
    judge = read_judge(judge_data) if judge_data is not None and "emotion" in only else None
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "validity": lambda: {"validity": validity(loaded, info.instrument, counts.validity, seed)},
        "control": lambda: _control(loaded, humans, counts.control, seed),
        "emotion": lambda: _emotion(loaded, humans, judge, counts.emotion, seed),
        "likelihood": lambda: {"likelihood": likelihood(info, held_out)},
        "loops": lambda: _beside_humans(loaded, held_out, humans, counts, seed),
    }
    for part, step in steps.items():
        if part in only:
            say(part)
            report |= step()
    report = plain(report)
    return {**report, "promises": promises(report)}


def _control(loaded: Any, humans: Sequence[Example], count: int, seed: int) -> dict[str, Any]:
    asked = controls.control(loaded, humans, count, seed)
    return {
        "asked": asked,
        "density_spearman": asked["density"]["spearman"],
        "genre": controls.genre(loaded, humans, count, seed),
        "technique": controls.technique(loaded, humans, count // 2, seed),
    }


def _emotion(loaded: Any, humans: Sequence[Example], judge: Judge | None, count: int, seed: int) -> dict[str, Any]:
    found = emotion(loaded, humans, judge, count, seed)
    return {"control": found.pop("control"), "emotion": found}


def _beside_humans(
    loaded: Any, held_out: HeldOut, humans: Sequence[Example], counts: Counts, seed: int
) -> dict[str, Any]:
    """Distribution, scores and memorisation of generated loops and baselines that answer the same requests.

    Where the scores' own reference was never played (notation has no timing), takes keep to the grid as the human
    loops beside them do: played timing would count as damage there.
    """
    on_grid = missing(humans[0].condition.instrument, MIN_NOTES).get("timing") == NOT_PLAYED
    changes = {"humanise_percent": 0.0} if on_grid else {}
    asked = [example.condition.changed(**changes) for example in humans]
    training = human_loops(held_out, "train", N_TRAINING_LOOPS, seed)
    systems = {
        HUMAN: System.of([example.played for example in humans], [example.bars for example in humans]),
        GENERATED: generated_system(make(loaded, asked, seed)),
        BEST_OF: generated_system(make_best(loaded, asked[: counts.best], seed, BEST_OF_N)),
        **baseline_systems(humans, training, seed),
    }
    copied = {"generated": GENERATED, "validation": HUMAN, BEST_OF: BEST_OF}
    return {
        "takes_on_grid": on_grid,
        "n_compared": {name: len(system.loops) for name, system in systems.items()},
        "distribution": distribution(systems, humans[0].condition.instrument),
        "scores": scores(systems),
        "memorisation": memorisation(held_out, {name: systems[key].bars for name, key in copied.items()}),
    }


def plain(value: Any) -> Any:
    """Values as JSON can hold them: None where a number is not finite."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
