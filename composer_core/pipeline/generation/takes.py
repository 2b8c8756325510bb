"""Generate takes: sample notes, perform them, apply the rules and measure the result."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from composer_core.errors import require_range
from composer_core.estimate import estimate_affect, estimate_key
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.midi import read_song
from composer_core.metrics import measure
from composer_core.music.condition import Condition
from composer_core.music.instruments import DEFAULT_PROGRAM
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.generation.fill_in import fill_in, filled_in_fields, own_table, with_density
from composer_core.pipeline.generation.reranking import choose_best
from composer_core.pipeline.models import ModelInfo, find_model, load, performer
from composer_core.pipeline.scoring import judge
from composer_core.pipeline.training.labelled import taught_by_labels
from composer_core.render.midi import Markings, loop_to_midi
from composer_core.rules import perform, with_techniques
from composer_core.rules.perform import Performed
from composer_core.rules.technique import RENDERED
from composer_core.store.atomic import read_json
from composer_core.store.damage import readable
from composer_core.store.takes import Take, read_take, take_paths, write_take
from composer_core.workspace import Workspace

if TYPE_CHECKING:
    from composer_core.model.composer.checkpoint import LoadedModel
    from composer_core.model.config import ModelConfig

_log = logging.getLogger(__name__)

__all__ = [
    "Take",
    "foreseen",
    "generate",
    "iter_takes",
    "list_takes",
    "load_take",
    "measure_midi",
    "measure_take",
    "perform_take",
    "render_take",
    "save_takes",
    "take_midi",
]

MAX_TAKES = 64
MAX_CANDIDATES = 32
MAX_SEED = 2**31 - 1
NO_PERFORMER, VELOCITY_ONLY = "no_performer", "velocity_only"


@guarded("generate")
def iter_takes(
    condition: Condition,
    *,
    takes: int = 1,
    first: int = 0,
    seed: int = 0,
    model: str | None = None,
    workspace: Workspace | None = None,
    best_of: int = 1,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Take]:
    """Generate the takes of a request one by one, from number `first` of the series on.

    Take i depends on condition, seed, i, model and `best_of` only. With `best_of` N, N candidates are sampled and the
    one that fits the condition and scores best is kept (see `reranking.choose_best`). Open fields of the request may be
    filled in to suit its emotion (see `fill_in.fill_in`); the take lists them. A stop ends the series after the current
    take. NotFound when the instrument has no model; InvalidValue for takes, seed or candidates out of range.
    """
    require_range("takes", takes, 1, MAX_TAKES - first)
    require_range("seed", seed, 0, MAX_SEED)
    require_range("best of", best_of, 1, MAX_CANDIDATES)
    loaded = load(find_model(condition.instrument, model, workspace))
    performer(condition.instrument)  # loaded before the first take is timed
    for index in range(first, first + takes):
        if should_stop():
            return
        take = make_take(condition, seed, index, loaded, best_of)
        log_take(take)
        yield take


def log_take(take: Take) -> None:
    """Log that a take was made, by which model and in how many seconds."""
    instrument, kind = take.condition.instrument, take.edit or "new"
    _log.info("take %s of %s (%s) by %s in %.2f s", take.take_id, instrument, kind, take.model_hash, take.seconds)


@guarded("generate")
def generate(
    condition: Condition,
    *,
    takes: int = 1,
    seed: int = 0,
    model: str | None = None,
    workspace: Workspace | None = None,
    best_of: int = 1,
) -> list[Take]:
    """Generate all takes of a request; see `iter_takes`."""
    return list(iter_takes(condition, takes=takes, seed=seed, model=model, workspace=workspace, best_of=best_of))


def foreseen(condition: Condition, info: ModelInfo) -> tuple[str, ...]:
    """The notices that the takes of a request will carry, known before anything is sampled.

    Only the model's configuration is read, not its weights.
    """
    from composer_core.model.config import ModelConfig, config_from_json

    facts = cast(dict[str, Any], read_json(info.path / "config.json"))
    return _notices(config_from_json(ModelConfig, facts["model"], str(info.path)), facts, condition)


def _notices(shape: ModelConfig, facts: Mapping[str, Any], condition: Condition) -> tuple[str, ...]:
    """A model's notices. 'Technique not learnt' is left out when rules render all requested techniques anyway."""
    from composer_core.model.composer.notices import UNLEARNT_TECHNIQUE, notices_of

    heard = set(condition.technique) <= set(RENDERED[condition.instrument])
    return tuple(code for code in notices_of(shape, facts, condition) if not (heard and code == UNLEARNT_TECHNIQUE))


