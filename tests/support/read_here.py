"""Files read in this process instead of one that can be killed: a hundred at no cost of starting one for each."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from composer_core.errors import RefusedFile
from composer_core.ingest import apart
from composer_core.ingest.pool import JobReport, Outcome
from composer_core.pipeline.datasets import legacy
from composer_core.pipeline.editing import song_files
from composer_core.pipeline.generation import song_audio
from composer_core.pipeline.library import loops

EDITS = (song_files, song_audio, loops)
TEXTS = (apart, legacy)


def read_here(monkeypatch: pytest.MonkeyPatch, modules: Sequence[ModuleType] = EDITS) -> None:
    """Let edits, renderings and readings of loops, or other modules, run the tasks of reader processes in this one."""
    for module in modules:
        monkeypatch.setattr(module, "read_all", _read_all)


def _read_all(files: list[tuple[str, str]], task: str, options: dict[str, Any], **_limits: object) -> list[JobReport]:
    module, function = task.split(":")
    run = getattr(importlib.import_module(module), function)
    reports = []
    for number, (path, _) in enumerate(files):
        (result,) = run([(path, Path(path).read_bytes())], options)
        if isinstance(result, RefusedFile):
            outcome = Outcome(path, result)
        else:
            outcome = Outcome(path, None, json.loads(json.dumps(result[0])), result[1])
        reports.append(JobReport(number, [outcome]))
    return reports
