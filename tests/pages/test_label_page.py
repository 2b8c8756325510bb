"""The Label page through the router, on a small real library."""

from __future__ import annotations

import pytest
from streamlit.errors import StreamlitMissingAuthlibError
from streamlit.testing.v1 import AppTest

import small_library
from composer_core.errors import ComposerError
from composer_core.pipeline import vocabularies
from composer_core.pipeline.generation.audition import soundfont_choice
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.settings import Settings, load_settings, save_settings
from composer_core.workspace import Workspace
from studio import rater, session
from studio.label import state as label_state
from studio.label.state import LabelDesk
from studio.rater import default_rater
from studio_app import component_data, open_label, open_studio, press, text, written


def desk(app: AppTest) -> LabelDesk:
    found: LabelDesk = app.session_state[label_state.LABEL_DESK]
    return found


def in_hand(app: AppTest) -> str:
    held = desk(app).in_hand
    assert held is not None
    return held.item.loop_id


def test_empty_library_leads_to_the_import(empty_workspace: Workspace) -> None:
    app = open_studio("label")
    assert not app.exception
    assert text("label.empty") in written(app)
    assert [link.proto.label for link in app.get("page_link")] == [text("label.to_library")]


def test_suggestion_fills_the_form_with_its_confidence(library_workspace: Workspace, spoken: str) -> None:
    app = open_label(library_workspace, language=spoken)
    suggested = decisions.suggestion(library_workspace, in_hand(app))
    pad = component_data(app, "composer_xypad")
    assert (pad["valence"], pad["arousal"]) == (suggested["emotion_valence"].value, suggested["emotion_arousal"].value)
    assert pad["suggested"] == [pad["valence"], pad["arousal"]]
    assert app.session_state["label.emotion"] == suggested["emotion"].value
    sure = f"{100 * suggested['emotion'].confidence:.0f} %"
    assert text("label.headed", spoken, field=text("label.emotion", spoken), confidence=sure) in written(app)
    assert text("label.why", spoken) in written(app)


