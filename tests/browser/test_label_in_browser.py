"""A curator at the Label page in a real browser: keys at any speed, mouse and phone, and two people on one loop."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any

import pytest

import small_library
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.labels import decisions, review
from composer_core.pipeline.labels.queue import unique_loops
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace
from studio_browser import IN_BROWSER, TRY_MS, click, insist, open_page, patiently, settled, sync_api
from studio_server import Watch, free_port, studio_server

pytestmark = IN_BROWSER
N_LABELLED = 20
MOODS = tuple(vocabularies().moods)
"""The emotions in the order of their keys 1 to 8."""


def beat(number: int) -> Loop:
    """Two bars of hats in 8ths with a snare on 2 and 4; the bits of `number` say which 8ths have a kick."""
    rows = [(eighth * 240, 60, small_library.HAT, 70) for eighth in range(16)]
    rows += [(beat * 480, 60, small_library.SNARE, 110) for beat in (1, 3, 5, 7)]
    rows += [(eighth * 240, 60, small_library.KICK, 100) for eighth in range(16) if number >> eighth % 8 & 1]
    return Loop("drums", Notes.from_rows(rows), 2, 90.0 + 2 * number)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A library of two loops more than are labelled."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(1, N_LABELLED + 3):
        (folder / f"beat {number}.mid").write_bytes(loop_to_midi(beat(number)))
    made = Workspace(tmp_path / "workspace").create()
    assert ingest([str(folder)], made, jobs=1).loops_added == N_LABELLED + 2
    return made


WITNESS = """
window.keysSeen = [];
window.onScreen = () => {
  const desk = window.composerDesk && window.composerDesk.view.root.querySelector(".desk");
  return desk ? desk.dataset.loop : "";
};
window.addEventListener("keydown", ({key}) => keysSeen.push([key, onScreen()]), true);
"""
"""On which loop each key fell, seen before the desk hears of it."""


def until(page: Any, expression: str) -> None:
    """Wait until an expression is true. As a function: the page lets no code be made out of text later on."""
    page.wait_for_function(f"() => ({expression})")


def open_label(browser: Any, address: str, rater: str = "aki", width: int = 1440) -> tuple[Any, Watch]:
    known = f"localStorage.getItem('composer.rater') || localStorage.setItem('composer.rater', '{rater}');"
    page, watch = open_page(browser, f"{address}/label", height=1000, width=width, script=WITNESS + known)
    until(page, "onScreen()")
    return page, watch


def all_stored(page: Any) -> None:
    """Wait until every press has its answer."""
    until(page, "composerDesk.queue.waiting.length === 0")


def hand(page: Any) -> str:
    """The loop on screen."""
    loop: str = page.evaluate("onScreen()")
    return loop


def complaints(watch: Watch, address: str) -> list[str]:
    """Console errors but two of Streamlit's own: a page opened by its own address asks for the server's health below
    that address first, and a run that a key cuts off gives up the page's icon for a moment."""
    probed = tuple(f"{address}/label/_stcore/{name}" for name in ("health", "host-config"))
    icon = re.compile(rf"404 .*{re.escape(address)}/media/\w+\.png$")
    return [error for error in watch.errors if not error.endswith(probed) and not icon.search(error)]


def press_pair(page: Any, number: int, rng: random.Random) -> None:
    """A digit and Enter on whatever loop is there, as fast as a hand or faster."""
    until(page, "onScreen()")
    page.keyboard.press(str(number))
    time.sleep(rng.uniform(0.0, 0.04))
    page.keyboard.press("Enter")
    time.sleep(rng.uniform(0.0, 0.04))


def pressed_by_loop(page: Any) -> dict[str, str]:
    """The emotion of each loop on which Enter fell, by what the witness saw."""
    chosen: dict[str, str] = {}
    pressed: dict[str, str] = {}
    for key, loop in page.evaluate("keysSeen"):
        if key == "Enter":
            pressed[loop] = chosen[loop]
        else:
            chosen[loop] = MOODS[int(key) - 1]
    return pressed


def stored_by_loop(workspace: Workspace, rater: str = "aki") -> dict[str, list[str]]:
    """Every approved emotion of a rater by loop, as the event log has them."""
    stored: dict[str, list[str]] = {}
    for loop_id in unique_loops(workspace):
        for event in decisions.history(workspace, loop_id):
            if (event.source, event.field, event.status) == (f"human:{rater}", "emotion", "approved"):
                stored.setdefault(loop_id, []).append(str(event.value))
    return stored


