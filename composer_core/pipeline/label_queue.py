"""The queue of loops to label: in which order a rater hears them, and why each is there."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from composer_core.errors import require_choice
from composer_core.pipeline import label_overview
from composer_core.pipeline.outliers import outlyingness
from composer_core.store.label_view import SETTLED, LabelEvent, votes_of
from composer_core.store.labels import LabelStore, open_labels
from composer_core.store.loops import LoopStore
from composer_core.workspace import Workspace

ORDERS = ("uncertainty", "disagreement", "against_model", "outlier", "mixed", "random", "newest")
MIX_EVERY = 5
"""In the order `mixed` every fifth loop is drawn at random: what is only ever chosen by a model's doubt says
nothing of how good the model is."""
_SECOND_OPINION = 2
"""So many people who approved a loop settle what a model says against it."""


_unique: dict[Path, tuple[str, list[str]]] = {}
"""The unique loops of a workspace with the state of the library they were read at."""


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A loop to label and why it is here.

    `reason` is `disputed`, `draft`, `skipped`, `uncertain` (`field` and `confidence` say of
    what), `unsuggested`, `disagreement` (sources differ on `field`), `against_model` (a label
    and a model differ on `field`, the model being as sure as `confidence`), `outlier` (`field`
    is the metric that stands out most), `random` or `newest`. `amount` is the size of a
    disagreement, 0 to 1, or the standard deviations of the metric from its instrument's mean.
    """

    loop_id: str
    reason: str
    field: str = ""
    confidence: float | None = None
    amount: float | None = None


@dataclass(frozen=True, slots=True)
class _Ranking:
    """What an order says: a reason for each loop it has one for, the first to be heard first, and loops
    that are asked for although they are settled."""

    items: Mapping[str, QueueItem]
    again: frozenset[str] = frozenset()


def queue(
    workspace: Workspace,
    *,
    rater: str,
    order: str = "uncertainty",
    limit: int = 50,
    loop_ids: Sequence[str] | None = None,
) -> list[QueueItem]:
    """What `rater` should hear next, at most `limit` loops; of `loop_ids` alone where they are given.

    Disputed loops the rater has not decided come first, then the rest by `order`:
    uncertainty (the loop's least certain field first), disagreement (the sources of a loop
    differ most), against_model (a label and a model differ, the surest model first),
    outlier (measurements farthest from those of the instrument), mixed (uncertainty with every
    fifth loop at random), random (a fixed shuffle of the rater's own) or newest. Loops an
    order has nothing to say of follow in the random order.

    Approved and rejected loops and exact duplicates are not in it, but against_model asks for
    a second opinion on approved ones: until the rater has decided after the model spoke, or
    two people have approved. Skipped loops come last, the longest skipped first.
    """
    require_choice("order", order, ORDERS)
    store = open_labels(workspace)
    own = store.acts(rater)
    statuses = label_overview.statuses(store)
    decided = {loop_id for _, kind, loop_id in own if kind in ("approve", "reject")}
    wanted = unique_loops(workspace)
    if loop_ids is not None:
        asked = set(loop_ids)
        wanted = [loop for loop in wanted if loop in asked]
    ranking = _RANKINGS[order](workspace, store, wanted, rater)
    left = [loop for loop in wanted if loop in ranking.again or _open(statuses.get(loop), loop in decided)]
    skipped = _skipped(own)
    position = {loop: number for number, loop in enumerate(_in_order(left, order, rater, ranking))}
    left.sort(key=lambda loop: (statuses.get(loop) != "disputed", skipped.get(loop, 0), position[loop]))
    rest = order if order in ("newest", "random") else "random"
    return [_item(loop, statuses.get(loop), loop in skipped, ranking, rest) for loop in left[:limit]]


def unique_loops(workspace: Workspace) -> list[str]:
    """Ids in the order the loops were added, without exact duplicates of another."""
    store = LoopStore(workspace)
    state = store.digest()
    known = _unique.get(workspace.root)
    if known is None or known[0] != state:
        loops = store.table(["loop_id", "duplicate_of"])
        known = _unique[workspace.root] = (state, list(loops["loop_id"][loops["duplicate_of"].isna()]))
    return list(known[1])


def _open(status: str | None, decided_by_rater: bool) -> bool:
    """Whether a loop still waits for this rater."""
    if status == "disputed":
        return not decided_by_rater
    return status not in ("approved", "rejected")


def _skipped(acts: Iterable[tuple[int, str, str]]) -> dict[str, int]:
    """Loop -> number of the rater's last skip, where nothing came after it."""
    last = {loop_id: (number, kind) for number, kind, loop_id in acts}
    return {loop_id: number for loop_id, (number, kind) in last.items() if kind == "skip"}


