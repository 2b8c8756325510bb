"""Takes side by side: hear them, compare what was asked with what was measured, keep them."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop
from composer_core.music.timing import MIN_SWING_PERCENT, swing_ratio_to_percent
from composer_core.pipeline.drawing import with_drawn
from composer_core.pipeline.generation import Take, measure_take, perform_take, take_midi
from composer_core.pipeline.library import add_generated, digest
from studio import session, transport
from studio.generate_controls import Performance
from studio.miniature import miniature
from studio.names import genre_name, instrument_name
from studio.text import t
from studio.widgets import play_button

COLUMNS = 4
NOTHING = "–"


@st.cache_resource(max_entries=512, show_spinner=False, hash_funcs={Take: attrgetter("take_id"), Condition: repr})
def performed(take: Take, condition: Condition) -> tuple[Loop, dict[str, Any], tuple[str, ...]]:
    """A take as it sounds under a condition, what is measured on that, and what there is to say; kept."""
    played = perform_take(take, condition)
    return played.loop, measure_take(played.loop), (*take.notices, *played.notes)


def take_key(take: Take) -> str:
    """What the transport calls this take."""
    return f"take.{take.take_id}"


def take_title(take: Take) -> str:
    """A take's name in the transport and the library."""
    genres = " / ".join(genre_name(code) for code in take.condition.genre) or t("generate.any_genre")
    instrument = instrument_name(take.condition.instrument)
    return t("generate.take_title", number=take.index + 1, instrument=instrument, genre=genres)


def follow_sliders(performance: Performance) -> None:
    """After a performance slider moved: what sounds goes on in its new form, from the next bar line.

    Called when the page is drawn already, for rendering the sound takes longer than drawing.
    """
    if not session.slider_moved():
        return
    sounding = next((take for take in session.takes() if take_key(take) == transport.now_playing()), None)
    if sounding is not None:
        loop, _, _ = performed(sounding, performance.applied_to(sounding.condition))
        transport.play(loop, title=take_title(sounding), key=take_key(sounding), mode="swap")
    session.note_slider(False)


def show_takes(takes: list[Take], performance: Performance) -> None:
    """The cards side by side, as many in a row as fit (at most COLUMNS)."""
    for first in range(0, len(takes), COLUMNS):
        row = takes[first : first + COLUMNS]
        with st.container(key=f"takes-{first}"):
            for column, take in zip(st.columns(COLUMNS), row, strict=False):
                with column, st.container(border=True, height="stretch", key=f"card.{take.take_id}"):
                    _card(take, performance)


def _card(take: Take, performance: Performance) -> None:
    condition = performance.applied_to(take.condition)
    loop, measured, notices = performed(take, condition)
    st.markdown(f"**{t('generate.take', number=take.index + 1)}**")
    st.image(miniature(loop), width="stretch")
    with st.container(horizontal=True, gap="small"):
        play_button(lambda: loop, title=take_title(take), key=take_key(take))
        _download(take, condition)
        st.button(
            "",
            icon=":material/library_add:",
            key=f"keep.{take.take_id}",
            help=t("generate.keep"),
            on_click=_keep,
            args=(take, loop),
        )
    st.markdown(_table(condition, measured))
    remarks = [t(f"generate.notice_{code}") for code in notices if worth_saying(code, condition)]
    if remarks:
        st.caption(f":material/info: {' '.join(remarks)}")
    if take.drawn:
        st.caption(f":material/casino: {t('generate.drawn', fields=_drawn_text(take))}")
    st.caption(t("generate.made", seed=take.seed, seconds=f"{take.seconds:.2f}", hash=take.model_hash[:8]))


def _drawn_text(take: Take) -> str:
    """What was not asked for and was drawn, as a list."""
    whole, parts = with_drawn(take.condition, take.drawn), []
    if "density" in take.drawn:
        parts.append(t("generate.drawn_density", value=f"{whole.density:.1f}"))
    if "key" in take.drawn:
        parts.append(str(whole.key))
    if "chords" in take.drawn:
        parts.append(" ".join(map(str, whole.chords)))
    return ", ".join(parts)


def worth_saying(code: str, condition: Condition) -> bool:
    """Where nothing is swung, it goes without saying what became of the triplets."""
    return condition.swing_percent > MIN_SWING_PERCENT or not code.startswith("triplets")


def _download(take: Take, condition: Condition) -> None:
    st.download_button(
        "",
        lambda: take_midi(take, condition),
        file_name=f"{condition.instrument}-{condition.tempo_bpm:g}bpm-seed{take.seed}-take{take.index + 1}.mid",
        mime="audio/midi",
        icon=":material/download:",
        key=f"midi.{take.take_id}",
        help=t("generate.download"),
        on_click="ignore",
    )


def _keep(take: Take, loop: Loop) -> None:
    workspace = session.workspace()
    before = digest(workspace)
    try:
        add_generated(workspace, [(loop, take.take_id)])
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("generate.kept_already" if digest(workspace) == before else "generate.kept"))


def _table(condition: Condition, measured: dict[str, Any]) -> str:
    """Asked against measured as a small table; every cell is a number or a word of the dictionary."""
    grid = condition.swing_grid
    ratio = measured[f"swing_ratio_{grid}"]
    total = (measured.get("scores") or {}).get("total")
    rows = (
        (t("generate.tempo"), f"{condition.tempo_bpm:g}", _number(measured["tempo_bpm"], 1)),
        (t("generate.bars"), f"{condition.bars} · {condition.meter}", f"{measured['bars']} · {measured['meter']}"),
        (t(f"generate.swing_row{grid}"), f"{condition.swing_percent:.1f} %", _percent(ratio)),
        (t("generate.density_row"), _number(condition.density, 2), _number(measured["onset_density"], 2)),
        (t("xypad.valence"), _number(condition.valence, 2), _number(measured["valence"], 2)),
        (t("xypad.arousal"), _number(condition.arousal, 2), _number(measured["arousal"], 2)),
        (t("generate.score"), NOTHING, t("generate.uncalibrated") if total is None else _number(total, 0)),
    )
    head = f"| | {t('generate.asked')} | {t('generate.measured')} |\n|:--|--:|--:|\n"
    return head + "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value: float | None, digits: int) -> str:
    return NOTHING if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _percent(ratio: float | None) -> str:
    return NOTHING if ratio is None or math.isnan(ratio) else f"{swing_ratio_to_percent(ratio):.1f} %"
