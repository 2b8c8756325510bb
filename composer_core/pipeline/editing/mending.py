"""The retry queue: loops below the pass mark, mended by rules where that makes them score better.

Rules that fit the worst axis are tried one by one, the best is kept and the next worst axis follows. What was
done is a recipe, which can be read, saved and applied again. The loop itself stays as it is: a mended one
is a loop of its own in the library, and training never sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from composer_core.errors import ComposerError, require_range
from composer_core.estimate import estimate_key
from composer_core.estimate.scores.axes import AXES, SCORE_NAMES, TOTAL
from composer_core.estimate.scores.profiles import PERFORMED, PROGRAMMED, measured_profile
from composer_core.music.loop import Loop
from composer_core.pipeline.access.rights import require
from composer_core.pipeline.editing.recipes import Recipe, Step
from composer_core.pipeline.library import browse
from composer_core.pipeline.library.filters import EVERYTHING, ColumnRange, Filter
from composer_core.pipeline.library.loops import add_generated
from composer_core.pipeline.library.measuring import finite_or_none
from composer_core.pipeline.library.query import JUDGED_PROFILE
from composer_core.pipeline.library.rescoring import retry_queue
from composer_core.pipeline.scoring import Scored, score, weighted_total
from composer_core.pipeline.settings import Settings, settings_or_defaults
from composer_core.rules import GrooveTemplate, extract_groove
from composer_core.rules.playability import violations
from composer_core.store.loops.record import SCORE_PREFIX
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

LEAST_GAIN = 1.0
"""A rule stays only when it gains so many points."""
MAX_STEPS = 4
N_GROOVES, _GROOVE_SEARCH = 3, 60
Grooves = Sequence[GrooveTemplate]


@dataclass(frozen=True, slots=True, eq=False)
class Mended:
    """A loop before and after, each with its scores by SCORE_NAMES (NaN where none applies).

    `recipe` has no steps where no rule made it better; `after` is `before` then. `total_before` and
    `total_after` follow the weights of the settings. All of them are by `profile`.
    """

    loop_id: str
    before: Loop
    after: Loop
    scores_before: Mapping[str, float]
    scores_after: Mapping[str, float]
    total_before: float
    total_after: float
    recipe: Recipe | None
    profile: str = PERFORMED
    kept_as: str = ""

    @property
    def better(self) -> bool:
        """True when a rule raised the total."""
        return self.recipe is not None


def retry(
    workspace: Workspace,
    loop_ids: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    keep: bool = True,
    filter: Filter = EVERYTHING,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[Mended]:
    """Try to mend loops (None: the retry queue, the worst first), and add the better ones to the library.

    Each is judged by its own profile. `filter` says which loops of the queue are tried. Doing it again adds
    nothing twice. NotFound for an unknown loop, InvalidValue for a limit below 1.
    """
    if keep:
        require("add_loops")
    if limit is not None:
        require_range("limit", limit, 1, np.inf)
    settings = settings_or_defaults(workspace)
    names = list(loop_ids) if loop_ids is not None else retry_queue(workspace, settings, filter)[:limit]
    profiles = _profiles(workspace, names)
    known: dict[tuple[str, str], Grooves] = {}
    found = []
    for index, (loop_id, loop) in enumerate(zip(names, LoopStore(workspace).load_many(names), strict=True)):
        kind = (loop.instrument, str(loop.meter))
        if kind not in known:
            known[kind] = library_grooves(workspace, loop, settings.pass_mark)
        mended = mend(loop, known[kind], settings, loop_id, profiles.get(loop_id))
        found.append(_kept(workspace, mended) if keep and mended.better else mended)
        progress(index + 1, len(names))
    return found


def _profiles(workspace: Workspace, loop_ids: Sequence[str]) -> dict[str, str]:
    """The profile each loop is judged by, where the library knows it."""
    rows = browse.rows(workspace, loop_ids, ["loop_id", JUDGED_PROFILE])
    return {str(name): code for name, code in rows.itertuples(index=False) if isinstance(code, str) and code}


def mend(
    loop: Loop,
    grooves: Grooves = (),
    settings: Settings | None = None,
    loop_id: str = "",
    profile: str | None = None,
) -> Mended:
    """Apply the rules that raise a loop's total by a profile (None: its own as measured), at most MAX_STEPS of them."""
    weights = (settings or Settings()).score_weights
    judged_by = profile or measured_profile(loop)
    before = score([loop], judged_by)[0]
    start = current = _total(before, weights)
    best, scored, steps = loop, before, list[Step]()
    tried: set[str] = set()
    while len(steps) < MAX_STEPS:
        axis = _worst_axis(scored.scores, tried)
        if axis is None:
            break
        candidates = _changed(best, candidate_steps(best, axis, grooves, judged_by))
        results = score([one for _, one in candidates], judged_by)
        gains = [_total(one, weights) - current for one in results]
        index = int(np.argmax(gains)) if gains else -1
        if index < 0 or not gains[index] >= LEAST_GAIN:
            tried.add(axis)
            continue
        step, best = candidates[index]
        scored, tried = results[index], set()
        current = _total(scored, weights)
        steps.append(step)
    recipe = Recipe(f"mended {loop_id}".strip(), tuple(steps)) if steps else None
    return Mended(loop_id, loop, best, before.scores, scored.scores, start, current, recipe, judged_by)


