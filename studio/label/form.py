"""The form of the Label page: pad, emotion keys, genre with weights, techniques, note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import streamlit as st

from composer_core.estimate import Suggestion
from composer_core.music.instruments import INSTRUMENTS
from composer_core.pipeline.labels.fields import MAX_QUALITY, MIN_QUALITY, LabelValue
from composer_core.pipeline.vocabularies import vocabularies
from studio import session
from studio.components.xypad import xy_pad
from studio.label.words import confidence_text
from studio.wording.names import genre_name, mood_name, technique_name
from studio.wording.text import t

PAD = "label"
AFFECT = "label.affect"
EMOTION, GENRE, TECHNIQUE, QUALITY, NOTE, WEIGHT = (
    "label.emotion",
    "label.genre",
    "label.technique",
    "label.quality",
    "label.note",
    "label.weight.",
)
MOST_GENRES = 3
EMOTIONS_A_ROW = 4
NEUTRAL = (0.0, 0.5)
NOTE_CHARACTERS = 1000
WEIGHT_STEP = 5
EQUAL_WEIGHT = 50


def fill(values: Mapping[str, LabelValue], note: str) -> None:
    """Put values into the form; fields that are absent come up empty."""
    session.set_widget(AFFECT, _affect(values))
    session.place_pad(PAD, _affect(values))
    session.set_widget(EMOTION, values.get("emotion"))
    _fill_genre(cast(Mapping[str, float], values.get("genre") or {}))
    session.set_widget(TECHNIQUE, list(cast(list[str], values.get("technique") or [])))
    quality = values.get("quality")
    session.set_widget(QUALITY, None if quality is None else int(cast(int, quality)))
    session.set_widget(NOTE, note)


def put(field: str, value: LabelValue) -> None:
    """Put one value into the form and leave the rest of it; only from a callback."""
    valence, arousal = session.pad_value(PAD, session.widget(AFFECT))["value"]
    if field in ("emotion_valence", "emotion_arousal"):
        placed = _affect({"emotion_valence": valence, "emotion_arousal": arousal, field: value})
        session.set_widget(AFFECT, placed)
        session.place_pad(PAD, placed)
    elif field == "genre":
        _fill_genre(cast(Mapping[str, float], value or {}))
    elif field == "technique":
        session.set_widget(TECHNIQUE, list(cast(list[str], value or [])))
    elif field in (single := {"emotion": EMOTION, "quality": QUALITY}):
        session.set_widget(single[field], value)


def put_note(note: str) -> None:
    """Put a note into the form; only from a callback."""
    session.set_widget(NOTE, note)


def read(instrument: str) -> dict[str, LabelValue]:
    """What the form holds, by label field; None where nothing is chosen."""
    valence, arousal = session.pad_value(PAD, session.widget(AFFECT))["value"]
    known = vocabularies(session.workspace()).techniques.get(instrument, {})
    return {
        "emotion_valence": valence,
        "emotion_arousal": arousal,
        "emotion": session.widget(EMOTION),
        "genre": _weights(session.widget(GENRE)) or None,
        "technique": [code for code in session.widget(TECHNIQUE) if code in known],
        "quality": session.widget(QUALITY),
    }


def note() -> str:
    """The note as typed."""
    return str(session.widget(NOTE))


def draw_pad(suggested: tuple[float, float] | None) -> None:
    """The valence-arousal pad with the suggestion as a ring."""
    valence, arousal = session.widget(AFFECT)
    xy_pad(key=PAD, valence=valence, arousal=arousal, suggested=suggested)


def draw_suggested_pad(suggestions: Mapping[str, Suggestion]) -> None:
    """The pad with what is suggested in words below it."""
    valence, arousal = (suggestions.get(f"emotion_{axis}") for axis in ("valence", "arousal"))
    if valence is None or arousal is None:
        draw_pad(None)
        return
    draw_pad((cast(float, valence.value), cast(float, arousal.value)))
    st.caption(
        t(
            "label.suggested_affect",
            valence=f"{valence.value:+.2f}",
            valence_sure=confidence_text(valence.confidence),
            arousal=f"{arousal.value:.2f}",
            arousal_sure=confidence_text(arousal.confidence),
        )
    )


def draw_emotions(confidence: float | None) -> None:
    """Eight buttons on the keys 1 to 8, the chosen one standing out, and none of them on 0."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f":small[{_headed('label.emotion', confidence)}]", width="content")
        st.button(t("label.no_emotion"), key="label.mood.none", shortcut="0", type="tertiary", on_click=_choose_emotion)
    chosen = session.widget(EMOTION)
    codes = list(vocabularies(session.workspace()).moods)
    for first in range(0, len(codes), EMOTIONS_A_ROW):
        row = codes[first : first + EMOTIONS_A_ROW]
        for number, (column, code) in enumerate(zip(st.columns(EMOTIONS_A_ROW, gap="xsmall"), row, strict=False)):
            column.button(
                mood_name(code),
                key=f"label.mood.{code}",
                shortcut=str(first + number + 1),
                type="primary" if code == chosen else "secondary",
                on_click=_choose_emotion,
                args=(code,),
                width="stretch",
            )


