"""A curator at the Label page in a real browser: twenty loops by the keyboard alone, and two people on one loop."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import small_library
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline import label_review, labelling
from composer_core.pipeline.library import ingest
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace
from studio_server import CHROMIUM_FLAGS, Watch, chromium, studio_server

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium here"),
]
PATIENCE_MS = 120_000
TRIES = 6
N_LABELLED = 20
MOODS = tuple(vocabularies().moods)
"""The emotions in the order of their keys 1 to 8."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


def beat(number: int) -> Loop:
    """Two bars of hats in 8ths with a snare on 2 and 4; the bits of `number` say which 8ths have a kick."""
    rows = [(eighth * 240, 60, small_library.HAT, 70) for eighth in range(16)]
    rows += [(beat * 480, 60, small_library.SNARE, 110) for beat in (1, 3, 5, 7)]
    rows += [(eighth * 240, 60, small_library.KICK, 100) for eighth in range(16) if number >> eighth % 8 & 1]
    return Loop("drums", Notes.from_rows(rows), 2, 90.0 + 2 * number)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A library of two loops more than are labelled, under the name of aki."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(1, N_LABELLED + 3):
        (folder / f"beat {number}.mid").write_bytes(loop_to_midi(beat(number)))
    made = Workspace(tmp_path / "workspace").create()
    assert ingest([str(folder)], made, jobs=1).loops_added == N_LABELLED + 2
    save_settings(made, Settings(rater="aki"))
    return made


def open_label(browser: Any, address: str) -> tuple[Any, Watch]:
    page = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch = Watch(page)
    page.goto(f"{address}/label")
    page.get_by_role("button", name="Approve").wait_for()
    return page, watch


def complaints(watch: Watch, address: str) -> list[str]:
    """Console errors but two of Streamlit's own: a page opened by its own address asks for the server's health below
    that address first, and a run that a key cuts off gives up the page's icon for a moment."""
    probed = tuple(f"{address}/label/_stcore/{name}" for name in ("health", "host-config"))
    icon = re.compile(rf"404 .*{re.escape(address)}/media/\w+\.png$")
    return [error for error in watch.errors if not error.endswith(probed) and not icon.search(error)]


def choose_mood(page: Any, number: int) -> None:
    """Press a number key and wait until its emotion stands out."""
    page.keyboard.press(str(number))
    chosen(page, MOODS[number - 1])


def chosen(page: Any, mood: str) -> None:
    sync_api.expect(page.locator(f".st-key-label-mood-{mood} button")).to_have_attribute("kind", "primary")


def decided(page: Any, count: int) -> None:
    page.get_by_text(f"{count} of {N_LABELLED + 2} loops decided").wait_for()


def test_twenty_loops_by_the_keyboard_alone(browser: Any, workspace: Workspace, capsys: Any) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address)
        sync_api.expect(page.get_by_role("button", name="Approve")).to_contain_text("Enter")
        started = time.monotonic()
        for count in range(1, N_LABELLED + 1):
            choose_mood(page, (count - 1) % len(MOODS) + 1)
            page.keyboard.press("Enter")
            decided(page, count)
        seconds = time.monotonic() - started
        with capsys.disabled():
            rate = 60 * N_LABELLED / seconds
            print(f"\n{N_LABELLED} loops labelled by keyboard in {seconds:.1f} s: {rate:.1f} loops a minute")
        # The next loop plays by itself.
        heading = page.locator(".st-key-label-loop strong").first
        title = heading.inner_text()
        page.wait_for_function(
            "title => { const s = window.composerTransport.state(); return s.playing && s.title === title; }",
            arg=title,
        )
        page.keyboard.press("u")
        decided(page, N_LABELLED - 1)
        page.keyboard.press("Backspace")
        decided(page, N_LABELLED)
        sync_api.expect(heading).to_have_text(title)
        page.keyboard.press("s")
        sync_api.expect(heading).not_to_have_text(title)
        assert complaints(watch, address) == [] and watch.strangers == []
    states = list(labelling.statuses(workspace).values())
    assert (states.count("approved"), states.count("rejected")) == (N_LABELLED - 1, 1)
    said = [labelling.current(workspace, loop_id).values.get("emotion") for loop_id in labelling.statuses(workspace)]
    # Nineteen approvals in turns of eight: each emotion twice or more.
    assert all(said.count(mood) >= 2 for mood in MOODS)


def become(page: Any, name: str) -> None:
    page.get_by_role("button", name="Rater:").click()
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Label under this name").click()
    page.get_by_role("button", name=f"Rater: {name}").wait_for()
    page.keyboard.press("Escape")


