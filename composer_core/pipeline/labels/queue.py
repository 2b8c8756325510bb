"""The queue of loops to label: the order in which a rater hears them, and the reason each is there."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from composer_core.errors import require_choice
from composer_core.pipeline.labels import overview
from composer_core.pipeline.labels.overview import ModelDisagreement, Opinions
from composer_core.pipeline.library.similar import outlyingness
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

ORDERS = ("uncertainty", "disagreement", "against_model", "outlier", "mixed", "random", "newest")
MIX_EVERY = 5
"""In the order `mixed` every fifth loop is chosen at random. Loops chosen only by a model's doubt could not show how
good the model is."""
_SECOND_OPINION = 2
"""When so many people have approved a loop, a model's objection to it counts as settled."""


_unique: dict[Path, tuple[str, list[str], frozenset[str]]] = {}
"""By workspace: the state of the library (its digest), and the unique loops read at that state, in order and as a
set."""
_shuffles: dict[tuple[Path, str], tuple[str, dict[str, int]]] = {}
"""By workspace and rater: the state of the library, and the place of each unique loop in the rater's shuffle."""
_MOST_SHUFFLES = 50


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A loop to label, and the reason it is in the queue.

    `reason` is `disputed`, `draft`, `skipped`, `uncertain` (with the least certain `field` and its
    `confidence`), `unsuggested`, `disagreement` (sources differ on `field`), `against_model` (a label
    and a model differ on `field`, and the model has this `confidence`), `outlier` (`field` is the
    metric that stands out most), `random` or `newest`. `amount` is the size of a disagreement, 0 to 1,
    or the distance of the metric from its instrument's mean in standard deviations.
    """

    loop_id: str
    reason: str
    field: str = ""
    confidence: float | None = None
    amount: float | None = None


@dataclass(frozen=True, slots=True)
class _Ranking:
    """The ranking that an order gives.

    `ranks` holds a rank for each loop the order has a reason for, the lowest first; `item` makes the queue item with
    the reason; `again` are loops that are queued although they are decided; with `is_mixed` every fifth loop is random.
    """

    ranks: Mapping[str, float]
    item: Callable[[str], QueueItem]
    again: frozenset[str] = frozenset()
    is_mixed: bool = False


def queue(
    workspace: Workspace,
    *,
    rater: str,
    order: str = "uncertainty",
    limit: int = 50,
    loop_ids: Sequence[str] | None = None,
) -> list[QueueItem]:
    """The loops that `rater` should hear next, at most `limit` of them; from `loop_ids` alone if these are given.

    Disputed loops that the rater has not decided come first, then the others by `order`:
    uncertainty (by the loop's least certain field), disagreement (the sources of a loop differ
    most), against_model (a label and a model differ, the surest model first), outlier
    (measurements farthest from those of the instrument), mixed (uncertainty, with every fifth
    loop at random), random (a fixed shuffle for each rater) or newest. Loops without a rank in
    the order follow in the random order.

    Approved and rejected loops and exact duplicates are not queued. The exception is
    against_model, which asks for a second opinion on approved loops until the rater has decided
    after the model's suggestion, or two people have approved. Skipped loops come last, the
    longest skipped first.
    """
    require_choice("order", order, ORDERS)
    store = open_labels(workspace)
    own = overview.acts(store, rater)
    statuses = overview.statuses(store)
    decided = {loop_id for kind, loop_id in own.values() if kind in ("approve", "reject")}
    state, wanted, _ = _unique_at(workspace)
    places = _shuffled(workspace, state, wanted, rater)
    if loop_ids is not None:
        asked = set(loop_ids)
        wanted = [loop for loop in wanted if loop in asked]
    ranking = _RANKINGS[order](workspace, store, wanted, rater)
    left = [loop for loop in wanted if loop in ranking.again or _open(statuses.get(loop), loop in decided)]
    skipped = _skipped(own)
    found = _first(left, limit, ranking, skipped, places, lambda loop: statuses.get(loop) == "disputed")
    return [_item(loop, drawn, statuses.get(loop), loop in skipped, ranking) for loop, drawn in found]


def _first(
    left: Sequence[str],
    limit: int,
    ranking: _Ranking,
    skipped: Mapping[str, int],
    places: Mapping[str, int],
    is_disputed: Callable[[str], bool],
) -> list[tuple[str, bool]]:
    """The first `limit` loops (disputed ones, those of the order, skipped ones), and whether each came at random."""

    def place(loop: str) -> tuple[float, ...]:
        """The sort key of a loop; loops without a rank come last, in the order of the rater's shuffle."""
        return ranking.ranks.get(loop, math.inf), places[loop]

    disputed = [loop for loop in left if is_disputed(loop)]
    disputed.sort(key=lambda loop: (skipped.get(loop, 0), *place(loop)))
    fresh = [loop for loop in left if loop not in skipped and not is_disputed(loop)]
    ordered = dict.fromkeys(heapq.nsmallest(limit, fresh, key=place), False)
    if ranking.is_mixed:
        ordered = _mixed(list(ordered), heapq.nsmallest(limit, fresh, key=lambda loop: places[loop]))
    last = sorted((loop for loop in left if loop in skipped and not is_disputed(loop)), key=lambda loop: skipped[loop])
    found = dict.fromkeys(disputed, False) | ordered | dict.fromkeys(last, False)
    return list(found.items())[:limit]


