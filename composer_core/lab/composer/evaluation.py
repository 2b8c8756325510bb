"""Evaluate a composer in seven parts, each beside the same measure on real loops.

The parts are validity, control, distribution, scores, memorisation, baselines in the same run, and speed.
Everything is measured on takes the model never saw.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from composer_core.errors import require_choice, require_range
from composer_core.estimate.scores.axes import MIN_NOTES, NOT_PLAYED
from composer_core.lab.composer import control as controls
from composer_core.lab.composer.affect import Judge, emotion, read_judge
from composer_core.lab.composer.held_out import (
    HeldOutParts,
    HumanExample,
    apart,
    generate_best_for,
    generate_for,
    human_loops,
    percentiles,
    read_held_out,
    without_unknown_genres,
)
from composer_core.lab.composer.likelihood import likelihood
from composer_core.lab.composer.memory import memorisation
from composer_core.lab.composer.promises import promises
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
from composer_core.music.condition import Condition
from composer_core.pipeline.generation.takes import generate
from composer_core.pipeline.models import ModelInfo, load
from composer_core.pipeline.scoring import missing
from composer_core.workspace import Workspace

WARM_UP = 2
BYTES_PER_MIB = 2**20


def speed(info: ModelInfo, takes: int) -> dict[str, object]:
    """Seconds of a four-bar take, alone and as the best of eight; tokens per second; the largest memory.

    Measured in a process of its own, whose memory nothing but generating has grown.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_speed, info, takes).result()


def _speed(info: ModelInfo, takes: int) -> dict[str, Any]:
    from composer_core.model.composer.sampling import sample_ids
    from composer_core.model.device import thread_count

    loaded, condition = load(info), Condition(info.instrument)
    times: dict[int, list[float]] = {1: [], 8: []}
    for best_of, found in times.items():
        for seed in range(WARM_UP + (takes if best_of == 1 else max(3, takes // 2))):
            started = time.perf_counter()
            generate(condition, seed=seed, model=str(info.path), best_of=best_of)
            found.append(time.perf_counter() - started)
    started = time.perf_counter()
    n_tokens = sum(len(sample_ids(loaded, condition, [seed])[0]) + 1 for seed in range(takes))
    elapsed = time.perf_counter() - started
    return {
        "n": takes,
        "one_take_sec": percentiles(times[1][WARM_UP:], 50, 95),
        "best_of_8_sec": percentiles(times[8][WARM_UP:], 50, 95),
        "tokens_per_sec": n_tokens / elapsed,
        "memory_mib": peak_memory_bytes() / BYTES_PER_MIB,
        "threads": thread_count(),
        "cores": os.cpu_count(),
        "load_average": float(np.round(os.getloadavg()[0], 2)),
    }


def peak_memory_bytes() -> int:
    """Largest resident size of this process so far (getrusage counts KiB on Linux, bytes on macOS)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)


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
    data: Path | Workspace,
    counts: Counts = Counts(),
    seed: int = 0,
    instrument: str | None = None,
    judge_data: Path | None = None,
    only: Sequence[str] = PARTS,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, object]:
    """The whole report of one composer on a data folder or library; one of all instruments plays `instrument`.
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
        replace(example, condition=without_unknown_genres(example.condition, loaded.composer.config.genres))
        for example in human_loops(held_out, "validation", counts.compared, seed)
    ]
    report["n_human_loops"] = len(humans)
    judge = read_judge(judge_data) if judge_data is not None and "emotion" in only else None
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "validity": lambda: {"validity": validity(loaded, info.instrument, counts.validity, seed)},
        "control": lambda: _control(loaded, humans, counts.control, seed),
        "emotion": lambda: _emotion(loaded, humans, judge, counts.emotion, seed),
        "likelihood": lambda: {"likelihood": likelihood(info, held_out)},
        "loops": lambda: _compared_with_humans(loaded, held_out, humans, counts, seed),
    }
    for part, step in steps.items():
        if part in only:
            say(part)
            report |= step()
    report = cast(dict[str, Any], plain(report))
    return {**report, "promises": promises(report)}


def _control(loaded: Any, humans: Sequence[HumanExample], count: int, seed: int) -> dict[str, Any]:
    asked: dict[str, Any] = controls.control(loaded, humans, count, seed)
    return {
        "asked": asked,
        "density_spearman": asked["density"]["spearman"],
        "genre": controls.genre(loaded, humans, count, seed),
        "technique": controls.technique(loaded, humans, count // 2, seed),
    }


def _emotion(loaded: Any, humans: Sequence[HumanExample], judge: Judge | None, count: int, seed: int) -> dict[str, Any]:
    found = emotion(loaded, humans, judge, count, seed)
    return {"control": found.pop("control"), "emotion": found}


def _compared_with_humans(
    loaded: Any, held_out: HeldOutParts, humans: Sequence[HumanExample], counts: Counts, seed: int
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
        GENERATED: generated_system(generate_for(loaded, asked, seed)),
        BEST_OF: generated_system(generate_best_for(loaded, asked[: counts.best], seed, BEST_OF_N)),
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


def plain(value: object) -> object:
    """Values as JSON can hold them: None where a number is not finite."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
