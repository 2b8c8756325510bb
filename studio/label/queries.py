"""Cached queries of all labels for the Label page, computed again only after a label or loop changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from composer_core.errors import NotFound
from composer_core.pipeline.labels import decisions, review
from composer_core.pipeline.labels.review import Dispute, FieldAgreement, RaterProgress
from composer_core.workspace import Workspace
from studio import queries
from studio.queries import cached_answer
from studio.wording.loop_names import loop_title


def disputes(workspace: Workspace) -> list[Dispute]:
    """Every field of a loop on which raters contradict each other."""
    found: list[Dispute] = cached_answer(workspace, review.disputes)
    return found


def agreement(workspace: Workspace, field: str) -> FieldAgreement:
    """How far raters agree on a field."""
    found: FieldAgreement = cached_answer(workspace, review.agreement, field)
    return found


def raters(workspace: Workspace) -> list[RaterProgress]:
    """What each rater has done."""
    found: list[RaterProgress] = cached_answer(workspace, review.progress_of_raters)
    return found


def progress(workspace: Workspace, rater: str) -> decisions.LabelProgress:
    """How far the library is labelled, and the rater's part in it."""
    found: decisions.LabelProgress = cached_answer(workspace, decisions.progress, rater)
    return found


@dataclass(frozen=True, slots=True)
class LoopWords:
    """What a loop is called and which instrument it is for."""

    title: str
    instrument: str


def loops(workspace: Workspace, loop_ids: Sequence[str]) -> dict[str, LoopWords]:
    """The words for these loops; one that is no longer in the library goes by its id."""
    wanted = tuple(dict.fromkeys(loop_ids))
    try:
        rows = queries.records(queries.rows(workspace, wanted)) if wanted else []
    except NotFound:
        rows = [row for loop_id in wanted if (row := _row(workspace, loop_id)) is not None]
    found = {str(row["loop_id"]): LoopWords(loop_title(row), str(row["instrument"])) for row in rows}
    return {loop_id: found.get(loop_id, LoopWords(loop_id, "")) for loop_id in wanted}


def _row(workspace: Workspace, loop_id: str) -> dict[str, Any] | None:
    try:
        return queries.row(workspace, loop_id)
    except NotFound:
        return None
