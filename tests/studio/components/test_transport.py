"""What the transport hands to the browser for one loop and for two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import small_library
from composer_core.music.timing import Meter
from composer_core.workspace import ENVIRONMENT_VARIABLE
from studio.components import transport
from studio_app import SECONDS


def test_bars_of_the_second_last_as_long_as_those_of_the_first() -> None:
    # A bar of 7/8 holds 3.5 quarters, one of 4/4 holds 4: at 150 BPM the latter lasts 1.6 s,
    # and 3.5 quarters last 1.6 s at 131.25 BPM.
    first, second = small_library.rock(tempo_bpm=150.0), small_library.seven()
    fitted = transport.at_bar_length_of(second, first)
    assert fitted.meter == Meter(7, 8)
    assert fitted.tempo_bpm == pytest.approx(131.25)
    assert fitted.length_sec / fitted.bars == pytest.approx(first.length_sec / first.bars)
    assert fitted.notes is second.notes


def test_tempo_changes_end_so_that_bars_are_equal() -> None:
    from dataclasses import replace

    first = replace(small_library.rock(), tempo_events=((0, 100.0), (1920, 140.0)))
    assert transport.at_bar_length_of(first, first).tempo_events == ()


def _script() -> None:
    import small_library
    from studio import session
    from studio.components import transport

    if session.playing() is None:
        sides = ((small_library.rock(4), "Rock", "r"), (small_library.shuffle(), "Shuffle", "s"))
        assert transport.compare(sides, key="compare")
    transport.mount()


def test_two_loops_go_to_the_browser_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from composer_core.pipeline.generation import audition

    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path))
    made = []

    def render(loop: object, _: object) -> audition.Audio:
        made.append(loop)
        return audition.Audio(f"{len(made)}.flac", loop.length_sec, 44100, "font", "system", False)  # type: ignore[attr-defined]

    monkeypatch.setattr(transport, "audition", render)
    app = AppTest.from_function(_script, default_timeout=SECONDS).run()
    assert not app.exception
    (proto,) = [element.proto for element in app.get("bidi_component")]
    data = json.loads(proto.json)["loop"]
    assert (data["title"], data["loopId"], data["src"]) == ("Rock", "r", "/api/audio/1.flac")
    other = data["other"]
    assert (other["title"], other["loopId"], other["src"]) == ("Shuffle", "s", "/api/audio/2.flac")
    assert other["barSec"] == pytest.approx(data["barSec"]) == pytest.approx(2.0)  # four quarters at 120
    assert other["rows"] and other["meta"].startswith("120 BPM")


def _ensemble_script() -> None:
    import small_library
    from studio import session
    from studio.components import transport

    if session.playing() is None:
        parts = ((small_library.rock(4), "drums"), (small_library.shuffle(), "bass"))
        assert transport.play_together(parts, title="Two", key="ensemble.x")
    transport.mount()


def test_parts_go_to_the_browser_as_stems_with_a_lane_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from composer_core.pipeline.generation import audition

    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path))
    made: list[object] = []

    def render(loop: object, _: object) -> audition.Audio:
        made.append(loop)
        return audition.Audio(f"{len(made)}.flac", 8.0, 44100, "font", "system", False)

    monkeypatch.setattr(transport, "audition", render)
    app = AppTest.from_function(_ensemble_script, default_timeout=SECONDS).run()
    assert not app.exception
    (proto,) = [element.proto for element in app.get("bidi_component")]
    data = json.loads(proto.json)["loop"]
    assert [(stem["name"], stem["src"]) for stem in data["stems"]] == [
        ("drums", "/api/audio/1.flac"),
        ("bass", "/api/audio/2.flac"),
    ]
    assert data["stems"][1]["mute"] == "Mute Bass" and data["stems"][1]["solo"] == "Solo Bass"
    assert data["rowCount"] == 2 * transport.LANE_ROWS and data["rows"] is None
    # A note of the first part lies in the upper lane, one of the second in the lower.
    assert {int(row // transport.LANE_ROWS) == part for _, _, row, _, part in data["notes"]} == {True}
    assert {part for *_, part in data["notes"]} == {0, 1}
