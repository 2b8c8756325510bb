"""Suggest labels for loops of the library, each computed once and kept in the workspace.

What is kept is used while the loop's notes, the estimators, the vocabularies and the release are those it was
computed with. The label events hold the values too, so that a decision can refer to what was shown.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import composer_core
from composer_core.estimate import Suggestion, suggest
from composer_core.estimate.estimators import SHIPPED, load_estimators
from composer_core.metrics import measure
from composer_core.music.loop import Loop
from composer_core.pipeline.labels import overview
from composer_core.pipeline.labels.queue import unique_loops
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.loops.store import LoopStore
from composer_core.store.suggestions import KeptSuggestions
from composer_core.workspace import ASSETS, Workspace

_BATCH = 500
"""The number of loops whose suggestions are stored in one transaction: a few MB of notes at a time."""
_UNSAID = object()
_SLICE = 8
"""The number of loops after which the clock is looked at, where there is a limit of time."""


def suggestions_for(workspace: Workspace, loops: Mapping[str, Loop]) -> dict[str, dict[str, Suggestion]]:
    """The suggestions for loops of the library, loop -> field -> value, confidence and reasons.

    Those that are not kept yet are computed and kept. All are in the label events afterwards. StoreError when they
    cannot be written.
    """
    store = open_labels(workspace)
    made = _known_or_computed(workspace, loops)
    said = {
        (event.loop_id, event.field, event.source): event.value
        for events in store.histories(list(loops)).values()
        for event in events
    }
    fresh = {
        loop_id: {
            name: one
            for name, one in fields.items()
            if said.get((loop_id, name, one.source), _UNSAID) != _plain(one.value)
        }
        for loop_id, fields in made.items()
    }
    store_suggestions(store, fresh)
    return made


def suggest_missing(
    workspace: Workspace,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    seconds: float | None = None,
) -> int:
    """Store suggestions for loops that have none yet, at most `limit` loops; returns the number of loops examined.

    With `seconds` it ends soon after so long, and a later call goes on from there. `progress` is called with the
    number of loops done and the number of all loops to do.
    """
    started = time.monotonic()
    store = open_labels(workspace)
    known = overview.source_statements(store)
    missing = [one for one in unique_loops(workspace) if (said := known.get(one)) is None or said.confidence is None]
    missing = missing[:limit]
    size = _BATCH if seconds is None else _SLICE
    for start in range(0, len(missing), size):
        if seconds is not None and start and time.monotonic() - started >= seconds:
            return start
        batch = missing[start : start + size]
        loops = dict(zip(batch, LoopStore(workspace).load_many(batch), strict=True))
        store_suggestions(store, _known_or_computed(workspace, loops))
        if progress is not None:
            progress(start + len(batch), len(missing))
    return len(missing)


def store_suggestions(store: LabelStore, suggested: Mapping[str, Mapping[str, Suggestion]]) -> None:
    """Append suggestions to the label events, one transaction for each estimator."""
    entries: dict[str, list[Entry]] = {}
    for loop_id, fields in suggested.items():
        for name, made in fields.items():
            entry = Entry(loop_id, name, _plain(made.value), "suggested", made.confidence)
            entries.setdefault(made.source, []).append(entry)
    for source, of_source in entries.items():
        store.add(source, of_source)


def _known_or_computed(workspace: Workspace, loops: Mapping[str, Loop]) -> dict[str, dict[str, Suggestion]]:
    kept, models = KeptSuggestions(workspace.suggestions), _stamp_of_models(workspace)
    stamps = {loop_id: _stamp(loop, models) for loop_id, loop in loops.items()}
    found = {loop_id: _from_json(fields) for loop_id, fields in kept.find(stamps).items()}
    missing = [loop_id for loop_id in loops if loop_id not in found]
    if missing:
        words, estimators = vocabularies(workspace), load_estimators(workspace.estimators)
        for loop_id in missing:
            loop = loops[loop_id]
            found[loop_id] = suggest(loop, measure(loop), words, estimators)
        kept.keep([(loop_id, stamps[loop_id], _to_json(found[loop_id])) for loop_id in missing])
    return {loop_id: found[loop_id] for loop_id in loops}


def _stamp_of_models(workspace: Workspace) -> str:
    """What suggestions rest on beside the loop: the release, and the workspace's own estimators and vocabularies."""
    own = (*workspace.estimators.rglob("*"), *workspace.vocabularies.glob("*.yaml"))
    return "\n".join([_stamp_of_release(), *(_told(path) for path in sorted(own) if path.is_file())])


@cache
def _stamp_of_release() -> str:
    """What does not change while a process runs: the shipped estimators and vocabularies, and the code that reads."""
    core = Path(composer_core.__file__).parent
    code = [path for room in ("estimate", "metrics", "music") for path in sorted((core / room).rglob("*.py"))]
    files = [*sorted(SHIPPED.rglob("*")), *sorted(ASSETS.glob("*.yaml")), *code]
    return "\n".join([composer_core.__version__, *(_told(path) for path in files if path.is_file())])


def _told(path: Path) -> str:
    facts = path.stat()
    return f"{path}:{facts.st_size}:{facts.st_mtime_ns}"


def _stamp(loop: Loop, models: str) -> str:
    digest = hashlib.sha256(models.encode())
    for column in loop.notes.columns():
        digest.update(column.tobytes())
        digest.update(b"|")
    facts = (loop.instrument, loop.bars, loop.tempo_bpm, str(loop.meter), loop.tempo_events, sorted(loop.extra.items()))
    digest.update(repr(facts).encode())
    return digest.hexdigest()


def _to_json(fields: Mapping[str, Suggestion]) -> dict[str, list[Any]]:
    return {
        name: [_plain(made.value), made.confidence, list(made.reasons), made.source] for name, made in fields.items()
    }


def _from_json(fields: Mapping[str, list[Any]]) -> dict[str, Suggestion]:
    return {
        name: Suggestion(value, confidence, tuple(reasons), source)
        for name, (value, confidence, reasons, source) in fields.items()
    }


def _plain(value: Any) -> Any:
    """A value as it comes back from JSON, so that two values can be compared."""
    if isinstance(value, Mapping):
        return {code: value[code] for code in sorted(value)}
    return list(value) if isinstance(value, tuple | list) else value
