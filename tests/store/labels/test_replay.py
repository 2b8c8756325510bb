"""Whatever is done to the labels, going through all events gives what the database's view says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from composer_core.errors import StoreError
from composer_core.store.labels.records import Entry
from composer_core.store.labels.store import LabelStore
from composer_core.store.labels.view import loop_status, replay

RATERS = st.sampled_from(["aki", "ben", "chie"])
LOOPS = st.sampled_from(["L", "M", "N"])
FIELDS = st.sampled_from(["emotion", "emotion_valence"])
VALUES = st.sampled_from([-0.5, 0.0, 0.2, 1.0])
SOURCES = st.sampled_from(["model:a@1", "model:a@2", "rule:density", "import:set"])
DECISIONS = st.sampled_from(
    [("approve", "approved"), ("reject", "rejected"), ("draft", "draft"), ("approve", "settled")]
)


class Labelling(RuleBasedStateMachine):
    """Raters, models and imports at work on three loops."""

    new_location: Callable[[], Path | str]

    @initialize()
    def open(self) -> None:
        self.store = LabelStore(type(self).new_location())
        self.seen: dict[str, dict[str, int]] = {}

    @rule(source=SOURCES, loop_id=LOOPS, field=FIELDS, value=VALUES)
    def suggest(self, source: str, loop_id: str, field: str, value: float) -> None:
        self.store.add(source, [Entry(loop_id, field, value, "suggested", 0.5)])

    @rule(loop_id=LOOPS, field=FIELDS, value=VALUES)
    def bring_in(self, loop_id: str, field: str, value: float) -> None:
        self.store.add_changed("import:set", [(Entry(loop_id, field, value, "suggested", 0.5), "")])
        again = self.store.add_changed("import:set", [(Entry(loop_id, field, value, "suggested", 0.5), "")])
        assert (again.written, again.unchanged) == (0, 1)

    @rule()
    def look(self) -> None:
        self.seen = self.store.seen(["L", "M", "N"])

    @rule(rater=RATERS, loop_id=LOOPS, field=FIELDS, value=VALUES, decision=DECISIONS)
    def decide(self, rater: str, loop_id: str, field: str, value: float, decision: tuple[str, str]) -> None:
        kind, status = decision
        self.attempt(
            lambda: self.store.write(
                rater, kind, loop_id, [Entry(loop_id, field, value, status)], self.seen.get(loop_id, {})
            )
        )

    @rule(rater=RATERS, loop_ids=st.sets(LOOPS, min_size=1), field=FIELDS, value=VALUES)
    def decide_many(self, rater: str, loop_ids: set[str], field: str, value: float) -> None:
        entries = [Entry(loop_id, field, value, "approved") for loop_id in sorted(loop_ids)]
        self.attempt(lambda: self.store.write_many(rater, "approve", entries, self.seen))

    @rule(rater=RATERS)
    def undo(self, rater: str) -> None:
        self.store.undo(rater)

    def attempt(self, write: Callable[[], Any]) -> None:
        """A write that may be refused: then nothing has changed."""
        before = self.store.events()
        try:
            write()
        except StoreError as error:
            assert error.code == "conflict" and self.store.events() == before
        self.seen = self.store.seen(["L", "M", "N"])

    @invariant()
    def replay_equals_view(self) -> None:
        view = self.store.view()
        assert replay(self.store.events()) == view
        assert self.store.view(["L"]) == {loop_id: labels for loop_id, labels in view.items() if loop_id == "L"}
        for labels in view.values():
            assert loop_status(labels) in ("suggested", "annotated", "draft", "approved", "rejected", "disputed")


def test_replay_of_the_events_equals_the_view(new_location: Callable[[], Path | str]) -> None:
    machine = type("LabellingHere", (Labelling,), {"new_location": staticmethod(new_location)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=4, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
