"""The open take: its request beside its measurements, its five axes, and its earlier versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from composer_core.music.condition_fields import FIELD
from composer_core.music.key import ROOT_NAMES, Key
from composer_core.music.loop import Loop
from composer_core.music.timing import MIN_SWING_PERCENT
from composer_core.pipeline import scoring
from composer_core.pipeline.generation.asked_vs_measured import Compared
from composer_core.pipeline.generation.fill_in import with_filled_in
from composer_core.pipeline.generation.performance import Playing
from composer_core.pipeline.generation.takes import Take
from composer_core.pipeline.settings import settings_or_defaults
from studio import session
from studio.access.offer import why_not
from studio.figures.roll import pitch_name
from studio.figures.score_bars import explanation_lines, score_bars
from studio.generate import state as generate_state
from studio.generate.edit import Act, bar_edits, more_bars, part_anew, perform
from studio.generate.files import file_buttons, file_stem
from studio.generate.slots import Slot, edit_text
from studio.generate.takes import NOTHING, compared, explained, played, profile_badge, worth_saying
from studio.widgets import icon_button, play_button, worded
from studio.wording.loop_names import loop_title, plain
from studio.wording.names import instrument_name, technique_name
from studio.wording.text import t

N_SIMILAR = 4


def draw_similar(loop: Loop) -> None:
    """On demand the nearest loops, the nearest first, each to be heard."""
    if not st.toggle(t("generate.similar"), key="generate.similar", help=t("generate.similar_help")):
        return
    # What searches the library is loaded with the first search: without it the page opens sooner.
    from composer_core.pipeline.library.loops import load_loop
    from composer_core.pipeline.library.similar import similar_to
    from studio import queries

    workspace = session.workspace()
    found = similar_to(workspace, loop, N_SIMILAR)
    if not found:
        st.caption(t("generate.no_similar"))
        return
    for one in found:
        title = loop_title(queries.row(workspace, one.loop_id))
        play, words = st.columns([1, 4], vertical_alignment="center", gap="small")
        with play:
            play_button(
                lambda loop_id=one.loop_id: load_loop(workspace, loop_id),  # type: ignore[misc]
                title=title,
                key=f"loop.{one.loop_id}",
                loop_id=one.loop_id,
                label="",
            )
        words.caption(t("generate.similar_loop", title=plain(title), distance=f"{one.distance:.2f}"))


def show_panel(slot: Slot, playing: Playing) -> None:
    """Measurements on the left, scores and edits on the right."""
    with st.container(border=True, key="panel", gap="small"):
        take, act = _part(slot, playing) if slot.is_ensemble else (slot.takes[0], None)
        comparison = compared(take, playing)
        left, right = st.columns([1, 1.08], gap="medium")
        with left:
            st.markdown(_table(comparison.rows, take.condition.instrument))
            _remarks(take, playing)
            draw_similar(played(take, playing)[0])
        with right:
            st.caption(f"{profile_badge((comparison.profile,))} {t(f'profile.{comparison.profile}_judges')}")
            st.html(score_bars(comparison.scores, settings_or_defaults(session.workspace()).pass_mark))
            _why(take, playing)
            if reason := why_not("generate"):
                st.caption(reason)
                return
            act = act or _versions(slot, take)
            act = act or bar_edits(take)
            if act is not None:
                perform(act, slot, playing)


def _part(slot: Slot, playing: Playing) -> tuple[Take, Act | None]:
    """Which part is looked at and edited, with its own file; it can be made anew."""
    choice, anew, file = st.columns([3.5, 1.8, 1.7], vertical_alignment="center", gap="small")
    key = f"generate.part.{slot.key}"
    session.default_widgets({key: slot.instruments[0]})
    instrument = choice.segmented_control(
        t("generate.part"),
        slot.instruments,
        format_func=worded(slot.instruments, instrument_name),
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    take = slot.part(str(instrument))
    name = take.condition.instrument
    with file, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        whose = t("generate.this_part", instrument=instrument_name(name))
        file_buttons([take], playing, stem=file_stem([take], playing, slot.at), key=f"part.{take.take_id}", whose=whose)
    with anew:
        return take, part_anew(take) if why_not("generate") is None else None


def _why(take: Take, playing: Playing) -> None:
    """On demand what pulled the scores down, and why an axis has none."""
    loop = played(take, playing)[0]
    lines = explanation_lines(explained(take, playing))
    lines += [
        t("missing.axes", axes=t(f"score.{axis}"), why=t(f"missing.{reason}"))
        for axis, reason in scoring.missing(loop.instrument, len(loop.notes)).items()
    ]
    with st.popover(t("generate.why"), icon=":material/help:"):
        st.caption(t("library.why_help"))
        st.markdown("\n".join(f"- {line}" for line in lines or [t("generate.why_nothing")]))


def _versions(slot: Slot, take: Take) -> Act | None:
    """Undo and redo, the versions up to the last (the one shown in bold), and more bars."""
    steps = [t("generate.original"), *map(edit_text, slot.versions, slot.versions[1:])]
    steps = [f"**{words}**" if at == slot.at else words for at, words in enumerate(steps)]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="lineage"):
        for steps_back, name, icon in ((-1, "undo", ":material/undo:"), (1, "redo", ":material/redo:")):
            icon_button(
                t(f"generate.{name}"),
                icon,
                key=f"generate.{name}",
                disabled=slot.moved(steps_back).at == slot.at,
                on_click=_move,
                args=(slot, steps_back),
            )
        act = more_bars(take)
        if len(steps) > 1:
            st.caption(" › ".join(steps))
    return act


def _move(slot: Slot, steps: int) -> None:
    moved = slot.moved(steps)
    generate_state.set_slots([moved if one.key == slot.key else one for one in generate_state.slots()])
    generate_state.note_slider()  # what sounds follows, as after a cheap control


def _remarks(take: Take, playing: Playing) -> None:
    condition = playing.condition(take.condition)
    _, notices = played(take, playing)
    drawn = [t("generate.drawn", fields=_filled_in(take, playing))] if take.drawn else []
    remarks = [t(f"generate.notice_{code}") for code in dict.fromkeys(notices) if worth_saying(code, condition)]
    made = t(
        "generate.made",
        seed=take.seed,
        seconds=f"{take.seconds:.2f}",
        hash=take.model_hash[:8],
        candidates=take.candidates,
    )
    said = [*drawn, *remarks]
    st.caption("  \n".join([*(f":material/info: {words}" for words in said), made]))


def _filled_in(take: Take, playing: Playing) -> str:
    """What was not asked for and was drawn, as a list, moved with the transposition."""
    whole, parts = playing.condition(with_filled_in(take.condition, take.drawn)), []
    if "density" in take.drawn:
        parts.append(t("generate.drawn_density", value=f"{whole.density:.1f}"))
    parts += [_value(name, getattr(whole, name), whole.instrument) for name in ("key", "chords") if name in take.drawn]
    return t("library.comma").join(parts)


def _table(rows: Sequence[Compared], instrument: str) -> str:
    """Asked against measured as a small table; every cell is a number or a word of the dictionary."""
    head = f"| | {t('generate.asked')} | {t('generate.measured')} |\n|:--|--:|--:|\n"
    cells = ((_row_name(row), _request_rows(row, instrument), _measured(row, instrument)) for row in rows)
    return head + "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _row_name(row: Compared) -> str:
    return t(f"generate.row_{row.field}")


def _request_rows(row: Compared, instrument: str) -> str:
    if row.field == "swing" and row.asked == MIN_SWING_PERCENT:
        return t("generate.straight")
    return _value(row.field, row.asked, instrument)


def _measured(row: Compared, instrument: str) -> str:
    if row.field == "chords":
        return t("generate.inside_chords", percent=f"{100 * (row.share or 0.0):.0f}")
    text = _value(row.field, row.measured, instrument)
    if row.share is None:
        return text
    return f"{text} ({t('generate.inside_key', percent=f'{100 * row.share:.0f}')})"


def _value(field: str, value: Any, instrument: str) -> str:
    if value is None or value == ():
        return NOTHING
    if isinstance(value, Key):
        return f"{ROOT_NAMES[value.root]} {t(f'generate.mode_{value.mode}')}"
    if field == "chords":
        return " ".join(map(str, value))
    if field == "technique":
        return t("library.comma").join(technique_name(instrument, code) for code in value)
    if field == "register":
        return pitch_name(round(value))
    if field == "swing":
        return f"{value:.1f} %"
    if field == "tempo":
        return f"{value:g}"
    return f"{value:.{FIELD[field].digits}f}" if isinstance(value, float) else str(value)
