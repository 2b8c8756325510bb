"""Read the library's files again with today's reading: what it would change, do it, take it back.

Nothing counts before all of it does: parts are staged first, then one write puts them in (see
`store.loops.exchanges`). Loops that stay the same keep their ids and all that was said of them. Loops that take the
place of others get ids of their own, and labels of these as drafts; the old loops and their labels stay as they were
for whoever takes the re-read back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from composer_core.pipeline.access.rights import guarded
from composer_core.pipeline.library.changes import CLASSES
from composer_core.pipeline.library.readings import old_files, old_parts, source_of
from composer_core.pipeline.library.rereading import (
    PartChange,
    Rereading,
    forget,
    read_again,
    signature_of,
    stamp_of,
)
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.exclusions import Exclusion, ExclusionStore
from composer_core.store.labels.merging import carried, carry
from composer_core.store.labels.records import Statement
from composer_core.store.labels.schema import label_location
from composer_core.store.labels.store import LabelStore, open_labels
from composer_core.store.loops.columns import completed
from composer_core.store.loops.exchanges import Exchange, newest_standing, taking_back
from composer_core.store.loops.staging import commit, exchanging
from composer_core.store.loops.store import LoopStore
from composer_core.store.vocabularies import Vocabularies
from composer_core.workspace import Workspace

_log = logging.getLogger(__name__)

KIND = "reread"
_LISTED = 1000
"""So many changed files are named; all are counted."""
_OF_PITCHED, _DRUMS = ("key_root", "key_mode"), "drums"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an earlier reading cut: so many loops of so many files, of which `n_missing` are gone; `missing` names
    these, or the archives they were in."""

    n_loops: int
    n_files: int
    n_missing: int = 0
    missing: tuple[str, ...] = ()


@dataclass(slots=True)
class RereadReport:
    """What a re-read changes, or would change while `exchange` is "" and `applied` False.

    Of `n_loops` old loops of `n_files` files, `n_set_aside` go and `n_put_in` come; `classes` counts loops by the ways
    of `changes.CLASSES`. `files` are the first changed files as {path, loops}. `n_drafts` labels of people become
    drafts, `n_imported` labels of data sets are copied, `n_left` decisions stay with the old loops alone.
    `not_reread` are files that could not be read, as {path, code, message}; their loops stay as they are.
    """

    n_files: int = 0
    n_changed: int = 0
    n_loops: int = 0
    n_set_aside: int = 0
    n_put_in: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    files: list[dict[str, object]] = field(default_factory=list)
    n_drafts: int = 0
    n_imported: int = 0
    n_left: int = 0
    not_reread: list[dict[str, str]] = field(default_factory=list)
    applied: bool = False
    exchange: str = ""

    def to_json(self) -> dict[str, object]:
        """The object that `composer reread --json` prints."""
        return {
            "files": self.n_files,
            "files_changed": self.n_changed,
            "loops": self.n_loops,
            "loops_set_aside": self.n_set_aside,
            "loops_put_in": self.n_put_in,
            "classes": self.classes,
            "changes": self.files,
            "labels": {"drafts": self.n_drafts, "imported": self.n_imported, "left": self.n_left},
            "not_reread": self.not_reread,
            "applied": self.applied,
            "exchange": self.exchange,
        }


@dataclass(frozen=True, slots=True)
class _LabelsToCarry:
    """What the new loops are to be told, and the counts a person is told: labels of people that become drafts,
    labels of data sets, and decisions that no draft can say and that stay with the old loops."""

    statements: tuple[Statement, ...] = ()
    n_drafts: int = 0
    n_imported: int = 0
    n_left: int = 0


def outlook(workspace: Workspace) -> Outlook:
    """What an earlier reading cut. Cheap: parts without such loops are told by their footers, and no file is read."""
    n_loops, files = old_files(workspace)
    missing = [found[0].source for found in files.values() if source_of(workspace, found) is None]
    return Outlook(n_loops, len(files), len(missing), tuple(dict.fromkeys(missing)))