def _in_order(loop_ids: list[str], order: str, rater: str, ranking: _Ranking) -> list[str]:
    if order == "newest":
        return loop_ids[::-1]
    place = {loop: number for number, loop in enumerate(ranking.items)}
    return sorted(_shuffled(loop_ids, rater), key=lambda loop: place.get(loop, math.inf))


def _item(loop_id: str, status: str | None, skipped: bool, ranking: _Ranking, rest: str) -> QueueItem:
    if status in ("disputed", "draft"):
        return QueueItem(loop_id, status)
    if skipped:
        return QueueItem(loop_id, "skipped")
    return ranking.items.get(loop_id) or QueueItem(loop_id, rest)


def _by_uncertainty(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], rater: str) -> _Ranking:
    """The least certain first; loops no estimator has looked at follow."""
    confidence = label_overview.lowest_confidence(store)
    known = [loop for loop in _shuffled(loop_ids, rater) if loop in confidence]
    known.sort(key=lambda loop: confidence[loop][0])
    items = {loop: QueueItem(loop, "uncertain", confidence[loop][1], confidence[loop][0]) for loop in known}
    return _Ranking(items | {loop: QueueItem(loop, "unsuggested") for loop in loop_ids if loop not in confidence})


def _mixed(workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], rater: str) -> _Ranking:
    """Uncertainty, every fifth place given to the next loop of the rater's shuffle that has not come yet."""
    by_doubt = _by_uncertainty(workspace, store, loop_ids, rater).items
    doubtful, chance = iter(by_doubt), iter(_shuffled(loop_ids, rater))
    mixed: dict[str, QueueItem] = {}
    while len(mixed) < len(by_doubt):
        drawn = len(mixed) % MIX_EVERY == MIX_EVERY - 1
        loop = next(loop for loop in (chance if drawn else doubtful) if loop not in mixed)
        mixed[loop] = QueueItem(loop, "random") if drawn else by_doubt[loop]
    return _Ranking(mixed)


def _by_disagreement(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], _rater: str) -> _Ranking:
    known = label_overview.opinions(store)
    found = [
        QueueItem(loop_id, "disagreement", known[loop_id].field, amount=round(known[loop_id].amount, 3))
        for loop_id in loop_ids
        if loop_id in known and known[loop_id].amount > 0
    ]
    return _Ranking({item.loop_id: item for item in sorted(found, key=lambda item: -(item.amount or 0.0))})


def _against_model(_workspace: Workspace, store: LabelStore, loop_ids: Sequence[str], rater: str) -> _Ranking:
    known = label_overview.opinions(store)
    found, again = [], set()
    for loop_id in loop_ids:
        against = known[loop_id].against if loop_id in known else None
        if against is None:
            continue
        size, name, model, events = against
        if _unsettled(events, rater, model):
            found.append(QueueItem(loop_id, "against_model", name, model.confidence, round(size, 3)))
            again.add(loop_id)
    found.sort(key=lambda item: -(item.confidence or 0.0) * (item.amount or 0.0))
    return _Ranking({item.loop_id: item for item in found}, frozenset(again))


def _unsettled(events: Sequence[LabelEvent], rater: str, model: LabelEvent) -> bool:
    """Whether a second opinion is wanted of this rater: none of theirs is newer than the model's, nor do two stand."""
    if any(event.status == SETTLED for event in events):
        return False
    people = votes_of(events)
    if sum(event.status == "approved" for event in people) >= _SECOND_OPINION:
        return False
    return all(event.id < model.id for event in people if event.author == rater)


def _by_outlier(workspace: Workspace, _store: LabelStore, loop_ids: Sequence[str], _rater: str) -> _Ranking:
    wanted = set(loop_ids)
    ranked = [one for one in outlyingness(workspace) if one.loop_id in wanted]
    return _Ranking(
        {one.loop_id: QueueItem(one.loop_id, "outlier", one.metric, amount=one.deviation) for one in ranked}
    )


def _unranked(_workspace: Workspace, _store: LabelStore, _loop_ids: Sequence[str], _rater: str) -> _Ranking:
    return _Ranking({})


_RANKINGS: dict[str, Callable[[Workspace, LabelStore, Sequence[str], str], _Ranking]] = {
    "uncertainty": _by_uncertainty,
    "disagreement": _by_disagreement,
    "against_model": _against_model,
    "outlier": _by_outlier,
    "mixed": _mixed,
    "random": _unranked,
    "newest": _unranked,
}


def _shuffled(loop_ids: Sequence[str], rater: str) -> list[str]:
    """The rater's own order, the same every time."""
    return sorted(loop_ids, key=lambda loop: hashlib.sha256(f"{rater}\n{loop}".encode()).digest())
