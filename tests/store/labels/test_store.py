"""The label store: view, precedence, staleness, undo, migrations."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from composer_core.errors import ComposerError, InvalidValue, StoreError
from composer_core.store.damage import is_noted
from composer_core.store.labels.records import Entry
from composer_core.store.labels.schema import (
    ACTIONS,
    EVENTS,
    MIGRATIONS,
    label_location,
    migrate,
    open_engine,
    schema_version,
)
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import agree
from composer_core.workspace import Workspace

MODEL, RULE, IMPORT = "model:affect@1", "rule:density", "import:emopia"
FIRST_RELEASE = Path(__file__).parent / "labels_first_release.sql"
"""A dump of a label file as the first release wrote it: schema 2."""


@pytest.fixture
def store(location: Path | str) -> LabelStore:
    return LabelStore(location)


def write(
    store: LabelStore, rater: str, value: Any, status: str = "approved", seen: int = 0, field: str = "emotion"
) -> int:
    kind = {"approved": "approve", "rejected": "reject", "draft": "draft", "settled": "approve"}[status]
    (event_id,) = store.write(rater, kind, "L", [Entry("L", field, value, status)], {field: seen})
    return event_id


def emotion(store: LabelStore) -> tuple[Any, str]:
    label = store.view()["L"]["emotion"]
    return label.value, label.status


def test_empty_store_has_no_labels(store: LabelStore) -> None:
    assert store.view() == {}
    assert store.events() == []
    assert store.undo("aki") is None


def test_precedence_follows_the_order_of_sources(store: LabelStore) -> None:
    # Written from strongest to weakest, so "newest wins" alone would give another answer each time.
    store.add(IMPORT, [Entry("L", "emotion", "sad", "suggested")])
    store.add(MODEL, [Entry("L", "emotion", "calm", "suggested", 0.9)])
    store.add(RULE, [Entry("L", "emotion", "fear", "suggested", 0.4)])
    assert emotion(store) == ("sad", "suggested")
    draft = write(store, "aki", "warm", "draft", seen=3)
    assert emotion(store) == ("warm", "draft")
    approved = write(store, "ben", "happy", "approved", seen=draft)
    write(store, "chie", "bright", "draft", seen=approved)
    assert emotion(store) == ("happy", "approved")


def test_newest_of_two_equal_ranks_wins(store: LabelStore) -> None:
    store.add("model:affect@1", [Entry("L", "emotion", "sad", "suggested", 0.9)])
    store.add("model:affect@2", [Entry("L", "emotion", "calm", "suggested", 0.2)])
    assert emotion(store) == ("calm", "suggested")


def test_rejected_value_is_no_current_value(store: LabelStore) -> None:
    store.add(MODEL, [Entry("L", "emotion", "sad", "suggested", 0.9)])
    write(store, "aki", "sad", "rejected", seen=1)
    assert emotion(store) == (None, "rejected")
    assert store.history("L")[-1].value == "sad"


@pytest.mark.parametrize(
    ("field", "first", "second", "expected"),
    [
        ("emotion", "happy", "sad", "disputed"),
        ("emotion", "happy", "happy", "approved"),
        # An eighth of the valence axis (2 / 8 = 0.25) is still agreement, more is not.
        ("emotion_valence", 0.25, 0.5, "approved"),
        ("emotion_valence", 0.25, 0.75, "disputed"),
        # An eighth of the arousal axis: 1 / 8 = 0.125.
        ("emotion_arousal", 0.5, 0.625, "approved"),
        ("emotion_arousal", 0.5, 0.75, "disputed"),
        # One star apart is agreement, two are not.
        ("quality", 3, 4, "approved"),
        ("quality", 3, 5, "disputed"),
        # Of the weight 0.1 lies elsewhere; then 0.25, which is the most; then half of it.
        ("genre", {"funk": 0.5, "soul": 0.5}, {"funk": 0.6, "soul": 0.4}, "approved"),
        ("genre", {"funk": 0.6, "soul": 0.4}, {"funk": 0.35, "soul": 0.65}, "approved"),
        ("genre", {"funk": 0.5, "soul": 0.5}, {"funk": 1.0}, "disputed"),
    ],
)
def test_two_raters_dispute_only_beyond_the_tolerance(
    store: LabelStore, field: str, first: Any, second: Any, expected: str
) -> None:
    seen = write(store, "aki", first, field=field)
    write(store, "ben", second, seen=seen, field=field)
    label = store.view()["L"][field]
    assert (label.value, label.status) == (second, expected)


@pytest.mark.parametrize("stars", [(2, 3, 4), (3, 2, 4), (4, 2, 3)])
def test_two_who_lie_apart_dispute_whoever_stands_between_them(store: LabelStore, stars: tuple[int, ...]) -> None:
    seen = 0
    for rater, star in zip(("aki", "ben", "chie"), stars, strict=True):
        seen = write(store, rater, star, seen=seen, field="quality")
    assert store.view()["L"]["quality"].status == "disputed"


def test_rejecting_what_another_approved_disputes_and_agreeing_settles(store: LabelStore) -> None:
    first = write(store, "aki", "happy")
    second = write(store, "ben", "happy", "rejected", seen=first)
    assert emotion(store) == ("happy", "disputed")
    write(store, "ben", "happy", seen=second)
    assert emotion(store) == ("happy", "approved")


def test_a_settlement_counts_over_the_votes_until_a_later_vote_contradicts_it(store: LabelStore) -> None:
    first = write(store, "aki", "happy")
    second = write(store, "ben", "sad", seen=first)
    assert emotion(store) == ("sad", "disputed")
    third = write(store, "chie", "happy", "settled", seen=second)
    assert emotion(store) == ("happy", "approved")
    again = write(store, "dan", "happy", seen=third)
    assert emotion(store) == ("happy", "approved")
    write(store, "ben", "sad", seen=again)
    assert emotion(store) == ("happy", "disputed")
    store.undo("ben")
    assert emotion(store) == ("happy", "disputed")  # the vote that ben has back is newer than the settlement
    store.undo("chie")
    assert emotion(store)[1] == "disputed"


def test_a_settlement_for_none_of_the_votes_leaves_no_value(store: LabelStore) -> None:
    second = write(store, "ben", "sad", seen=write(store, "aki", "happy"))
    write(store, "chie", None, "settled", seen=second)
    assert emotion(store) == (None, "rejected")


def test_stale_write_is_refused_with_both_values(store: LabelStore) -> None:
    store.add(MODEL, [Entry("L", "emotion", "calm", "suggested", 0.5), Entry("L", "genre", {"funk": 1.0}, "suggested")])
    seen = {"emotion": 1, "genre": 2}
    store.write("aki", "approve", "L", [Entry("L", "emotion", "happy", "approved")], seen)
    entries = [Entry("L", "emotion", "sad", "approved"), Entry("L", "genre", {"jazz": 1.0}, "approved")]
    with pytest.raises(StoreError) as refused:
        store.write("ben", "approve", "L", entries, seen)
    values = refused.value.values
    assert refused.value.code == "conflict"
    assert (values["field"], values["rater"], values["theirs"], values["yours"]) == ("emotion", "aki", "happy", "sad")
    assert [conflict["field"] for conflict in values["conflicts"]] == ["emotion"]
    # All or nothing: the genre that nobody else had touched was not stored either.
    assert store.view()["L"]["genre"].status == "suggested"
    assert len(store.actions("ben")) == 0


def test_own_write_from_another_window_is_stale_too(store: LabelStore) -> None:
    write(store, "aki", "happy")
    with pytest.raises(StoreError):
        write(store, "aki", "sad", seen=0)


def test_later_suggestion_does_not_make_a_person_stale(store: LabelStore) -> None:
    store.add("model:affect@1", [Entry("L", "emotion", "sad", "suggested", 0.9)])
    store.add("model:affect@2", [Entry("L", "emotion", "calm", "suggested", 0.9)])
    write(store, "aki", "happy", seen=1)
    assert store.history("L")[-1].supersedes == 1


def test_undo_is_a_new_event_and_goes_back_step_by_step(store: LabelStore) -> None:
    store.add(MODEL, [Entry("L", "emotion", "calm", "suggested", 0.5)])
    first = write(store, "aki", "happy", seen=1)
    write(store, "aki", "sad", seen=first)
    undone = store.undo("aki")
    assert undone is not None
    assert (undone.loop_id, undone.action, undone.fields) == ("L", "approve", ("emotion",))
    assert emotion(store) == ("happy", "approved")
    store.undo("aki")
    assert emotion(store) == ("calm", "suggested")
    assert store.undo("aki") is None
    assert len(store.history("L")) == 5


def test_undo_leaves_what_others_said(store: LabelStore) -> None:
    first = write(store, "aki", "happy")
    write(store, "ben", "sad", seen=first)
    store.undo("aki")
    assert emotion(store) == ("sad", "approved")


def test_undo_takes_back_a_whole_action_and_a_skip(store: LabelStore) -> None:
    store.write("aki", "approve", "L", [Entry("L", f, 0, "approved") for f in ("emotion_valence", "emotion")], {})
    store.write("aki", "skip", "M", [], {})
    assert [action.kind for action in store.actions("aki")] == ["approve", "skip"]
    assert store.undo("aki").loop_id == "M"  # type: ignore[union-attr]
    assert store.undo("aki").fields == ("emotion_valence", "emotion")  # type: ignore[union-attr]
    assert store.view() == {}
    assert store.actions("aki") == []
    assert store.raters() == ["aki"]


@pytest.mark.parametrize("rater", ["", " aki", "a" * 41, "a\nb", "a\x00"])
def test_rater_without_a_proper_name_is_refused(store: LabelStore, rater: str) -> None:
    with pytest.raises(InvalidValue, match="rater"):
        write(store, rater, "happy")


@pytest.mark.parametrize("source", ["human:aki", "model:", "guess:me", ""])
def test_machines_cannot_pose_as_people(store: LabelStore, source: str) -> None:
    with pytest.raises(InvalidValue, match="source"):
        store.add(source, [Entry("L", "emotion", "sad", "suggested")])


def test_confidence_and_status_are_checked(store: LabelStore) -> None:
    with pytest.raises(InvalidValue, match="confidence"):
        store.add(MODEL, [Entry("L", "emotion", "sad", "suggested", 1.5)])
    with pytest.raises(InvalidValue, match="status"):
        store.add(MODEL, [Entry("L", "emotion", "sad", "sure")])


def test_japanese_survives_and_is_stored_as_itself(store: LabelStore) -> None:
    store.write("秋", "approve", "L", [Entry("L", "emotion", "明るい", "approved")], {}, note="サビ前のフィル")
    assert (store.history("L")[0].note, store.history("L")[0].source) == ("サビ前のフィル", "human:秋")
    with store.transaction() as connection:
        raw = connection.exec_driver_sql("SELECT value FROM label_events").scalar()
    assert raw == '"明るい"'


def test_text_no_database_can_hold_is_made_fit(store: LabelStore) -> None:
    store.write("aki", "approve", "L", [Entry("L", "emotion", "a\x00b", "approved")], {}, note="half \ud83d, nul \x00")
    assert (store.history("L")[0].note, store.history("L")[0].value) == ("half ?, nul ", "a\x00b")


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "reject", "draft", "skip", "undo", MODEL, RULE, IMPORT]),
        st.sampled_from(["aki", "ben"]),
        st.sampled_from(["L", "M"]),
        st.sampled_from(["emotion", "emotion_valence"]),
        st.sampled_from([-0.5, 0.0, 0.2, 1.0]),
    ),
    max_size=18,
)


def carry_out(store: LabelStore, kind: str, rater: str, loop_id: str, field: str, value: float) -> None:
    status = {"approve": "approved", "reject": "rejected", "draft": "draft"}.get(kind, "suggested")
    entry = Entry(loop_id, field, value, status, 0.5 if status == "suggested" else None)
    if kind == "undo":
        store.undo(rater)
    elif ":" in kind:
        store.add(kind, [entry])
    else:
        seen = {event.field: event.id for event in store.history(loop_id)}
        store.write(rater, kind, loop_id, [] if kind == "skip" else [entry], seen)


@given(OPERATIONS, st.sampled_from(["approve", "reject", "draft", "skip"]), st.sampled_from([-0.5, 1.0]))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_undo_restores_value_and_status(
    new_location: Callable[[], Path | str], operations: list[Any], kind: str, value: float
) -> None:
    store = LabelStore(new_location())
    for operation in operations:
        carry_out(store, *operation)

    def ratings() -> dict[str, Any]:
        # The newest of equal ranks wins, so a restored opinion may now win over another's older one:
        # what must come back exactly is what this rater said.
        newest = {(e.loop_id, e.field): (e.value, e.status) for e in store.events() if e.source == "human:aki"}
        return {place: said for place, said in newest.items() if said[1] != "withdrawn"}

    before = ratings()
    carry_out(store, kind, "aki", "L", "emotion", value)
    store.undo("aki")
    assert ratings() == before


def test_agreement_is_symmetric_and_knows_missing_values() -> None:
    assert not agree("emotion_valence", None, 0.0)
    assert agree("genre", {"funk": 0.7, "jazz": 0.3}, {"jazz": 0.3, "funk": 0.7})


# Schema and file


def test_a_url_of_another_database_is_refused_without_showing_it() -> None:
    for url in ("mysql://me:secret@host/labels", "not a url", "postgresql+nodriver://host/labels"):
        with pytest.raises(InvalidValue, match="COMPOSER_DATABASE_URL") as refused:
            LabelStore(url)
        assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as refused:
        LabelStore("postgresql://me:secret@127.0.0.1:1/labels")
    assert refused.value.code == "database_unreachable" and "secret" not in str(refused.value)


def test_the_environment_names_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace(tmp_path)
    monkeypatch.delenv("COMPOSER_DATABASE_URL", raising=False)
    assert label_location(workspace) == workspace.labels
    monkeypatch.setenv("COMPOSER_DATABASE_URL", "postgresql://host/labels")
    assert label_location(workspace) == "postgresql://host/labels"


def test_migrations_from_empty_give_the_declared_tables(location: Path | str) -> None:
    engine = open_engine(location)
    with engine.begin() as connection:
        assert schema_version(connection) == 0
        migrate(connection)
        assert schema_version(connection) == len(MIGRATIONS)
        for table in (EVENTS, ACTIONS):
            assert {c["name"] for c in inspect(connection).get_columns(table.name)} == set(table.c.keys())


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_older_database_is_migrated_with_its_rows(location: Path | str, version: int) -> None:
    with open_engine(location).begin() as connection:
        migrate(connection, target=version)
        connection.exec_driver_sql(
            "INSERT INTO label_events (loop_id, field, value, source, note, created_at, status) "
            "VALUES ('L', 'emotion', '\"sad\"', 'human:aki', '', '2026-01-01T00:00:00+00:00', 'approved')"
        )
    store = LabelStore(location)
    assert emotion(store) == ("sad", "approved")
    write(store, "ben", "sad", seen=1)
    assert len(store.events()) == 2


def test_a_saved_file_of_the_first_release_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    store = LabelStore(path)
    assert {loop_id: labels["emotion"].value for loop_id, labels in store.view().items()} == {"L": "happy", "M": "calm"}
    assert store.undo("aki").loop_id == "L"  # type: ignore[union-attr]
    assert emotion(store) == ("sad", "suggested")


def test_database_of_a_later_release_is_refused(store: LabelStore, location: Path | str) -> None:
    with store.transaction(writes=True) as connection:
        connection.exec_driver_sql("INSERT INTO label_schema VALUES (99, '')")
    with pytest.raises(StoreError, match="99"):
        LabelStore(location)


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    path.write_bytes(b"not a database, but long enough to have a header " * 20)
    with pytest.raises(StoreError) as refused:
        LabelStore(path).view()
    assert refused.value.code == "damaged_store"


def test_place_that_cannot_hold_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.sqlite").mkdir()
    with pytest.raises(ComposerError) as refused:
        LabelStore(tmp_path / "labels.sqlite")
    assert refused.value.code == "cannot_write"


@pytest.mark.parametrize("statement", ["UPDATE label_events SET value = '1'", "DELETE FROM label_events"])
def test_events_cannot_be_changed_or_deleted(store: LabelStore, statement: str) -> None:
    write(store, "aki", "happy")
    with pytest.raises(StoreError, match="append-only"), store.transaction(writes=True) as connection:
        connection.exec_driver_sql(statement)
    assert emotion(store) == ("happy", "approved")
    assert not is_noted(Path(store.place)), "what is refused leaves the file whole"


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    with open_engine(tmp_path / "labels.sqlite").connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