def test_twenty_loops_as_fast_as_the_keyboard_goes(browser: Any, workspace: Workspace) -> None:
    rng = random.Random(7)
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address)
        sync_api.expect(page.locator("[data-action=approve]")).to_contain_text("Enter")
        for count in range(N_LABELLED):
            press_pair(page, count % len(MOODS) + 1, rng)
        all_stored(page)
        pressed = pressed_by_loop(page)
        assert len(pressed) == N_LABELLED
        assert stored_by_loop(workspace) == {loop: [mood] for loop, mood in pressed.items()}
        sync_api.expect(page.locator(".progress-words")).to_contain_text(f"{N_LABELLED} of {N_LABELLED + 2}")
        # The next loop plays by itself.
        until(page, "composerTransport.state().playing && composerTransport.state().title === composerDesk.hand.title")
        last = hand(page)
        page.keyboard.press("s")
        until(page, f"onScreen() !== '{last}'")
        page.keyboard.press("u")
        until(page, f"onScreen() === '{last}'")
        page.keyboard.press("Backspace")
        all_stored(page)
        assert complaints(watch, address) == [] and watch.strangers == []
    states = list(decisions.statuses(workspace).values())
    assert (states.count("approved"), states.count("rejected")) == (N_LABELLED, 1)


def test_undo_and_a_second_try_at_once(browser: Any, workspace: Workspace) -> None:
    with studio_server(workspace.root) as address:
        page, _ = open_label(browser, address)
        first = hand(page)
        for key in ("1", "g", "3", "t", "2", "q", "4", "Enter", "u", "2", "Enter"):
            page.keyboard.press(key)
        second = hand(page)
        assert second != first
        # A key that is held down acts once, and one that is typed into the note not at all.
        page.keyboard.press("n")
        page.keyboard.type("Enter 3 s")
        page.keyboard.press("Escape")
        page.keyboard.press("3")
        page.keyboard.press("Enter")
        all_stored(page)
    labels = decisions.current(workspace, first).fields
    assert [event.value for event in decisions.history(workspace, first) if event.status == "withdrawn"]
    assert labels["emotion"].value == MOODS[1] and labels["quality"].value == 4
    assert "jazz" in labels["genre"].value and "flam" in labels["technique"].value
    after = decisions.current(workspace, second).fields["emotion"]
    assert (after.value, after.note) == (MOODS[2], "Enter 3 s")


def test_what_was_pressed_outlives_a_reload_and_a_server(browser: Any, workspace: Workspace) -> None:
    port = free_port()
    with studio_server(workspace.root, port=port) as address:
        page, _ = open_label(browser, address)
        # A reload right after the keys: the witness goes with the page, so the list itself tells what was pressed.
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        page.keyboard.press("Enter")
        first = page.evaluate("composerDesk.history.map(({press}) => press.loop)")
        page.reload()
        until(page, "onScreen() && composerDesk.queue.waiting.length === 0")
        patiently(lambda: len(stored_by_loop(workspace)) == 2)
        until(page, "composerDesk.deck.length >= 6")
    # The server is gone: the desk still holds at least six loops.
    for number in ("3", "4"):
        page.keyboard.press(number)
        page.keyboard.press("Enter")
    later = page.evaluate("composerDesk.history.map(({press}) => press.loop)")
    assert page.evaluate("composerDesk.queue.waiting.length") == 2
    with studio_server(workspace.root, port=port):
        until(page, "composerDesk.queue.waiting.length === 0")
    expected = dict(zip([*first, *later], ([MOODS[0]], [MOODS[1]], [MOODS[2]], [MOODS[3]]), strict=True))
    assert stored_by_loop(workspace) == expected


@pytest.mark.parametrize("width", [1440, 390])
def test_everything_works_by_mouse_and_finger(browser: Any, workspace: Workspace, width: int) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address, width=width)
        first = hand(page)
        desk = page.locator(".desk")
        desk.get_by_role("button", name="Fearful").click()
        desk.get_by_role("button", name="Reggae").click()
        desk.get_by_role("button", name="Flam").click()
        desk.get_by_role("button", name="3 ★").click()
        desk.locator("[data-part=affect] .tick").click()
        desk.locator("[data-action=approve]").click()
        all_stored(page)
        assert page.evaluate("document.scrollingElement.scrollWidth <= window.innerWidth")
        too_narrow = "(button) => button.scrollWidth > button.clientWidth + 1"
        buttons = "[...composerDesk.view.root.querySelectorAll('button')]"
        assert page.evaluate(f"{buttons}.filter({too_narrow}).length") == 0
        assert complaints(watch, address) == [] and watch.strangers == []
    fields = decisions.current(workspace, first).fields
    assert (fields["emotion"].value, fields["quality"].value) == ("fear", 3)
    assert "reggae" in fields["genre"].value and "flam" in fields["technique"].value
    assert fields["emotion_valence"].status == "suggested"  # left out by its tick