@guarded("reread")
def preview(workspace: Workspace, *, jobs: int | None = None, progress: Progress | None = None) -> RereadReport:
    """What a re-read would change. What is read is kept ready for `reread`; the library stays as it is.

    Raises StoreError when the library is damaged or cannot be written, and Unavailable without a reader process.
    """
    if not old_parts(workspace):
        return RereadReport()
    with exchanging(workspace):
        read = read_again(workspace, jobs, progress)
        return _report(read, _labels(workspace, read))


@guarded("reread")
def reread(workspace: Workspace, *, jobs: int | None = None, progress: Progress | None = None) -> RereadReport:
    """Read again what an earlier reading cut and put it in; raises as `preview` does.

    A second call changes nothing. One that was stopped leaves the library as it was, and the next goes on with it.
    """
    if not old_parts(workspace):
        return RereadReport(applied=True)
    with exchanging(workspace):
        read = read_again(workspace, jobs, progress)
        while any(signature_of(workspace, one.part) != one.signature for one in read.parts):
            read = read_again(workspace, jobs, progress)
        labels = _labels(workspace, read)
        report = _report(read, labels)
        _carry_over(workspace, _replaces(read), labels)
        for change in read.parts:
            if change.made is None and change.stamped:
                _stamp(workspace, change)
        replaced = [one for one in read.parts if one.made is not None]
        if replaced:
            out, put_in = (one.part for one in replaced), (one.made for one in replaced if one.made)
            about = {"loops_set_aside": report.n_set_aside, "loops_put_in": report.n_put_in}
            exchange = Exchange(read.exchange_id, KIND, tuple(out), tuple(put_in), about=about)
            report.exchange = commit(workspace, exchange).id
            # What was said of the old loops up to the last moment; nothing is written twice.
            _carry_over(workspace, _replaces(read), _labels(workspace, read))
        forget(workspace)
        report.applied = True
    _log.info("re-read: %d loops set aside, %d put in", report.n_set_aside, report.n_put_in)
    return report


def newest_reread(workspace: Workspace) -> Exchange | None:
    """The newest re-read that changed something and was not taken back; None without one."""
    return newest_standing(workspace, KIND)


@guarded("reread")
def undo(workspace: Workspace) -> Exchange | None:
    """Take back the newest re-read: the loops it set aside come back with their labels, those it put in go.

    Gives the re-read that was taken back, None where there is none. What was said of its loops stays stored, and counts
    again with the next re-read. StoreError when a later change builds on it or the library cannot be written.
    """
    if newest_reread(workspace) is None:
        return None
    with exchanging(workspace):
        newest = newest_reread(workspace)
        if newest is not None:
            commit(workspace, taking_back(workspace, newest))
    _log.info("re-read taken back: %s", newest.id if newest else "none there was")
    return newest


def _replaces(read: Rereading) -> dict[str, list[str]]:
    return {new: olds for change in read.parts for new, olds in change.replaces.items()}


def _labels(workspace: Workspace, read: Rereading) -> _LabelsToCarry:
    instruments = {loop_id: name for change in read.parts for loop_id, name in change.instruments.items()}
    return _labels_to_carry(workspace, _replaces(read), instruments)


def _report(read: Rereading, labels: _LabelsToCarry) -> RereadReport:
    classes: Counter[str] = Counter()
    changed: dict[str, Counter[str]] = {}
    for change in read.parts:
        classes.update(change.classes)
        for path, ways in change.changed.items():
            changed.setdefault(path, Counter()).update(ways)
    return RereadReport(
        n_files=len({digest for change in read.parts for digest in change.digests}),
        n_changed=len(changed),
        n_loops=sum(change.n_loops for change in read.parts),
        n_set_aside=sum(len(change.set_aside) for change in read.parts),
        n_put_in=sum(len(change.replaces) for change in read.parts),
        classes={name: classes[name] for name in CLASSES if classes[name]},
        files=[{"path": path, "loops": dict(ways)} for path, ways in islice(changed.items(), _LISTED)],
        n_drafts=labels.n_drafts,
        n_imported=labels.n_imported,
        n_left=labels.n_left,
        not_reread=list({row["path"]: row for change in read.parts for row in change.not_reread}.values()),
    )