def _mixed(doubtful: Sequence[str], chance: Sequence[str]) -> dict[str, bool]:
    """Mix two orders: every fifth place goes to the next loop of `chance` not used yet. True marks these loops."""
    mixed: dict[str, bool] = {}
    by_doubt, drawn = iter(doubtful), iter(chance)
    while len(mixed) < len(doubtful):
        is_drawn = len(mixed) % MIX_EVERY == MIX_EVERY - 1
        loop = next(loop for loop in (drawn if is_drawn else by_doubt) if loop not in mixed)
        mixed[loop] = is_drawn
    return mixed


def unique_loops(workspace: Workspace) -> list[str]:
    """Ids of the loops in the order they were added, without exact duplicates."""
    return list(_unique_at(workspace)[1])


def unique_set(workspace: Workspace) -> frozenset[str]:
    """The same loops as a set."""
    return _unique_at(workspace)[2]


def _unique_at(workspace: Workspace) -> tuple[str, list[str], frozenset[str]]:
    """The state of the library and its unique loops. The list is cached: do not change it in place."""
    store = LoopStore(workspace)
    state = store.digest()
    known = _unique.get(workspace.root)
    if known is None or known[0] != state:
        loops = store.table(["loop_id", "duplicate_of"], whole=False)
        found = list(loops["loop_id"][loops["duplicate_of"].isna()])
        known = _unique[workspace.root] = (state, found, frozenset(found))
    return known


def _open(status: str | None, decided_by_rater: bool) -> bool:
    """True while a loop still waits for this rater."""
    if status == "disputed":
        return not decided_by_rater
    return status not in ("approved", "rejected")


def _skipped(acts: Mapping[int, tuple[str, str]]) -> dict[str, int]:
    """The number of the rater's last skip of each loop, if no other action on the loop came after it."""
    last = {loop_id: (number, kind) for number, (kind, loop_id) in acts.items()}
    return {loop_id: number for loop_id, (number, kind) in last.items() if kind == "skip"}


def _item(loop_id: str, drawn: bool, status: str | None, skipped: bool, ranking: _Ranking) -> QueueItem:
    if status in ("disputed", "draft"):
        return QueueItem(loop_id, status)
    if skipped or drawn:
        return QueueItem(loop_id, "random" if drawn else "skipped")
    return ranking.item(loop_id)


def _by_uncertainty(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], _rater: str) -> _Ranking:
    """Rank the least certain loop first; loops without suggestions follow."""
    known = overview.source_statements(store)
    ranks = {
        loop: said.confidence
        for loop in loop_ids
        if (said := known.get(loop)) is not None and said.confidence is not None
    }

    def item(loop_id: str) -> QueueItem:
        """The item with the least certain field and its confidence; `unsuggested` for a loop without suggestions."""
        if loop_id not in ranks:
            return QueueItem(loop_id, "unsuggested")
        return QueueItem(loop_id, "uncertain", known[loop_id].field, ranks[loop_id])

    return _Ranking(ranks, item)


def _by_doubt_and_chance(workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], rater: str) -> _Ranking:
    """Rank by uncertainty, with every fifth loop at random."""
    return replace(_by_uncertainty(workspace, store, loop_ids, rater), is_mixed=True)


