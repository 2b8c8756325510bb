"""The list of takes: play each, see its notes and scores, keep it, open it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import attrgetter

import streamlit as st

from composer_core.errors import ComposerError
from composer_core.estimate.scores import explain
from composer_core.estimate.scores.profiles import PROFILES
from composer_core.music.condition import Condition
from composer_core.music.loop import Loop
from composer_core.music.timing import MIN_SWING_PERCENT
from composer_core.pipeline import scoring
from composer_core.pipeline.generation.approval import approve_takes, standings
from composer_core.pipeline.generation.asked_vs_measured import Comparison, compare
from composer_core.pipeline.generation.performance import Playing, play_take
from composer_core.pipeline.generation.takes import Take
from composer_core.pipeline.library.loops import add_generated, digest
from studio import session
from studio.access.offer import why_not
from studio.components import transport
from studio.figures.roll import miniature
from studio.generate import state as generate_state
from studio.generate.files import file_buttons, file_stem
from studio.generate.slots import Slot, play_slot, slot_name
from studio.rater import current_rater
from studio.widgets import icon_button, picture
from studio.wording.names import instrument_name
from studio.wording.text import t

PICTURE_PX = 46
NOTHING = "–"


@st.cache_resource(max_entries=512, show_spinner=False, hash_funcs={Take: attrgetter("take_id"), Playing: repr})
def played(take: Take, playing: Playing) -> tuple[Loop, tuple[str, ...]]:
    """A take as it sounds, and the codes of what there is to say; kept."""
    performed = play_take(take, playing)
    return performed.loop, (*take.notices, *performed.notes)


@st.cache_resource(max_entries=512, show_spinner=False, hash_funcs={Take: attrgetter("take_id"), Playing: repr})
def compared(take: Take, playing: Playing) -> Comparison:
    """A take as it sounds beside what was asked; kept."""
    return compare(played(take, playing)[0], playing.condition(take.condition))


@st.cache_resource(max_entries=512, show_spinner=False, hash_funcs={Take: attrgetter("take_id"), Playing: repr})
def explained(take: Take, playing: Playing) -> Mapping[str, explain.Explanation]:
    """Why the scores of a take, as it sounds, are what they are; kept."""
    return scoring.explain(played(take, playing)[0], profile=compared(take, playing).profile)


def follow_sliders(playing: Playing) -> None:
    """After a cheap control moved: what sounds goes on in its new form, from the next bar line.

    Called when the page is drawn already, for rendering the sound takes longer than drawing.
    """
    if not generate_state.slider_moved():
        return
    sounding = next((slot for slot in generate_state.slots() if slot.key == transport.now_playing()), None)
    if sounding is not None:
        play_slot(sounding, playing, swap=True)
    generate_state.note_slider(False)


def show_takes(slots: list[Slot], playing: Playing) -> None:
    """A row each; the one that is open is marked."""
    standing = standings(session.workspace(), [take.take_id for slot in slots for take in slot.takes])
    with st.container(key="takes", gap="xsmall"):
        for slot in slots:
            mark = "open" if slot.key == generate_state.chosen_slot() else "shut"
            with st.container(border=True, key=f"card-{mark}-{slot.key}"):
                _row(slot, playing, _badge({standing.get(take.take_id, "") for take in slot.takes}))


def _badge(standing: set[str]) -> str:
    """Where all parts are in the library, that they are, and whether they were approved; else nothing."""
    if "" in standing:
        return ""
    if standing == {"approved"}:
        return f" :green-badge[:material/verified: {t('generate.is_approved')}]"
    return f" :violet-badge[:material/library_add_check: {t('generate.is_kept')}]"


def _row(slot: Slot, playing: Playing, badge: str) -> None:
    play, notes, words, acts = st.columns([1.1, 1.8, 2.2, 3.1], vertical_alignment="center", gap="small")
    loops = [played(take, playing)[0] for take in slot.takes]
    with play:
        _play_button(slot, playing)
    with notes:
        picture(miniature(*loops, height=PICTURE_PX), t("common.notes_of", name=slot_name(slot)))
    words.markdown(f"**{_name(slot)}**{badge}  \n:small[{_scores(slot, playing)}]")
    with acts, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
        _icon("open", ":material/tune:", slot, generate_state.choose_slot, slot.key)
        reason = why_not("add_loops")
        _icon("keep", ":material/library_add:", slot, _keep, slot, playing, reason=reason)
        _icon("approve", ":material/verified:", slot, _approve, slot, playing, reason=reason)
        whose = t("generate.all_parts" if slot.is_ensemble else "generate.this_take")
        file_buttons(slot.takes, playing, stem=file_stem(slot.takes, playing, slot.at), key=slot.key, whose=whose)


def _play_button(slot: Slot, playing: Playing) -> None:
    held = transport.now_playing() == slot.key
    st.button(
        t("common.play"),
        key=f"play.{slot.key}",
        icon=":material/graphic_eq:" if held else ":material/play_arrow:",
        type="primary" if held else "secondary",
        width="stretch",
        on_click=_start,
        args=(slot, playing),
    )


def _start(slot: Slot, playing: Playing) -> None:
    generate_state.choose_slot(slot.key)
    play_slot(slot, playing)


def _icon(act: str, icon: str, slot: Slot, call: Callable[..., None], *args: object, reason: str | None = None) -> None:
    icon_button(t(f"generate.{act}"), icon, key=f"{act}.{slot.key}", on_click=call, args=args, why_not=reason)


def _name(slot: Slot) -> str:
    name = slot_name(slot)
    return f"{name} · {t('generate.edited', count=slot.at)}" if slot.at else name


def _scores(slot: Slot, playing: Playing) -> str:
    """The total of the take, or of every part, and what it judges."""
    found = [(take, compared(take, playing)) for take in slot.takes]
    profiles = {one.profile for _, one in found}
    if not slot.is_ensemble:
        return f"{t('generate.total', score=total_text(found[0][1].scores.get('total')))} {profile_badge(profiles)}"
    totals = " · ".join(
        f"{instrument_name(take.condition.instrument)} {total_text(one.scores.get('total'))}" for take, one in found
    )
    return f"{totals} {profile_badge(profiles)}"


def profile_badge(profiles: Collection[str]) -> str:
    """What the scores of a take judge, as a badge for each profile of its parts."""
    return " ".join(f":violet-badge[{t(f'profile.{code}')}]" for code in PROFILES if code in profiles)


def total_text(total: float | None) -> str:
    """A score as a whole number, a dash where there is none."""
    return NOTHING if total is None else f"{total:.0f}"


def worth_saying(code: str, condition: Condition) -> bool:
    """Where nothing is swung, it goes without saying what became of the triplets."""
    return condition.swing_percent > MIN_SWING_PERCENT or not code.startswith("triplets")


def _keep(slot: Slot, playing: Playing) -> None:
    workspace = session.workspace()
    before = digest(workspace)
    try:
        add_generated(workspace, [(played(take, playing)[0], take.take_id) for take in slot.takes])
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("generate.kept_already" if digest(workspace) == before else "generate.kept"))


def _approve(slot: Slot, playing: Playing) -> None:
    workspace = session.workspace()
    rater = current_rater()
    if not rater:
        session.go_to("label")  # there a person says who they are
        return
    try:
        approve_takes(workspace, [(played(take, playing)[0], take) for take in slot.takes], rater)
    except ComposerError as error:
        session.set_problem(error)
        return
    session.notify(t("generate.approved", rater=rater))