def candidate_steps(loop: Loop, axis: str, grooves: Grooves = (), profile: str = PERFORMED) -> list[Step]:
    """Rules that may mend an axis of a loop; what is programmed is not given the groove of its own bars."""
    quantised = [
        Step("quantise", {"grid": grid, "strength": share}) for grid in ("16", "16t") for share in (0.3, 0.5, 0.7)
    ]
    fitting = [groove for groove in grooves if groove.meter == loop.meter]
    own = extract_groove([loop], "its own bars", "16").to_json() if len(loop.notes) else None
    has_groove = own is not None and profile != PROGRAMMED
    steady = [Step("groove", {"template": own, "timing": 0.5, "dynamics": 0.5})] if has_groove else []
    if axis == "timing":
        return [*quantised, *_grooved(fitting, "timing"), *steady]
    if axis == "velocity":
        bent = [Step("velocity_curve", {"exponent": exponent}) for exponent in (0.6, 0.8, 1.25, 1.7)]
        accented = [Step("accent", {"amount": amount}) for amount in (8.0, 16.0, -8.0)]
        return [*bent, *accented, *_grooved(fitting, "dynamics"), *steady]
    tonal = [] if loop.is_drums else [*_in_key(loop), Step("fit_range", {})]
    if axis == "groove_harmony":
        return [*tonal, *quantised, Step("straighten", {"grid": 8}), Step("straighten", {"grid": 16}), *steady]
    playable = [Step("make_playable", {})] if any(violations(loop).values()) else []
    if axis == "cohesion":
        return [*playable, *tonal, *quantised]
    return [Step("seal_seam", {}), *playable, *steady]


def _grooved(grooves: Grooves, part: str) -> list[Step]:
    other = "dynamics" if part == "timing" else "timing"
    return [
        Step("groove", {"template": groove.to_json(), part: share, other: rest})
        for groove in grooves
        for share, rest in ((1.0, 0.0), (0.6, 0.0), (1.0, 1.0))
    ]


def _in_key(loop: Loop) -> list[Step]:
    key = estimate_key(loop)
    return [] if key is None else [Step("snap_to_key", {"key": str(key.key)})]


def library_grooves(workspace: Workspace, like: Loop, pass_mark: float) -> list[GrooveTemplate]:
    """Grooves of passing imported loops of the same instrument and metre, those nearest in tempo."""
    wanted = Filter(
        instruments=(like.instrument,),
        meters=(str(like.meter),),
        origins=("imported",),
        ranges=(ColumnRange(SCORE_PREFIX + TOTAL, pass_mark),),
        hide_duplicates=True,
        hide_excluded=True,
    )
    best = browse.page(
        workspace, wanted, [(SCORE_PREFIX + TOTAL, True)], limit=_GROOVE_SEARCH, columns=("loop_id", "tempo_bpm")
    ).rows
    nearest = best.iloc[np.argsort(np.abs(best["tempo_bpm"].to_numpy() - like.tempo_bpm), kind="stable")[:N_GROOVES]]
    names = nearest["loop_id"].tolist()
    return [
        extract_groove([loop], f"of loop {name}", "16")
        for name, loop in zip(names, LoopStore(workspace).load_many(names), strict=True)
    ]


def _changed(loop: Loop, steps: Sequence[Step]) -> list[tuple[Step, Loop]]:
    """Each step with the loop after it, without those that change nothing or do not apply."""
    found = []
    for step in steps:
        try:
            changed = step.apply(loop)
        except ComposerError:
            continue  # a rule that refuses this loop (another metre, no notes left) is no candidate
        if not all(map(np.array_equal, changed.notes.columns(), loop.notes.columns())):
            found.append((step, changed))
    return found


def _worst_axis(scores: Mapping[str, float], tried: set[str]) -> str | None:
    left = [axis for axis in AXES if axis not in tried and not np.isnan(scores[axis])]
    return min(left, key=lambda axis: scores[axis], default=None)


def _total(scored: Scored, weights: Mapping[str, float] | None) -> float:
    columns = {name: np.array([scored.scores[name]]) for name in SCORE_NAMES}
    return float(weighted_total(columns, weights)[0])


def _kept(workspace: Workspace, mended: Mended) -> Mended:
    assert mended.recipe is not None
    what = repr([(step.rule, step.given) for step in mended.recipe.steps])
    take_id = f"mended-{mended.loop_id}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"
    return replace(mended, kept_as=add_generated(workspace, [(mended.after, take_id)])[0])


def steps_text(recipe: Recipe | None) -> list[str]:
    """The steps in words that say rule and numbers, grooves by their name."""
    return [_step_text(step.rule, step.given) for step in (recipe.steps if recipe else ())]


def _step_text(rule: str, given: Mapping[str, Any]) -> str:
    values = [value["name"] if isinstance(value, Mapping) else f"{name} {value}" for name, value in given.items()]
    return " ".join([rule, *values])


def mended_line(mended: Mended) -> str:
    """One line: the loop, its total before and after, the steps, and the loop it was kept as."""
    change = f"{mended.loop_id} {mended.total_before:.0f} -> {mended.total_after:.0f}"
    kept = f"  kept as {mended.kept_as}" if mended.kept_as else ""
    return f"{change}  {', '.join(steps_text(mended.recipe)) or 'no rule made it better'}{kept}"


def mended_json(mended: Mended) -> dict[str, object]:
    """The same with all scores, for JSON."""
    before, after = (
        {name: finite_or_none(value) for name, value in scores.items()}
        for scores in (mended.scores_before, mended.scores_after)
    )
    return {
        "loop_id": mended.loop_id,
        "profile": mended.profile,
        "total": {"before": finite_or_none(mended.total_before), "after": finite_or_none(mended.total_after)},
        "scores": {"before": before, "after": after},
        "steps": steps_text(mended.recipe),
        "kept_as": mended.kept_as or None,
    }
