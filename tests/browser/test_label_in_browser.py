"""A curator at the Label page in a real browser: twenty loops by the keyboard alone, and two people on one loop."""

from __future__ import annotations

import itertools
import re
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import small_library
from composer_core.music.loop import Loop, Notes
from composer_core.pipeline.labels import decisions, review
from composer_core.pipeline.labels.queue import unique_loops
from composer_core.pipeline.library.imports import ingest
from composer_core.pipeline.settings import Settings, save_settings
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.render.midi import loop_to_midi
from composer_core.workspace import Workspace
from studio_browser import IN_BROWSER, TRY_MS, click, insist, open_page, settled, sync_api
from studio_server import Watch, studio_server

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
    page, watch = open_page(browser, f"{address}/label", height=1000)
    page.get_by_role("button", name="Approve").wait_for()
    return page, watch


def complaints(watch: Watch, address: str) -> list[str]:
    """Console errors but two of Streamlit's own: a page opened by its own address asks for the server's health below
    that address first, and a run that a key cuts off gives up the page's icon for a moment."""
    probed = tuple(f"{address}/label/_stcore/{name}" for name in ("health", "host-config"))
    icon = re.compile(rf"404 .*{re.escape(address)}/media/\w+\.png$")
    return [error for error in watch.errors if not error.endswith(probed) and not icon.search(error)]


def choose_mood(page: Any, number: int) -> None:
    """Press a number key until its emotion stands out."""
    button = page.locator(f".st-key-label-mood-{MOODS[number - 1]} button[kind=primary]")
    insist(lambda: page.keyboard.press(str(number)), lambda ms: button.wait_for(timeout=ms), f"key {number} is unheard")


def decide(page: Any, workspace: Workspace, key: str, count: int) -> None:
    """Press a key until so many loops are decided; no second time when only the page is late to say so."""

    def press() -> None:
        if count_decided(workspace) != count:
            page.keyboard.press(key)

    said = page.get_by_text(f"{count} of {N_LABELLED + 2} loops decided")
    insist(press, lambda ms: said.wait_for(timeout=ms), f"{key} is unheard")


def count_decided(workspace: Workspace) -> int:
    return sum(status in ("approved", "rejected") for status in decisions.statuses(workspace).values())


def test_twenty_loops_by_the_keyboard_alone(browser: Any, workspace: Workspace, capsys: Any) -> None:
    with studio_server(workspace.root) as address:
        page, watch = open_label(browser, address)
        sync_api.expect(page.get_by_role("button", name="Approve")).to_contain_text("Enter")
        started = time.monotonic()
        for count in range(1, N_LABELLED + 1):
            choose_mood(page, (count - 1) % len(MOODS) + 1)
            decide(page, workspace, "Enter", count)
        seconds = time.monotonic() - started
        with capsys.disabled():
            rate = 60 * N_LABELLED / seconds
            print(f"\n{N_LABELLED} loops labelled by keyboard in {seconds:.1f} s: {rate:.1f} loops a minute")
        # The next loop plays by itself. The count stands above the heading and is there first: read both at once.
        heading = page.locator(".st-key-label-loop strong").first
        page.wait_for_function(
            """() => {
                const s = window.composerTransport.state();
                const heading = document.querySelector(".st-key-label-loop strong");
                return s.playing && heading && s.title === heading.innerText;
            }"""
        )
        settled(page)
        title = heading.inner_text()
        decide(page, workspace, "u", N_LABELLED - 1)
        decide(page, workspace, "Backspace", N_LABELLED)
        sync_api.expect(heading).to_have_text(title)
        settled(page)
        page.keyboard.press("s")
        sync_api.expect(heading).not_to_have_text(title)
        assert complaints(watch, address) == [] and watch.strangers == []
    states = list(decisions.statuses(workspace).values())
    assert (states.count("approved"), states.count("rejected")) == (N_LABELLED - 1, 1)
    said = [decisions.current(workspace, loop_id).values.get("emotion") for loop_id in decisions.statuses(workspace)]
    # Nineteen approvals in turns of eight: each emotion twice or more.
    assert all(said.count(mood) >= 2 for mood in MOODS)


def become(page: Any, name: str) -> None:
    click(page, page.get_by_role("button", name="Rater:"))
    page.get_by_label("Your name").fill(name)
    click(page, page.get_by_role("button", name="Label under this name"))
    page.get_by_role("button", name=f"Rater: {name}").wait_for()
    page.keyboard.press("Escape")


def notices(page: Any, place: Any, state: str = "visible") -> None:
    """Wait until a page that nobody touches shows what others did. Streamlit loses a fragment's timer when a run ends
    just as the timer fires, until the page is next used: then somebody looks at another of the panels beside."""
    panels = itertools.cycle(("", "Guide", "Why"))

    def look() -> None:
        if panel := next(panels):
            page.get_by_role("radio", name=panel).check(force=True)
            page.keyboard.press("Escape")

    insist(look, lambda ms: place.wait_for(state=state, timeout=ms), f"{place} is not {state}")


def approve(page: Any) -> None:
    """Press Enter until the votes are gone: a key pressed while the page is drawn anew may go unheard."""
    votes = page.locator(".st-key-label-votes")
    press = partial(page.keyboard.press, "Enter")
    insist(press, lambda ms: votes.wait_for(state="detached", timeout=ms), "nothing was approved")


def newest_first(page: Any) -> None:
    click(page, page.locator(".st-key-label-order input"))
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
        decide(aki, workspace, "Enter", 1)
        arrived = ben.locator(".st-key-label-arrived").get_by_role("row", name="emotion")
        notices(ben, arrived)
        expect(arrived).to_contain_text("Happy")
        expect(arrived).to_contain_text("aki")
        expect(arrived).to_contain_text("Sad")

        conflict = ben.locator(".st-key-label-conflict")
        insist(lambda: ben.keyboard.press("Enter"), lambda ms: conflict.wait_for(timeout=ms), "nothing was refused")
        refused = conflict.get_by_role("row", name="emotion")
        for words in ("Happy", "aki", "Sad"):
            expect(refused).to_contain_text(words)
        settled(ben)
        ben.keyboard.press("m")
        conflict.wait_for(state="detached")
        against = aki.locator(".st-key-label-elsewhere")
        notices(aki, against)
        for words in (title, "Emotion: Happy (you)", "ben: Sad"):
            expect(against).to_contain_text(words)
        (dispute,) = review.disputes(workspace)
        assert {vote.author: vote.value for vote in dispute.votes} == {"aki": "happy", "ben": "sad"}

        vote = aki.locator(".st-key-label-votes").get_by_role("button", name="ben: Sad")
        again = aki.get_by_role("button", name="Listen again")
        insist(lambda: again.click(timeout=TRY_MS), lambda ms: vote.wait_for(timeout=ms), "the loop is not heard again")
        taken = aki.locator(".st-key-label-mood-sad button[kind=primary]")
        insist(lambda: vote.click(timeout=TRY_MS), lambda ms: taken.wait_for(timeout=ms), "the vote is not taken over")
        approve(aki)  # the key's button alone acts, not the one that was clicked
        notices(ben, ben.locator(".st-key-label-elsewhere"), "detached")
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
            expect(page.locator(".st-key-label-loop")).to_contain_text("You chose it in a chart")
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

    chosen_loop = page.locator(".st-key-label-loop")
    insist(click, lambda ms: chosen_loop.wait_for(timeout=ms), f"a click on {shape} leads nowhere")