def draw_genre(confidence: float | None) -> None:
    """Up to three genres; more than one get a slider each for their share."""
    st.multiselect(
        _headed("label.genre", confidence),
        list(vocabularies(session.workspace()).genres),
        format_func=genre_name,
        max_selections=MOST_GENRES,
        placeholder=t("label.genre_hint"),
        key=GENRE,
        select_all=False,
        persist_state="session",
    )
    chosen = session.widget(GENRE)
    if len(chosen) < 2:
        return
    session.default_widgets({WEIGHT + code: EQUAL_WEIGHT for code in chosen})
    shares = _weights(chosen)
    for column, code in zip(st.columns(len(chosen), gap="small"), chosen, strict=True):
        column.slider(
            f"{genre_name(code)} {round(100 * shares[code])} %",
            WEIGHT_STEP,
            100,
            step=WEIGHT_STEP,
            key=WEIGHT + code,
            persist_state="session",
            format=" ",
        )


def draw_technique(instrument: str, confidence: float | None) -> None:
    """The instrument's techniques as chips."""
    assert instrument in INSTRUMENTS
    known = vocabularies(session.workspace()).techniques.get(instrument, {})
    if not known:
        st.caption(t("label.no_techniques"))
        return
    st.pills(
        _headed("label.technique", confidence),
        list(known),
        selection_mode="multi",
        format_func=lambda code: technique_name(instrument, code),
        key=TECHNIQUE,
        persist_state="session",
    )


def draw_quality() -> None:
    """How good the loop is, 1 to 5: only people say so, and nobody has to."""
    st.segmented_control(
        t("label.quality"),
        range(MIN_QUALITY, MAX_QUALITY + 1),
        format_func=lambda stars: f"{stars} ★",
        key=QUALITY,
        help=t("label.quality_help"),
        persist_state="session",
    )


def draw_note() -> None:
    """A free note; keys typed into it act nowhere else."""
    st.text_area(
        t("label.note"),
        key=NOTE,
        height=68,
        max_chars=NOTE_CHARACTERS,
        placeholder=t("label.note_hint"),
        persist_state="session",
    )


def _headed(key: str, confidence: float | None) -> str:
    """A field's heading with how sure the estimator is of it."""
    if confidence is None:
        return t(key)
    return t("label.headed", field=t(key), confidence=confidence_text(confidence))


def _fill_genre(genre: Mapping[str, float]) -> None:
    chosen = sorted(genre, key=lambda code: -genre[code])[:MOST_GENRES]
    session.forget_widgets(WEIGHT)
    session.set_widget(GENRE, chosen)
    for code in chosen:
        session.set_widget(WEIGHT + code, max(WEIGHT_STEP, WEIGHT_STEP * round(100 * genre[code] / WEIGHT_STEP)))


def _affect(values: Mapping[str, Any]) -> tuple[float, float]:
    valence, arousal = values.get("emotion_valence"), values.get("emotion_arousal")
    return (NEUTRAL[0] if valence is None else valence, NEUTRAL[1] if arousal is None else arousal)


def _weights(codes: list[str]) -> dict[str, float]:
    """The sliders' values scaled to add up to 1."""
    raw = {code: float(st.session_state.get(WEIGHT + code, EQUAL_WEIGHT)) for code in codes}
    total = sum(raw.values())
    return {code: value / total for code, value in raw.items()}


def _choose_emotion(code: str | None = None) -> None:
    session.set_widget(EMOTION, code)
