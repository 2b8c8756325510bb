"""What the browser says was pressed on the desk: checked, stored once, and answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from composer_core.errors import ComposerError, InvalidValue, NotFound, StoreError
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.decisions import Press
from composer_core.pipeline.labels.prepared import prepare_loops
from composer_core.workspace import Workspace
from studio import rater
from studio.label.desk import lay_in_front, look_again, take_off
from studio.label.state import LabelDesk
from studio.label.words import field_title, value_text
from studio.wording.loop_names import loop_title
from studio.wording.text import error_text, t

UNDO = "undo"
_ANSWERS_KEPT = 300
_LONGEST_CLIENT = 40
NOTE_CHARACTERS = 1000
Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pressed:
    """One press: of which page and number it is, and what it does to which loop. `target` is the press an undo
    takes back, None for the rater's last decision."""

    press: Press
    kind: str
    loop_id: str
    rater: str
    values: Mapping[str, object]
    seen: Mapping[str, int]
    note: str
    target: Press | None


def answer_presses(workspace: Workspace, desk: LabelDesk, sent: Mapping[str, object]) -> list[Answer]:
    """Store what was pressed, in order, and answer each press that the browser still lists.

    A press that this session or an earlier one has stored is not stored again. Every press has an answer:
    {"client", "press", "outcome", "text"}, the outcome being stored, undone, nothing, conflict (with "title",
    "rows" and "seen"), failed or gone.
    """
    presses = sent.get("presses")
    answers = []
    for one in presses if isinstance(presses, list) else []:
        key = _key(one)
        if key is None:
            continue  # nothing a desk of ours would send, and nobody to answer
        if key not in desk.answers:
            desk.answers[key] = {"client": key[0], "press": key[1], **_answer(workspace, desk, one)}
        answers.append(desk.answers[key])
    for old in list(desk.answers)[:-_ANSWERS_KEPT]:
        del desk.answers[old]
    return answers


def _key(one: object) -> tuple[str, int] | None:
    if not isinstance(one, Mapping):
        return None
    client, number = one.get("client"), one.get("press")
    if not isinstance(client, str) or not 0 < len(client) <= _LONGEST_CLIENT or not _is_count(number):
        return None
    return client, cast(int, number)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _answer(workspace: Workspace, desk: LabelDesk, one: Mapping[str, Any]) -> Answer:
    try:
        pressed = _checked(one)
        if rater.is_signed_in_by_name() and pressed.rater != desk.rater:
            return {"outcome": "gone", "text": t("label.other_account", rater=pressed.rater)}
        return _undo(workspace, desk, pressed) if pressed.kind == UNDO else _decide(workspace, desk, pressed)
    except NotFound as error:
        return {"outcome": "gone", "text": t("label.not_stored", reason=error_text(error))}
    except ComposerError as error:
        return {"outcome": "failed", "text": t("label.not_stored", reason=error_text(error))}


def _checked(one: Mapping[str, Any]) -> Pressed:
    """A press with every part of its type; InvalidValue otherwise. Values are checked where they are stored."""
    key, target = _key(one), _key(one.get("target"))
    assert key is not None
    values, seen, note = one.get("values", {}), one.get("seen", {}), one.get("note", "")
    texts = [one.get("kind"), one.get("loop"), one.get("rater"), note]
    if not all(isinstance(text, str) for text in texts) or len(note) > NOTE_CHARACTERS:
        raise InvalidValue("bad_format", name="press", value=str(texts)[:80], expected="texts")
    if not isinstance(values, Mapping) or not isinstance(seen, Mapping) or not all(map(_is_count, seen.values())):
        raise InvalidValue("bad_format", name="press", value=str(seen)[:80], expected="values by field")
    kind, loop_id, rater, _ = cast(list[str], texts)
    return Pressed(Press(*key), kind, loop_id, rater, values, seen, note, Press(*target) if target else None)


def _decide(workspace: Workspace, desk: LabelDesk, pressed: Pressed) -> Answer:
    try:
        decisions.decide(
            workspace,
            pressed.loop_id,
            rater=pressed.rater,
            action=pressed.kind,
            values=pressed.values,
            seen=pressed.seen,
            note=pressed.note,
            press=pressed.press,
        )
    except StoreError as error:
        if error.code != "conflict":
            raise
        answer = _conflict(workspace, pressed, error)
        take_off(desk, pressed.loop_id)
        return answer
    take_off(desk, pressed.loop_id)
    return {"outcome": "stored", "text": ""}


def _conflict(workspace: Workspace, pressed: Pressed, error: StoreError) -> Answer:
    """Both values of every field that another person changed meanwhile, and what was seen by them."""
    prepared = prepare_loops(workspace, [pressed.loop_id])[pressed.loop_id]
    instrument = prepared.loop.instrument
    conflicts = cast(list[dict[str, Any]], error.values["conflicts"])
    rows = [
        (
            field_title(row["field"]),
            stated(row["field"], row["theirs"], row["status"], instrument),
            row["rater"],
            value_text(row["field"], row["yours"], instrument),
        )
        for row in conflicts
    ]
    seen = {row["field"]: row["event_id"] for row in conflicts}
    return {"outcome": "conflict", "text": "", "title": loop_title(prepared.row), "rows": rows, "seen": seen}


def stated(field: str, value: object, status: str, instrument: str) -> str:
    """A value with what its rater thinks of it where that is no."""
    text = value_text(field, value, instrument)
    return t("label.rejected_value", value=text) if status == "rejected" else text


def _undo(workspace: Workspace, desk: LabelDesk, pressed: Pressed) -> Answer:
    undone = decisions.undo(workspace, pressed.rater, pressed.press, pressed.target)
    if undone is None:
        return {"outcome": "nothing", "text": t("label.nothing_to_undo")}
    if len(undone.loop_ids) > 1:
        look_again(desk)
        return {"outcome": "undone", "text": t("label.undone_bulk", n=f"{len(undone.loop_ids):,}")}
    # Show the form as it was when the key was pressed: a rater undoes to correct it, not to type it all again.
    taken = decisions.taken_back(workspace, pressed.rater, undone.loop_id) if undone.fields else ({}, "")
    lay_in_front(workspace, desk, undone.loop_id, *taken)
    return {"outcome": "undone", "text": t(f"label.undone_{undone.action}")}