def notices(page: Any, place: Any, state: str = "visible") -> None:
    """Wait until a page that nobody touches shows what others did. Streamlit loses a fragment's timer when a run ends
    just as the timer fires, until the page is next used: then somebody looks at another of the panels beside."""
    for attempt in range(TRIES):
        try:
            place.wait_for(state=state, timeout=PATIENCE_MS / TRIES)
        except sync_api.TimeoutError:
            page.get_by_role("radio", name=("Guide", "Why")[attempt % 2]).check(force=True)
            page.keyboard.press("Escape")
        else:
            return
    raise AssertionError(f"{place} is not {state}")


def approve(page: Any) -> None:
    """Press Enter until the votes are gone: a key pressed while the page is drawn anew may go unheard."""
    votes = page.locator(".st-key-label-votes")
    for _ in range(TRIES):
        page.keyboard.press("Enter")
        try:
            votes.wait_for(state="detached", timeout=PATIENCE_MS / TRIES)
        except sync_api.TimeoutError:
            continue
        return
    raise AssertionError("nothing was approved")


def newest_first(page: Any) -> None:
    page.locator(".st-key-label-order input").click()
    page.get_by_role("option", name="Newest first").click()
    page.get_by_text("Newest of the undecided").wait_for()
    page.keyboard.press("Escape")  # leaves the field: the keys are the desk's again


def test_two_people_on_one_loop_both_see_both_values(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    with studio_server(workspace.root) as address:
        aki, watch = open_label(browser, address)
        newest_first(aki)
        ben, other_watch = open_label(browser, address)
        become(ben, "ben")
        newest_first(ben)
        title = aki.locator(".st-key-label-loop strong").first.inner_text()
        expect(ben.locator(".st-key-label-loop strong").first).to_have_text(title)
        choose_mood(aki, 1)
        choose_mood(ben, 2)
        aki.keyboard.press("Enter")
        decided(aki, 1)
        arrived = ben.locator(".st-key-label-arrived").get_by_role("row", name="emotion")
        notices(ben, arrived)
        expect(arrived).to_contain_text("Happy")
        expect(arrived).to_contain_text("aki")
        expect(arrived).to_contain_text("Sad")

        ben.keyboard.press("Enter")
        refused = ben.locator(".st-key-label-conflict").get_by_role("row", name="emotion")
        for words in ("Happy", "aki", "Sad"):
            expect(refused).to_contain_text(words)
        ben.keyboard.press("m")
        ben.locator(".st-key-label-conflict").wait_for(state="detached")
        against = aki.locator(".st-key-label-elsewhere")
        notices(aki, against)
        for words in (title, "Emotion: Happy (you)", "ben: Sad"):
            expect(against).to_contain_text(words)
        (dispute,) = label_review.disputes(workspace)
        assert {vote.author: vote.value for vote in dispute.votes} == {"aki": "happy", "ben": "sad"}

        aki.get_by_role("button", name="Listen again").click()
        aki.locator(".st-key-label-votes").get_by_role("button", name="ben: Sad").click()
        chosen(aki, "sad")
        approve(aki)  # the key's button alone acts, not the one that was clicked
        notices(ben, ben.locator(".st-key-label-elsewhere"), "detached")
        assert label_review.disputes(workspace) == []
        for seen in (watch, other_watch):
            assert complaints(seen, address) == [] and seen.strangers == []


def test_a_bar_and_a_cell_lead_to_their_loops(browser: Any, workspace: Workspace) -> None:
    expect = sync_api.expect
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address)
        for chart, shape in (("counts", ".bars .point path"), ("plane", ".scatterlayer .point")):
            page.get_by_role("radio", name="Distributions").click()
            click_mark(page, f".st-key-label-spread_{chart} {shape}")
            expect(page.locator(".st-key-label-loop")).to_contain_text("You chose it in the distributions")
        assert complaints(watch, address) == [] and watch.strangers == []


def click_mark(page: Any, shape: str) -> None:
    """Click the first mark of a plot, on the layer above it that listens; once more when it was drawn anew."""
    chosen_loop = page.locator(".st-key-label-loop")
    for _ in range(TRIES):
        try:
            mark = page.locator(shape).first
            mark.scroll_into_view_if_needed(timeout=PATIENCE_MS / TRIES)
            box = mark.bounding_box()
            if box is not None:
                page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            chosen_loop.wait_for(timeout=PATIENCE_MS / TRIES)
        except sync_api.Error:
            continue
        return
    raise AssertionError(f"a click on {shape} leads nowhere")
