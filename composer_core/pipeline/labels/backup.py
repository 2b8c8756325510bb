"""Saving all labels to a file and putting them back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from composer_core.store.labels.backup import BackupFacts, back_up, restore
from composer_core.store.labels.schema import label_location
from composer_core.workspace import Workspace

__all__ = ["BackupFacts", "back_up_labels", "restore_labels"]


def back_up_labels(workspace: Workspace, path: Path) -> BackupFacts:
    """Write every label event of the workspace to one file, also while people go on labelling."""
    return back_up(label_location(workspace), path)


def restore_labels(workspace: Workspace, path: Path) -> tuple[BackupFacts, Path]:
    """Put a backup in place of the labels; returns what it holds and where the labels before are kept."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    kept = workspace.backups / f"before-restore-{moment}.sqlite"
    facts = restore(label_location(workspace), path, kept)
    # What searches have gathered of the labels is made anew: it names events that may be gone.
    shutil.rmtree(workspace.catalogue, ignore_errors=True)
    return facts, kept