def _stamp(workspace: Workspace, change: PartChange) -> None:
    """Note in a part that stays that its files were read by today's reading."""
    store = LoopStore(workspace)
    stamp = stamp_of(change)
    table = completed(store.part_table(change.part), tuple(stamp))
    chosen = pc.is_in(table.column("source_digest"), pa.array(change.stamped, pa.string()))
    columns: Mapping[str, pa.Array] = {
        name: pc.if_else(chosen, value, table.column(name)).combine_chunks() for name, value in stamp.items()
    }
    store.replace_columns(change.part, columns)


def _labels_to_carry(
    workspace: Workspace, replaces: Mapping[str, Sequence[str]], instruments: Mapping[str, str]
) -> _LabelsToCarry:
    """The labels of old loops for those that replace them; `replaces` maps new ids to old ones, the nearest first.

    Of several old loops the nearest speaks for a source and a field. Techniques that the new instrument does not have,
    and keys of what are drums now, are left.
    """
    store = _label_store(workspace)
    olds = list(dict.fromkeys(old for found in replaces.values() for old in found))
    if store is None or not olds:
        return _LabelsToCarry()
    standing, words = store.standing(olds), vocabularies(workspace)
    statements: dict[tuple[str, str, str], Statement] = {}
    left: set[tuple[str, str, str]] = set()
    for new, found in replaces.items():
        for old in found:
            events = [event for of_field in standing.get(old, {}).values() for event in of_field]
            made = carried(events, new)
            left |= {(old, event.field, event.source) for event in made.left}
            for one in made.statements:
                fitting = _fitting(one, instruments[old], instruments[new], words)
                if fitting is None:
                    left.add((old, one.entry.field, one.source))
                else:
                    statements.setdefault((new, one.entry.field, one.source), fitting)
    n_drafts = sum(one.entry.status == "draft" for one in statements.values())
    return _LabelsToCarry(tuple(statements.values()), n_drafts, len(statements) - n_drafts, len(left))


def _carry_over(workspace: Workspace, replaces: Mapping[str, Sequence[str]], labels: _LabelsToCarry) -> None:
    """Write the labels, and leave out the new loops whose nearest old ones are left out; doing it again adds none."""
    store = _label_store(workspace)
    if store is not None and labels.statements:
        carry(store, labels.statements)
    exclusions = ExclusionStore(workspace)
    events = exclusions.events()
    known, out = {event.loop_id for event in events}, {event.loop_id: event for event in events}
    successor = {old: new for new, olds in replaces.items() for old in olds}
    exclusions.append(
        [
            Exclusion(new, one.reason, successor.get(one.duplicate_of, one.duplicate_of), one.author, one.note)
            for new, olds in replaces.items()
            if new not in known and olds and (one := out.get(olds[0])) is not None and one.reason
        ]
    )


def _fitting(said: Statement, old: str, new: str, words: Vocabularies) -> Statement | None:
    """A statement about a loop of the instrument `old`, as it can be said of one of `new`; None where it cannot."""
    if old == new:
        return said
    if said.entry.field in _OF_PITCHED and new == _DRUMS:
        return None
    if said.entry.field != "technique":
        return said
    known = words.techniques.get(new, {})
    codes = [code for code in cast(list[str], said.entry.value) if code in known]
    return replace(said, entry=replace(said.entry, value=codes)) if codes else None


def _label_store(workspace: Workspace) -> LabelStore | None:
    location = label_location(workspace)
    return open_labels(workspace) if isinstance(location, str) or location.exists() else None