def make_take(
    condition: Condition,
    seed: int,
    index: int,
    loaded: LoadedModel,
    best_of: int = 1,
    others: Sequence[Loop] = (),
    kicks: Sequence[int] = (),
) -> Take:
    """Generate one take of a series.

    In an ensemble, `others` are the parts generated before this one, as they sound, and `kicks` are the grid steps of
    their bass drum: a bass is steered towards them while it is sampled.
    """
    from composer_core.model.composer.sampling import sample_mixed

    started = time.perf_counter()
    own_seed = take_seed(seed, index)
    seeds = [own_seed, *(take_seed(own_seed, number) for number in range(1, best_of))]
    met = kicks if condition.instrument == "bass" else ()
    own = own_table(loaded.facts, condition.instrument)
    whole = [fill_in(condition, one, own) for one in seeds]
    if met:  # without a density, the model's basses play fewer notes beside a kit than real basses do
        whole = [with_density(one, own) for one, own in zip(whole, seeds, strict=True)]
    candidates = [_played(condition, notes, own_seed) for notes in sample_mixed(loaded, whole, seeds, hits=met)]
    heard = [render_grid(grid, offset, condition) for grid, offset, _ in candidates]
    chosen = choose_best(condition, heard, others, taught_by_labels(loaded.facts))
    grid, offset_ms, performed = candidates[chosen]
    hash_of_performer = performer_hash(condition.instrument)
    return Take(
        take_id=_take_id(
            condition, seed, index, f"{loaded.hash}{hash_of_performer}{_chosen_from(best_of, others, met)}"
        ),
        condition=condition,
        seed=seed,
        index=index,
        model=loaded.name,
        model_hash=loaded.hash,
        grid=grid,
        offset_ms=offset_ms,
        seconds=time.perf_counter() - started,
        notices=(*_notices(loaded.composer.config, loaded.facts, condition), *performed),
        created_at=time.time(),
        performer_hash=hash_of_performer,
        candidates=best_of,
        drawn=filled_in_fields(condition, whole[chosen]),
        played_seed=own_seed,
    )


def _chosen_from(best_of: int, others: Sequence[Loop], kicks: Sequence[int]) -> str:
    """What decides a take besides its request, as a part of its id; "" for a single take."""
    if best_of == 1:
        return f" to kicks {tuple(kicks)}" if kicks else ""
    digest = hashlib.sha256(b"".join(c.tobytes() for loop in others for c in loop.notes.columns())).hexdigest()[:8]
    return f" best of {best_of} beside {digest}" if others else f" best of {best_of}"


def _played(condition: Condition, notes: Notes, seed: int) -> tuple[Loop, NDArray[np.float64], tuple[str, ...]]:
    program = DEFAULT_PROGRAM[condition.instrument]
    grid = Loop(condition.instrument, notes, condition.bars, condition.tempo_bpm, condition.meter, program)
    return perform_grid(grid, condition, seed)


def performer_hash(instrument: str) -> str:
    """Digest of the instrument's performer; empty where it has none."""
    player = performer(instrument)
    return player.hash if player is not None else ""


def take_seed(seed: int, index: int) -> int:
    """The seed of one take. The first take has the seed of the series, so that any take can be generated alone."""
    return seed if index == 0 else int(np.random.SeedSequence([seed, index]).generate_state(1)[0] & MAX_SEED)


def perform_grid(grid: Loop, condition: Condition, seed: int) -> tuple[Loop, NDArray[np.float64], tuple[str, ...]]:
    """Let the performer play a loop: the loop with its velocities, its micro-offsets in ms (n_notes,), and notices.

    A notice says when the instrument has no performer, or one that knows no timing.
    """
    player = performer(condition.instrument)
    if player is None:
        return grid, np.zeros(len(grid.notes)), (NO_PERFORMER,)
    velocity, offset_ms = player.perform(
        grid, tempo_bpm=condition.tempo_bpm, genre=condition.genre, arousal=condition.arousal, seed=seed
    )
    notices = () if player.network.config.timing else (VELOCITY_ONLY,)
    return grid.with_notes(grid.notes.with_columns(velocity=velocity)), offset_ms, notices


def _take_id(condition: Condition, seed: int, index: int, hashes: str) -> str:
    named = json.dumps([condition.to_json(), seed, index, hashes], sort_keys=True)
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def perform_take(take: Take, condition: Condition | None = None) -> Performed:
    """Play the take by rules, at the tempo, swing, humanise and techniques of its own condition or of another one.

    This is cheap: the notes stay the same and nothing is sampled. Other fields of the condition have no effect.
    """
    return _perform(take.grid, take.offset_ms, condition or take.condition, take.own_swing_ms)