def _by_disagreement(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], _rater: str) -> _Ranking:
    known = _opinions(store, loop_ids)
    ranks = {loop_id: -opinions.amount for loop_id, opinions in known.items() if opinions.amount > 0}

    def item(loop_id: str) -> QueueItem:
        """The item with the field on which sources differ most, and by how much; `random` for any other loop."""
        if loop_id not in ranks:
            return QueueItem(loop_id, "random")
        return QueueItem(loop_id, "disagreement", known[loop_id].field, amount=round(known[loop_id].amount, 3))

    return _Ranking(ranks, item)


def _against_model(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], rater: str) -> _Ranking:
    found = {
        loop_id: against
        for loop_id, opinions in _opinions(store, loop_ids).items()
        if (against := opinions.against) is not None and _unsettled(against, rater)
    }
    ranks = {loop_id: -(against.confidence or 0.0) * against.amount for loop_id, against in found.items()}

    def item(loop_id: str) -> QueueItem:
        """The item with the label that differs most from a sure model; `random` for any other loop."""
        if loop_id not in found:
            return QueueItem(loop_id, "random")
        against = found[loop_id]
        return QueueItem(loop_id, "against_model", against.field, against.confidence, round(against.amount, 3))

    return _Ranking(ranks, item, frozenset(found))


def _opinions(store: LabelStore, loop_ids: Sequence[str]) -> dict[str, Opinions]:
    known = overview.source_statements(store)
    return {
        loop_id: said.opinions
        for loop_id in loop_ids
        if (said := known.get(loop_id)) is not None and said.opinions is not None
    }


def _unsettled(against: ModelDisagreement, rater: str) -> bool:
    """True when this rater's second opinion is wanted.

    It is not when the rater has voted since the model's suggestion, or when two people have approved.
    """
    if against.settled or sum(status == "approved" for _, status, _ in against.votes) >= _SECOND_OPINION:
        return False
    return all(event < against.model_event for author, _, event in against.votes if author == rater)


def _by_outlier(workspace: Workspace, _store: LabelStore, _loop_ids: Sequence[str], _rater: str) -> _Ranking:
    known = {one.loop_id: one for one in outlyingness(workspace)}

    def item(loop_id: str) -> QueueItem:
        """The item with the metric furthest from other loops, in standard deviations; `random` for any other loop."""
        if loop_id not in known:
            return QueueItem(loop_id, "random")
        return QueueItem(loop_id, "outlier", known[loop_id].metric, amount=known[loop_id].deviation)

    return _Ranking({loop_id: rank for rank, loop_id in enumerate(known)}, item)


def _at_random(_workspace: Workspace, _store: LabelStore, _loop_ids: Sequence[str], _rater: str) -> _Ranking:
    return _Ranking({}, lambda loop_id: QueueItem(loop_id, "random"))


def _newest(_workspace: Workspace, _store: LabelStore, loop_ids: Sequence[str], _rater: str) -> _Ranking:
    ranks = {loop_id: -number for number, loop_id in enumerate(loop_ids)}
    return _Ranking(ranks, lambda loop_id: QueueItem(loop_id, "newest"))


_RANKINGS: dict[str, Callable[[Workspace, LabelStore, Sequence[str], str], _Ranking]] = {
    "uncertainty": _by_uncertainty,
    "disagreement": _by_disagreement,
    "against_model": _against_model,
    "outlier": _by_outlier,
    "mixed": _by_doubt_and_chance,
    "random": _at_random,
    "newest": _newest,
}


def _shuffled(workspace: Workspace, state: str, loop_ids: Sequence[str], rater: str) -> dict[str, int]:
    """The place of each loop in the rater's own shuffle, which is the same every time.

    `state` is the digest of the library: the cached shuffle is used while it does not change.
    """
    key = (workspace.root, rater)
    known = _shuffles.get(key)
    if known is None or known[0] != state:
        ordered = sorted(loop_ids, key=lambda loop: hashlib.sha256(f"{rater}\n{loop}".encode()).digest())
        if len(_shuffles) >= _MOST_SHUFFLES:
            _shuffles.clear()
        known = _shuffles[key] = (state, {loop: place for place, loop in enumerate(ordered)})
    return known[1]
