"""The Label page through the router, on a small real library. The browser's part is in tests/browser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.errors import StreamlitMissingAuthlibError
from streamlit.testing.v1 import AppTest

import small_library
from composer_core.errors import ComposerError, RenderError
from composer_core.estimate import Suggestion, suggest
from composer_core.pipeline import vocabularies
from composer_core.pipeline.generation.audition import soundfont_choice
from composer_core.pipeline.labels import decisions, kept_suggestions
from composer_core.pipeline.settings import Settings, load_settings, save_settings
from composer_core.workspace import Workspace
from studio import rater, session
from studio.components import own_rater, transport
from studio.label import state as label_state
from studio.label.desk import AHEAD
from studio.label.state import LabelDesk
from studio.wording.text import literally
from studio_app import (
    component_data,
    decide_in_browser,
    desk_data,
    look,
    on_screen,
    open_label,
    open_studio,
    press,
    send,
    text,
    undo_in_browser,
    written,
)


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
    hand = on_screen(app)
    assert hand["values"]["emotion"] == suggested["emotion"].value
    assert hand["suggested"] == [hand["values"]["emotion_valence"], hand["values"]["emotion_arousal"]]
    sure = f"{100 * suggested['emotion'].confidence:.0f} %"
    assert hand["sure"]["emotion"] == text("label.sure", spoken, confidence=sure)
    heads = [line["head"] for line in hand["reasons"]]
    assert len(heads) == len(suggested) and all(heads)


def test_the_next_five_loops_are_ready_before_they_are_asked_for(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    hands = desk_data(app)["hands"]
    assert len(hands) == min(1 + AHEAD, small_library.N_LOOPS)
    assert len({hand["id"] for hand in hands}) == len(hands)
    answer = decide_in_browser(app, "approve")
    assert answer["outcome"] == "stored"
    after = [hand["id"] for hand in desk_data(app)["hands"]]
    assert after[: len(hands) - 1] == [hand["id"] for hand in hands[1:]]


def test_approve_stores_what_the_form_holds_and_goes_on(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    genre = {"funk": 0.75, "jazz": 0.25}
    decide_in_browser(app, "approve", "  tight  ", emotion="calm", genre=genre)
    assert in_hand(app) != first
    stored = decisions.current(library_workspace, first)
    assert stored.status == "approved"
    assert (stored.values["emotion"], stored.values["genre"]) == ("calm", genre)
    approved = {label.source for label in stored.fields.values() if label.status == "approved"}
    assert approved == {"human:aki"}
    assert {label.note for label in stored.fields.values() if label.status == "approved"} == {"tight"}
    assert on_screen(app)["note"] == ""


def unsure_suggestions(loop: Any, *rest: Any) -> dict[str, Suggestion]:
    made = suggest(loop, *rest)
    return made | {"emotion": replace(made["emotion"], confidence=0.004)}


def test_a_value_that_is_0_percent_sure_is_not_approved_by_itself(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_suggestions, "suggest", unsure_suggestions)
    app = open_label(library_workspace)
    hand = on_screen(app)
    assert hand["unsure"] == ["emotion"] and hand["values"]["emotion"] is not None
    decide_in_browser(app, "approve")
    fields = decisions.current(library_workspace, hand["id"]).fields
    assert fields["emotion"].status == "suggested"
    assert fields["emotion_valence"].status == "approved"


def test_moods_tell_where_they_contradict_the_pad(library_workspace: Workspace) -> None:
    fits = {mood["code"]: mood["fits"] for mood in desk_data(open_label(library_workspace))["moods"]}
    # sad is anchored at (-0.7, 0.25): clearly bright or clearly driving contradicts it.
    assert fits["sad"] == [-1.0, 0.15, 0.0, 0.6]
    # intense is anchored at (-0.1, 0.9): any valence, but not clearly calm.
    assert fits["intense"] == [-1.0, 1.0, 0.4, 1.0]


def test_reject_skip_draft_and_undo(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    decide_in_browser(app, "reject")
    assert decisions.current(library_workspace, first).status == "rejected"
    second = in_hand(app)
    decide_in_browser(app, "skip")
    third = in_hand(app)
    assert third not in (first, second)
    decide_in_browser(app, "draft")
    assert decisions.current(library_workspace, third).status == "draft"
    for expected in (third, second, first):
        assert undo_in_browser(app)["outcome"] == "undone"
        assert in_hand(app) == expected
    assert on_screen(app)["why"] == text("label.why_undone")
    assert decisions.current(library_workspace, first).status == "suggested"
    assert undo_in_browser(app)["outcome"] == "nothing"
    assert in_hand(app) == first


def test_undo_brings_the_form_back_as_it_was(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    decide_in_browser(app, "approve", "a bit late", emotion="fear", genre={"funk": 0.5, "jazz": 0.5})
    assert in_hand(app) != first and on_screen(app)["note"] == ""
    undo_in_browser(app)
    hand = on_screen(app)
    assert (hand["id"], hand["values"]["emotion"], hand["note"]) == (first, "fear", "a bit late")
    assert hand["values"]["genre"] == {"funk": 0.5, "jazz": 0.5}
    assert decisions.current(library_workspace, first).status == "suggested"
    # What was cleared comes back cleared, and set by the rater; what was rejected as a whole as it stood before.
    decide_in_browser(app, "approve", emotion=None)
    undo_in_browser(app)
    hand = on_screen(app)
    assert hand["values"]["emotion"] is None and "emotion" in hand["touched"]
    decide_in_browser(app, "reject")
    undo_in_browser(app)
    assert on_screen(app)["values"]["emotion"] is not None


def test_all_decided_says_so_and_undo_still_works(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    seen = []
    for _ in range(small_library.N_LOOPS):
        seen.append(on_screen(app)["title"])
        decide_in_browser(app, "approve", emotion="sad")
    assert any("bass *line*" in title for title in seen) and any("七拍子<b>" in title for title in seen)
    assert desk_data(app)["done"] and desk_data(app)["hands"] == []
    progress = decisions.progress(library_workspace, "aki")
    assert (progress.decided, progress.mine) == (small_library.N_LOOPS, small_library.N_LOOPS)
    assert desk_data(app)["progress"]["share"] == 1.0
    undo_in_browser(app)
    assert desk(app).in_hand is not None and not desk_data(app)["done"]


def other_writes(workspace: Workspace, loop_id: str, emotion: str) -> None:
    seen = decisions.current(workspace, loop_id).seen
    decisions.decide(workspace, loop_id, rater="ben", action="draft", values={"emotion": emotion}, seen=seen)


def mood(code: str, language: str = "en") -> str:
    found = vocabularies.vocabularies().moods[code]
    return found.name_ja if language == "ja" else found.name_en


def test_conflict_gives_both_values_and_can_be_settled(library_workspace: Workspace, spoken: str) -> None:
    app = open_label(library_workspace, language=spoken)
    hand = on_screen(app)
    other_writes(library_workspace, hand["id"], "fear")
    answer = decide_in_browser(app, "approve", emotion="calm")
    assert answer["outcome"] == "conflict" and answer["title"] == hand["title"]
    field = text("field.emotion", spoken)
    assert answer["rows"] == [[field[:1].upper() + field[1:], mood("fear", spoken), "ben", mood("calm", spoken)]]
    assert decisions.current(library_workspace, hand["id"]).values["emotion"] == "fear"
    assert in_hand(app) != hand["id"]
    # Sent again with what was seen by now, it is stored.
    seen = {**hand["seen"], **answer["seen"]}
    said = {"kind": "approve", "loop": hand["id"], "values": {"emotion": "calm"}, "seen": seen, "note": ""}
    assert send(app, said)["outcome"] == "stored"
    assert decisions.current(library_workspace, hand["id"]).values["emotion"] == "calm"


def test_what_others_write_on_the_loop_on_screen_is_shown(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    other_writes(library_workspace, in_hand(app), "fear")
    arrived = desk_data(look(app))["arrived"]
    assert arrived["id"] == in_hand(app)
    assert [(row["field"], row["theirs"], row["by"]) for row in arrived["rows"]] == [("emotion", mood("fear"), "ben")]


def test_what_others_settled_meanwhile_is_passed_over(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    second, third = (hand["id"] for hand in desk_data(app)["hands"][1:3])
    for loop_id in (second, third):
        seen = decisions.current(library_workspace, loop_id).seen
        decisions.decide(library_workspace, loop_id, rater="ben", action="reject", values={}, seen=seen)
    decide_in_browser(app, "approve")
    # The next one is on screen already: it stays, and both values are shown. The others never come.
    shown = [hand["id"] for hand in desk_data(app)["hands"]]
    assert shown[0] == second and third not in shown


def test_history_lists_every_event_newest_first(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    first = in_hand(app)
    decide_in_browser(app, "approve")
    undo_in_browser(app)
    events = decisions.history(library_workspace, first)
    shown = on_screen(app)["history"]
    assert len(shown) == len(events)
    assert text("status.withdrawn") in shown[0]["text"] and text("status.suggested") in shown[-1]["text"]


def test_a_browser_that_knows_nobody_is_asked_and_told_what_there_is(library_workspace: Workspace, spoken: str) -> None:
    save_settings(library_workspace, Settings(rater="kim"))  # of a workspace that kept the rater itself
    app = open_label(library_workspace, rater="", language=spoken)
    assert text("label.who_are_you", spoken) in written(app)
    assert "composer_desk" not in [one.proto.component_name for one in app.get("bidi_component")]
    press(app, "label.rater.kim")
    assert desk(app).rater == "kim"
    assert component_data(app, "composer_own_rater")["rater"] == "kim"


def test_what_the_browser_keeps_counts_and_not_the_workspace(library_workspace: Workspace) -> None:
    save_settings(library_workspace, Settings(rater="kim"))
    app = open_studio("label")
    assert component_data(app, "composer_own_rater") == {"rater": "", "asked": False}
    app.session_state[own_rater.KEY] = {"told": {"rater": "mio"}}
    app.run()
    assert desk(app).rater == "mio"
    assert load_settings(library_workspace).rater == "kim"


def test_rater_can_be_changed_and_is_kept_by_the_browser(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    decide_in_browser(app, "approve")
    app.text_input(key="label.new_rater").set_value("秋")
    next(button for button in app.button if button.label == text("label.use_rater")).click().run()
    assert not app.exception
    assert desk(app).rater == "秋"
    assert component_data(app, "composer_own_rater")["rater"] == "秋"
    assert load_settings(library_workspace).rater == ""
    press(app, "label.rater.aki")
    assert desk(app).rater == "aki"


def test_without_any_name_a_person_types_one(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert rater.offered_raters(library_workspace) == []
    app = open_label(library_workspace, rater="")
    assert text("label.who_are_you") in written(app)
    app.text_input(key="label.new_rater").set_value("mio")
    next(button for button in app.button if button.label == text("label.use_rater")).click().run()
    assert desk(app).rater == "mio"


def test_every_loop_comes_with_its_sound(library_workspace: Workspace) -> None:
    try:
        soundfont_choice(library_workspace)
    except ComposerError as error:
        pytest.skip(f"no sound on this machine: {error}")
    app = open_label(library_workspace, autoplay=True)
    hands = desk_data(app)["hands"]
    assert {hand["sound"]["key"] for hand in hands} == {f"loop.{hand['id']}" for hand in hands}
    assert all(hand["sound"]["mode"] == "start" and hand["problem"] == "" for hand in hands)
    # The transport holds the first under the same token: it is obeyed once, whoever hands it over.
    assert app.session_state[session.NOW_PLAYING]["token"] == hands[0]["sound"]["token"]


def test_a_loop_that_cannot_sound_says_why(library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: Any) -> Any:
        raise RenderError("render_silent", what="it", reason="no notes")

    monkeypatch.setattr(transport, "audition", silent)
    hand = on_screen(open_label(library_workspace, autoplay=True))
    assert hand["sound"] is None and hand["problem"]


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
    assert "composer_desk" not in [one.proto.component_name for one in app.get("bidi_component")]
    sign_in_as(monkeypatch, email="aki@example.org", name="Aki")
    app.run()
    hand = on_screen(app)
    said = {"kind": "approve", "loop": hand["id"], "values": {"emotion": "sad"}, "seen": hand["seen"], "note": ""}
    assert send(app, {**said, "rater": "somebody@example.org"})["outcome"] == "gone"
    assert send(app, said)["outcome"] == "stored"
    emotion = decisions.current(library_workspace, hand["id"]).fields["emotion"]
    assert emotion.source == "human:aki@example.org"


def test_without_the_package_signing_in_names_the_cure(
    library_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, spoken: str
) -> None:
    def no_package() -> None:
        raise StreamlitMissingAuthlibError

    sign_in_as(monkeypatch)
    monkeypatch.setattr("streamlit.login", no_package)
    app = press(open_label(library_workspace, language=spoken), "label.sign_in")
    cure = literally('pip install -e ".[oidc]"')
    assert any(cure in str(error.value) for error in app.error)


def test_accounts_with_long_names_stay_apart() -> None:
    first, second = (rater.name_of_account({"email": "a" * 50 + end}) for end in ("1", "2"))
    assert first != second and len(first) == len(second) == 40
    decisions.check_rater(first)


def test_a_machine_without_secrets_asks_for_no_sign_in(library_workspace: Workspace) -> None:
    app = open_label(library_workspace)
    assert "label.sign_in" not in [button.key for button in app.button]