def render_grid(grid: Loop, offset_ms: NDArray[np.float64], condition: Condition) -> Loop:
    """Turn notes on the grid into a loop as it sounds under a condition."""
    return _perform(grid, offset_ms, condition).loop


def _perform(
    grid: Loop,
    offset_ms: NDArray[np.float64],
    condition: Condition,
    own_swing_ms: Mapping[int, NDArray[np.float64]] | None = None,
) -> Performed:
    """Apply tempo, swing and humanise, then those requested techniques that a rule can render."""
    performed = perform(
        grid,
        offset_ms,
        tempo_bpm=condition.tempo_bpm,
        swing_ratio=condition.swing_ratio,
        swing_grid=condition.swing_grid,
        humanise_percent=condition.humanise_percent,
        own_swing_ms=own_swing_ms,
    )
    if not condition.technique:
        return performed
    return replace(performed, loop=with_techniques(performed.loop, condition.technique))


def render_take(take: Take, condition: Condition | None = None) -> Loop:
    """The loop of `perform_take`."""
    return perform_take(take, condition).loop


def take_midi(take: Take, condition: Condition | None = None) -> bytes:
    """The take as a MIDI file whose End of Track lies exactly at the loop's end."""
    loop = render_take(take, condition)
    return loop_to_midi(loop, markings=markings_of([take], [condition or take.condition], [loop]))


def markings_of(takes: Sequence[Take], conditions: Sequence[Condition], loops: Sequence[Loop]) -> Markings:
    """What the file of takes says of them, as they sound under these conditions.

    The key is the one asked for, else that of the first pitched part as it is estimated; chords are those asked for or
    drawn, where they change. Bars that a take was continued by are a section of their own.
    """
    pitched = [index for index, loop in enumerate(loops) if not loop.is_drums]
    key = next((conditions[index].key for index in pitched if conditions[index].key is not None), None)
    if key is None and pitched:
        estimate = estimate_key(loops[pitched[0]])
        key = None if estimate is None else estimate.key
    line = next((conditions[index].chord_line for index in pitched if conditions[index].chords), ())
    bar_tick = loops[0].meter.bar_tick
    chords = [(bar * bar_tick, str(chord)) for bar, chord in enumerate(line) if bar == 0 or chord != line[bar - 1]]
    more = max((int(take.edit.split()[1]) for take in takes if take.edit.startswith("continue ")), default=0)
    sections = [(0, "A")] if not more else [(0, "A"), ((loops[0].bars - more) * bar_tick, "B")]
    return Markings(key, tuple(chords), tuple(sections))


def measure_take(loop: Loop) -> dict[str, object]:
    """Measure a loop: tempo, bars, metre, key, swing, density, valence, arousal and scores; None where undefined.

    `scores` judge it as performed, whatever it is; `score_profile` says which profile it is played for.
    """
    metrics = measure(loop)
    valence, arousal = estimate_affect(metrics, loop.instrument)
    judged = judge([loop], [metrics])[0]
    key = estimate_key(loop)
    measured = {name: _number(metrics.get(name)) for name in ("swing_ratio_8", "swing_ratio_16", "onset_density")}
    return {
        # A MIDI file holds whole microseconds per quarter, so further decimals of a tempo are rounding error.
        "tempo_bpm": round(loop.tempo_bpm, 3),
        "bars": loop.bars,
        "meter": str(loop.meter),
        "key": None if key is None else str(key.key),
        **measured,
        "velocity_mean": _number(metrics.get("velocity_mean")),
        "valence": valence,
        "arousal": arousal,
        "scores": _numbers(judged.by_profile[PERFORMED].scores),
        "score_profile": judged.profile,
        "programmed_scores": _numbers(judged.by_profile[PROGRAMMED].scores),
    }


def measure_midi(data: bytes, name: str) -> dict[str, object]:
    """Measure a written MIDI file: what a DAW will read from it, not what was meant."""
    loops = cut(read_song(data, name), WHOLE_SONG)
    return measure_take(loops[0])


def _numbers(scores: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in scores.items()}


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(value)


@guarded("generate")
def save_takes(workspace: Workspace, takes: list[Take]) -> None:
    """Keep takes in the workspace's history."""
    workspace.create()
    for take in takes:
        write_take(workspace.takes, take)


def list_takes(workspace: Workspace, limit: int = 100) -> list[Take]:
    """The newest takes of the workspace; a damaged one is noted and left out."""
    return list(islice(readable(take_paths(workspace.takes), read_take), limit))


def load_take(workspace: Workspace, take_id: str) -> Take:
    """One stored take by its id."""
    return read_take(workspace.takes / f"{take_id}.json")
