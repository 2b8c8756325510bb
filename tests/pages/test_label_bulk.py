"""Labelling many loops at once on the Label page: selection or filter, preview, one undo."""

from __future__ import annotations

from functools import partial

from streamlit.testing.v1 import AppTest

from composer_core.pipeline.labels import decisions
from composer_core.workspace import Workspace
from small_library import ids
from studio import session
from studio.label import state as label_state
from studio.rater import RATER
from studio_app import open_label, open_studio, press, text

open_bulk = partial(open_label, section="bulk")


def figures(app: AppTest) -> list[str]:
    return [str(metric.value) for metric in app.metric]


def test_a_selection_is_previewed_labelled_and_taken_back_at_once(library_workspace: Workspace, spoken: str) -> None:
    loops = ids(library_workspace)
    decisions.decide(library_workspace, loops[0], rater="ben", action="approve", values={"emotion": "sad"}, seen={})
    app = open_bulk(library_workspace, language=spoken, selected=loops[:3])
    assert app.button(key="label.bulk.preview").disabled
    app.selectbox(key="label.bulk.value.emotion").set_value("calm").run()
    press(app, "label.bulk.preview")
    assert figures(app) == ["3", "0", "1", "0"]
    assert decisions.current(library_workspace, loops[1]).status == "unlabelled"
    press(app, "label.bulk.apply")
    assert all(decisions.current(library_workspace, loop).values["emotion"] == "calm" for loop in loops[:3])
    assert decisions.current(library_workspace, loops[0]).status == "disputed"
    assert decisions.current(library_workspace, loops[3]).status == "unlabelled"
    press(app, "label.bulk.undo")
    assert decisions.current(library_workspace, loops[0]).values == {"emotion": "sad"}
    assert decisions.current(library_workspace, loops[1]).values == {}


def test_the_loops_a_filter_leaves_are_drafted(library_workspace: Workspace) -> None:
    app = open_bulk(library_workspace)
    assert app.session_state["label.bulk.source"] == "filter"
    app.selectbox(key="label.bulk.field").set_value("technique").run()
    app.multiselect(key="label.bulk.value.technique").set_value(["bass:slap"]).run()
    app.toggle(key="label.bulk.approve").set_value(False).run()
    press(app, "label.bulk.preview")
    # Four of the five loops are drums, which nobody slaps.
    assert figures(app) == ["1", "0", "0", "4"]
    press(app, "label.bulk.apply")
    states = [decisions.current(library_workspace, loop) for loop in ids(library_workspace)]
    assert sorted(state.status for state in states) == ["draft", *["unlabelled"] * 4]


def test_another_request_has_no_preview_yet(library_workspace: Workspace) -> None:
    app = open_bulk(library_workspace, selected=ids(library_workspace))
    app.selectbox(key="label.bulk.field").set_value("emotion_arousal").run()
    app.slider(key="label.bulk.value.emotion_arousal").set_value(0.8).run()
    press(app, "label.bulk.preview")
    app.slider(key="label.bulk.value.emotion_arousal").set_value(0.2).run()
    assert label_state.LABEL_PREVIEW not in app.session_state or app.session_state[label_state.LABEL_PREVIEW] is None
    assert "label.bulk.apply" not in [button.key for button in app.button]


def test_what_changed_since_the_preview_stores_nothing(library_workspace: Workspace) -> None:
    loops = ids(library_workspace)
    app = open_bulk(library_workspace, selected=loops)
    app.selectbox(key="label.bulk.value.emotion").set_value("calm").run()
    press(app, "label.bulk.preview")
    decisions.decide(library_workspace, loops[2], rater="ben", action="approve", values={"emotion": "sad"}, seen={})
    press(app, "label.bulk.apply")
    assert any("ben" in str(error.value) for error in app.error)
    assert decisions.current(library_workspace, loops[1]).values == {}


def test_the_librarys_selection_leads_here(library_workspace: Workspace) -> None:
    app = open_studio("library")
    app.session_state[session.SELECTION] = ids(library_workspace)[:2]
    app.session_state[RATER] = "aki"  # what the browser would tell
    app.run()
    press(app, "library.bulk")
    assert app.title[0].value == text("page.label")
    assert app.session_state["label.bulk.source"] == "selection"
    assert app.button(key="label.bulk.preview").label == text("label.bulk_preview", n=2)
