"""Questions the Label page asks of all labels, each answered once as long as no label and no loop changes."""

from __future__ import annotations

from composer_core.pipeline import label_review, labelling
from composer_core.pipeline.label_review import Dispute, FieldAgreement, RaterProgress
from composer_core.workspace import Workspace
from studio.library_answers import answered


def disputes(workspace: Workspace) -> list[Dispute]:
    """Every field of a loop on which raters contradict each other."""
    found: list[Dispute] = answered(workspace, label_review.disputes)
    return found


def agreement(workspace: Workspace, field: str) -> FieldAgreement:
    """How far raters agree on a field."""
    found: FieldAgreement = answered(workspace, label_review.agreement, field)
    return found


def raters(workspace: Workspace) -> list[RaterProgress]:
    """What each rater has done."""
    found: list[RaterProgress] = answered(workspace, label_review.progress_of_raters)
    return found


def progress(workspace: Workspace, rater: str) -> labelling.Progress:
    """How far the library is labelled, and the rater's part in it."""
    found: labelling.Progress = answered(workspace, labelling.progress, rater)
    return found