def newest_first(page: Any) -> None:
    click(page, page.locator(".st-key-label-order input"))
    page.get_by_role("option", name="Newest first").click()
    page.locator(".desk .why", has_text="Newest of the undecided").wait_for()
    page.keyboard.press("Escape")  # leaves the field: the keys are the desk's again


def test_two_people_on_one_loop_both_see_both_values(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    with studio_server(workspace.root) as address:
        aki, watch = open_label(browser, address)
        newest_first(aki)
        ben, other_watch = open_label(browser, address, rater="ben")
        newest_first(ben)
        loop = hand(aki)
        until(ben, f"onScreen() === '{loop}'")
        ben.keyboard.press("2")
        aki.keyboard.press("1")
        aki.keyboard.press("Enter")
        arrived = ben.locator(".arrived").get_by_role("row", name="emotion")
        for words in ("Happy", "aki", "Sad"):
            expect(arrived).to_contain_text(words)

        ben.keyboard.press("Enter")
        assert hand(ben) != loop  # the desk goes on; what was refused waits above it
        refused = ben.locator(".conflict").get_by_role("row", name="emotion")
        for words in ("Happy", "aki", "Sad"):
            expect(refused).to_contain_text(words)
        ben.keyboard.press("m")
        ben.locator(".conflict").wait_for(state="detached")
        all_stored(ben)
        against = aki.locator(".st-key-label-elsewhere")
        for words in ("Emotion: Happy (you)", "ben: Sad"):
            expect(against).to_contain_text(words)
        (dispute,) = review.disputes(workspace)
        assert {vote.author: vote.value for vote in dispute.votes} == {"aki": "happy", "ben": "sad"}

        vote = aki.locator(".votes").get_by_role("button", name="ben: Sad")
        again = aki.get_by_role("button", name="Listen again")
        insist(lambda: again.click(timeout=TRY_MS), lambda ms: vote.wait_for(timeout=ms), "the loop is not heard again")
        vote.click()
        expect(aki.locator(".emotions [aria-pressed=true]")).to_contain_text("Sad")
        aki.keyboard.press("Enter")  # the key's button alone acts, not the one that was clicked
        all_stored(aki)
        ben.locator(".st-key-label-elsewhere").wait_for(state="detached")
        assert review.disputes(workspace) == []
        for seen in (watch, other_watch):
            assert complaints(seen, address) == [] and seen.strangers == []


def test_a_bar_and_a_cell_lead_to_their_loops(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    for loop_id in unique_loops(workspace)[:2]:
        for rater, mood in (("aki", "happy"), ("ben", "sad")):
            seen = decisions.current(workspace, loop_id).seen
            decisions.decide(workspace, loop_id, rater=rater, action="approve", values={"emotion": mood}, seen=seen)
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address)
        for section, mark in (
            ("Distributions", ".st-key-label-spread_counts .bars .point path"),
            ("Distributions", ".st-key-label-spread_plane .scatterlayer .point"),
            ("Raters", "[class*=st-key-label-confusion] .scatterlayer .point"),
        ):
            open_section(page, section, mark)
            click_mark(page, mark)
            expect(page.locator(".desk .why")).to_contain_text("You chose it in a chart")
        assert complaints(watch, address) == [] and watch.strangers == []


def open_section(page: Any, name: str, mark: str) -> None:
    """Choose a part of the page until it is drawn: a click while a run still moves the choice itself is lost."""

    def choose() -> None:
        settled(page)
        page.get_by_role("radio", name=name).click(timeout=TRY_MS)

    insist(choose, lambda ms: page.locator(mark).first.wait_for(timeout=ms), f"{name} does not open")


def click_mark(page: Any, shape: str) -> None:
    """Click the first mark of a plot, on the layer above it that listens; once more when it was drawn anew."""

    def click() -> None:
        settled(page)
        mark = page.locator(shape).first
        mark.scroll_into_view_if_needed(timeout=TRY_MS)
        if (box := mark.bounding_box(timeout=TRY_MS)) is not None:
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    chosen_loop = page.locator(".desk .why")
    insist(click, lambda ms: chosen_loop.wait_for(timeout=ms), f"a click on {shape} leads nowhere")