def test_approve_stores_what_the_form_holds_and_goes_on(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    press(app, "label.mood.calm")
    app.multiselect(key="label.genre").set_value(["funk", "jazz"]).run()
    app.slider(key="label.weight.funk").set_value(90).run()
    app.slider(key="label.weight.jazz").set_value(30).run()
    app.text_area(key="label.note").set_value("  tight  ").run()
    press(app, "label.approve")
    assert in_hand(app) != first
    stored = decisions.current(library_workspace, first)
    assert stored.status == "approved"
    assert stored.values["emotion"] == "calm"
    # 90 : 30 is three to one.
    assert stored.values["genre"] == pytest.approx({"funk": 0.75, "jazz": 0.25})
    assert {label.source for label in stored.fields.values()} == {"human:aki"}
    assert {label.note for label in stored.fields.values()} == {"tight"}
    assert app.text_area(key="label.note").value == ""
    suggested = decisions.suggestion(library_workspace, in_hand(app))
    assert set(app.multiselect(key="label.genre").value) <= set(suggested["genre"].value)


def test_moving_the_pad_changes_what_is_stored(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    app.session_state["studio.pad.label"] = {**app.session_state["studio.pad.label"], "value": (-0.25, 0.8)}
    press(app, "label.approve")
    values = decisions.current(library_workspace, first).values
    assert (values["emotion_valence"], values["emotion_arousal"]) == (-0.25, 0.8)


def test_reject_skip_draft_and_undo(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    press(app, "label.reject")
    assert decisions.current(library_workspace, first).status == "rejected"
    second = in_hand(app)
    press(app, "label.skip")
    third = in_hand(app)
    assert third not in (first, second)
    press(app, "label.draft")
    assert decisions.current(library_workspace, third).status == "draft"
    for expected in (third, second, first):
        press(app, "label.undo")
        assert in_hand(app) == expected
    assert text("label.why_undone") in written(app)
    assert decisions.current(library_workspace, first).status == "suggested"
    press(app, "label.undo")
    assert in_hand(app) == first


def test_undo_brings_the_form_back_as_it_was(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    press(app, "label.mood.fear")
    app.multiselect(key="label.genre").set_value(["funk", "jazz"]).run()
    app.text_area(key="label.note").set_value("a bit late").run()
    press(app, "label.approve")
    assert in_hand(app) != first and app.text_area(key="label.note").value == ""
    press(app, "label.undo")
    assert (in_hand(app), app.session_state["label.emotion"]) == (first, "fear")
    assert app.multiselect(key="label.genre").value == ["funk", "jazz"]
    assert app.text_area(key="label.note").value == "a bit late"
    assert decisions.current(library_workspace, first).status == "suggested"
    # What was cleared comes back cleared, what was rejected as a whole as it stood before.
    press(app, "label.mood.none")
    press(app, "label.approve")
    press(app, "label.undo")
    assert app.session_state["label.emotion"] is None
    press(app, "label.reject")
    press(app, "label.undo")
    assert app.session_state["label.emotion"] is not None


def test_keys_are_printed_on_the_buttons(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    keys = {f"label.{name}" for name in ("approve", "reject", "skip", "draft", "undo")}
    shown = {button.key: button.proto.shortcut for button in app.button if button.key in keys}
    assert shown == {
        "label.approve": "enter",
        "label.reject": "backspace",
        "label.skip": "s",
        "label.draft": "d",
        "label.undo": "u",
    }
    moods = [
        b.proto.shortcut for b in app.button if str(b.key).startswith("label.mood.") and b.key != "label.mood.none"
    ]
    assert moods == list("12345678")


def test_all_decided_says_so_and_undo_still_works(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    seen = []
    for _ in range(small_library.N_LOOPS):
        seen.append(written(app))
        press(app, "label.approve")
    # File names are attacker text: what Markdown or HTML would read in them is escaped.
    assert any(r"bass \*line\*" in page for page in seen)
    assert any(r"七拍子\<b\>" in page for page in seen)
    assert text("label.done") in written(app)
    assert app.button(key="label.approve").disabled
    progress = decisions.progress(library_workspace, "aki")
    assert (progress.decided, progress.mine) == (small_library.N_LOOPS, small_library.N_LOOPS)
    press(app, "label.undo")
    assert desk(app).in_hand is not None


def other_writes(workspace: Workspace, loop_id: str, emotion: str) -> None:
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater="ben", action="draft", values={"emotion": emotion}, seen=seen)


def mood(code: str, language: str = "en") -> str:
    found = vocabularies.vocabularies().moods[code]
    return found.name_ja if language == "ja" else found.name_en


def test_conflict_shows_both_values_and_can_be_settled(library_workspace: Workspace, spoken: str) -> None:
    app = open_label(library_workspace, language=spoken)
    first = in_hand(app)
    press(app, "label.mood.calm")
    other_writes(library_workspace, first, "fear")
    press(app, "label.approve")
    assert text("label.conflict", spoken) in written(app)
    row = " | ".join((text("field.emotion", spoken).capitalize(), mood("fear", spoken), "ben", mood("calm", spoken)))
    assert row in written(app)
    assert decisions.current(library_workspace, first).values["emotion"] == "fear"
    press(app, "label.store_mine")
    assert decisions.current(library_workspace, first).values["emotion"] == "calm"
    assert in_hand(app) != first


def test_conflict_can_be_settled_the_others_way(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    press(app, "label.mood.calm")
    other_writes(library_workspace, first, "fear")
    press(app, "label.approve")
    press(app, "label.keep_theirs")
    assert in_hand(app) == first
    assert app.session_state["label.emotion"] == "fear"
    assert text("label.conflict") not in written(app)


def test_what_others_settled_meanwhile_is_passed_over(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    second = desk(app).waiting[0].loop_id
    seen = decisions.current(library_workspace, second).seen
    decisions.decide(library_workspace, second, rater="ben", action="reject", values={}, seen=seen)
    press(app, "label.approve")
    assert in_hand(app) != second


def test_history_lists_every_event_newest_first(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    press(app, "label.approve")
    press(app, "label.undo")
    events = decisions.history(library_workspace, first)
    app.session_state["label.side"] = "history"
    app.run()
    shown = [line for line in written(app).split("\n") if ":small[" in line and ":gray[" not in line]
    shown = [line for line in shown if any(text(f"status.{e.status}") in line for e in events)]
    assert len(shown) == len(events)
    assert text("status.withdrawn") in shown[0] and text("status.suggested") in shown[-1]


def test_rater_can_be_changed_and_is_remembered(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    press(app, "label.approve")
    app.text_input(key="label.new_rater").set_value("秋")
    next(button for button in app.button if button.label == text("label.use_rater")).click().run()
    assert not app.exception
    assert desk(app).rater == "秋"
    assert load_settings(library_workspace).rater == "秋"
    press(app, "label.rater.aki")
    assert desk(app).rater == "aki"


def test_without_a_name_nothing_can_be_labelled(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert default_rater(library_workspace) == ""
    app = open_studio("label")
    assert text("label.who_are_you") in written(app)
    assert "label.approve" not in [button.key for button in app.button]


def test_loop_in_hand_plays_once_by_itself(library_workspace: Workspace) -> None:
    try:
        soundfont_choice(library_workspace)
    except ComposerError as error:
        pytest.skip(f"no sound on this machine: {error}")
    save_settings(library_workspace, Settings(rater="aki"))
    app = open_studio("label")
    assert not app.exception
    assert app.session_state[session.NOW_PLAYING]["key"] == f"loop.{in_hand(app)}"
    assert app.session_state[session.PLAY_COUNT] == 1
    press(app, "label.mood.calm")
    assert app.session_state[session.PLAY_COUNT] == 1
    press(app, "label.approve")
    assert app.session_state[session.NOW_PLAYING]["key"] == f"loop.{in_hand(app)}"
    assert app.session_state[session.PLAY_COUNT] == 2


class Account:
    """What st.user is where secrets configure an identity provider."""

    def __init__(self, **told: str) -> None:
        self.is_logged_in, self.told = bool(told), told

    def to_dict(self) -> dict[str, str]:
        return self.told


def sign_in_as(monkeypatch: pytest.MonkeyPatch, **told: str) -> None:
    monkeypatch.setattr(rater, "sign_in_is_set_up", lambda: True)
    monkeypatch.setattr("streamlit.user", Account(**told))


def test_where_sign_in_is_set_up_labels_carry_the_account(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_as(monkeypatch)
    app = open_label(library_workspace)
    assert "label.sign_in" in [button.key for button in app.button]
    assert "label.approve" not in [button.key for button in app.button]
    sign_in_as(monkeypatch, email="aki@example.org", name="Aki")
    app.run()
    first = in_hand(app)
    press(app, "label.approve")
    stored = decisions.current(library_workspace, first)
    assert {label.source for label in stored.fields.values()} == {"human:aki@example.org"}


def test_without_the_package_signing_in_names_the_cure(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, spoken: str
) -> None:
    def no_package() -> None:
        raise StreamlitMissingAuthlibError

    sign_in_as(monkeypatch)
    monkeypatch.setattr("streamlit.login", no_package)
    app = press(open_label(library_workspace, language=spoken), "label.sign_in")
    assert any("pip install Authlib" in str(error.value) for error in app.error)


def test_accounts_with_long_names_stay_apart() -> None:
    first, second = (rater.name_of_account({"email": "a" * 50 + end}) for end in ("1", "2"))
    assert first != second and len(first) == len(second) == 40
    decisions.check_rater(first)


def test_a_machine_without_secrets_asks_for_no_sign_in(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    assert "label.sign_in" not in [button.key for button in app.button]
