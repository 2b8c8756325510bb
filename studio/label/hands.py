"""The desk as the browser gets it: loops made ready, choices, progress and news, in words of the current language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from composer_core.estimate import Suggestion
from composer_core.music.affect import Mood, fitting_affect
from composer_core.music.genre import FAMILIES
from composer_core.pipeline.labels import decisions
from composer_core.pipeline.labels.decisions import LabelEvent
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.labels.prepared import confidences
from composer_core.pipeline.vocabularies import Name, Vocabularies, vocabularies
from composer_core.workspace import Workspace
from studio import session
from studio.components.xypad import pad_words
from studio.label.desk import AUTOPLAY, title_of_hand
from studio.label.presses import Answer, stated
from studio.label.state import InHand, LabelDesk
from studio.label.words import (
    confidence_text,
    field_title,
    reasons_text,
    time_text,
    value_text,
    who_text,
    why_text,
)
from studio.wording.declared import declared_text, key_name
from studio.wording.names import instrument_name
from studio.wording.text import language, t

PARTS = {
    "affect": ("emotion_valence", "emotion_arousal"),
    "emotion": ("emotion",),
    "genre": ("genre",),
    "technique": ("technique",),
    "quality": ("quality",),
}
"""What the form shows together, and the label fields it is made of; desk_form.js has the same."""
GUIDED = ("affect", "emotion", "genre", "technique", "quality", "approval", "unsure")
ACTIONS = ("approve", "reject", "skip", "draft", "undo")
SIDES = ("why", "guide", "history", "queue")
_WORDS = {
    "done": "label.done",
    "coming": "label.coming",
    "play": "common.play",
    "stop": "transport.stop",
    "noEmotion": "label.no_emotion",
    "contradiction": "label.contradiction",
    "noTechniques": "label.no_techniques",
    "findGenre": "label.find_genre",
    "note": "label.note",
    "noteHint": "label.note_hint",
    "goes": "label.goes",
    "staysOut": "label.stays_out",
    "tickHelp": "label.tick_help",
    "why": "label.why",
    "queueNext": "label.queue_next",
    "queueEmpty": "label.queue_empty",
    "noSuggestions": "label.no_suggestions",
    "noHistory": "label.no_history",
    "sending": "label.sending",
    "replaced": "label.replaced",
    "nothingToApprove": "label.nothing_to_approve",
    "mostGenres": "label.genre_hint",
    "backAgain": "label.why_undone",
    "none": "label.none",
    "conflict": "label.conflict",
    "keepTheirs": "label.keep_theirs",
    "storeMine": "label.store_mine",
    "votes": "label.votes",
    "arrived": "label.arrived",
}
_COLUMNS = {"field": "field", "theirs": "theirs", "by": "by", "yours": "yours", "inForm": "in_form"}


def desk_data(workspace: Workspace, desk: LabelDesk, answers: Sequence[Answer]) -> dict[str, object]:
    """Everything the browser's desk shows. `answers` are those to the presses it still lists."""
    return {
        "place": str(workspace.root),
        "rater": desk.rater,
        "autoplay": bool(session.widget(AUTOPLAY)),
        **_fixed(language(), vocabularies(workspace)),
        "hands": [_drawn(desk, hand) for hand in desk.hands],
        "answers": list(answers),
        "arrived": _arrived(workspace, desk),
        "progress": _progress(workspace, desk.rater),
        "done": not desk.hands,
    }


def desk_words() -> dict[str, object]:
    """The texts of the desk by the names its scripts know."""
    return {
        **{name: t(key, n="{n}") for name, key in _WORDS.items()},
        "parts": {part: t(f"label.{part}") for part in PARTS},
        "actions": {action: t(f"label.{action}") for action in ACTIONS},
        "actionHelp": {action: t(f"label.{action}_help") for action in ACTIONS},
        "sides": {side: t(f"label.side_{side}") for side in SIDES},
        "undone": {action: t(f"label.undone_{action}") for action in decisions.ACTIONS},
        "columns": {
            name: t("label.field" if key == "field" else f"label.conflict_{key}") for name, key in _COLUMNS.items()
        },
    }


_MOST_FIXED = 8
_fixed_parts: dict[tuple[str, int], tuple[Vocabularies, dict[str, Any]]] = {}


def _fixed(spoken: str, words: Vocabularies) -> dict[str, Any]:
    """What stays the same from loop to loop: texts and choices; made once for a language and a vocabulary."""
    known = _fixed_parts.get((spoken, id(words)))
    if known is None or known[0] is not words:
        if len(_fixed_parts) >= _MOST_FIXED:
            _fixed_parts.clear()
        guide = [{"head": t(f"guide.{name}_title"), "text": "", "more": t(f"guide.{name}")} for name in GUIDED]
        made = {"language": spoken, "words": desk_words(), "padWords": pad_words(), "guide": guide}
        known = _fixed_parts[(spoken, id(words))] = (words, made | _choices(words, spoken))
    return known[1]


def _choices(words: Vocabularies, spoken: str) -> dict[str, Any]:
    """The vocabularies' words in their order."""

    def name(of: Mood | Name) -> str:
        return of.name_ja if spoken == "ja" else of.name_en

    return {
        "moods": [
            {"code": code, "name": name(mood), "valence": mood.valence, "arousal": mood.arousal}
            | {"fits": fitting_affect(mood)}
            for code, mood in words.moods.items()
        ],
        "genres": [
            {"code": code, "name": name(genre), "family": code in FAMILIES}
            | {"also": [genre.name_en, genre.name_ja, *genre.synonyms]}
            for code, genre in words.genres.items()
        ],
        "techniques": {
            instrument: [{"code": code, "name": name(technique)} for code, technique in known.items()]
            for instrument, known in words.techniques.items()
        },
    }


def _drawn(desk: LabelDesk, hand: InHand) -> dict[str, object]:
    """What the browser gets of a loop; made once, and again in another language."""
    loop_id, spoken = hand.item.loop_id, language()
    known = desk.drawn.get(loop_id)
    if known is None or known[0] is not hand or known[1] != spoken:
        known = desk.drawn[loop_id] = (hand, spoken, _hand(desk, hand))
    sound = desk.sounds.get(loop_id)
    problem = sound if isinstance(sound, str) else ""
    return known[2] | {"sound": None if isinstance(sound, str) else sound, "problem": problem}


def _hand(desk: LabelDesk, hand: InHand) -> dict[str, Any]:
    loop, loop_id = hand.loop, hand.item.loop_id
    meta = t(
        "label.meta_bar" if loop.bars == 1 else "label.meta",
        instrument=instrument_name(loop.instrument),
        tempo=f"{loop.tempo_bpm:.0f}",
        meter=loop.meter,
        bars=loop.bars,
    )
    events = hand.prepared.events
    return {
        "id": loop_id,
        "edition": f"{max((event.id for event in events), default=0)}.{len(hand.touched)}",
        "title": title_of_hand(hand),
        "meta": meta,
        "status": t(f"status.{hand.labels.status}"),
        "why": why_text(hand.item),
        "declared": declared_text(loop, _estimates(hand.prepared.suggestions)),
        "instrument": loop.instrument,
        "values": dict(hand.values),
        "touched": list(hand.touched),
        "note": hand.note,
        "seen": hand.labels.seen,
        **_doubts(hand),
        **_votes(hand, desk.rater),
        "reasons": _reasons(hand),
        "history": [_history_line(event, loop.instrument) for event in reversed(events)],
        "historyWords": t("label.n_events", n=len(events)),
    }


def _estimates(suggestions: Mapping[str, Suggestion]) -> dict[str, tuple[str, str]]:
    """The suggested key and metre and how sure they are, in words."""
    found = {}
    if "key_root" in suggestions and "key_mode" in suggestions:
        root, mode = suggestions["key_root"], suggestions["key_mode"]
        found["key"] = key_name(str(root.value), str(mode.value)), confidence_text(root.confidence)
    if "meter" in suggestions:
        found["meter"] = str(suggestions["meter"].value), confidence_text(suggestions["meter"].confidence)
    return found


def _doubts(hand: InHand) -> dict[str, Any]:
    """How sure the estimators are of what the form shows. What shows as 0 % is `unsure`."""
    sure = {name: confidence for name, confidence in confidences(hand.prepared).items() if name in hand.values}
    suggested = [hand.prepared.suggestions.get(f"emotion_{axis}") for axis in ("valence", "arousal")]
    words = ""
    if suggested[0] is not None and suggested[1] is not None:
        words = t(
            "label.suggested_affect",
            valence=f"{suggested[0].value:+.2f}",
            valence_sure=confidence_text(suggested[0].confidence),
            arousal=f"{suggested[1].value:.2f}",
            arousal_sure=confidence_text(suggested[1].confidence),
        )
    return {
        "unsure": [name for name, confidence in sure.items() if round(100 * confidence) == 0],
        "sure": {
            part: t("label.sure", confidence=confidence_text(min(sure[name] for name in fields if name in sure)))
            for part, fields in PARTS.items()
            if any(name in sure for name in fields)
        },
        "suggested": [made.value for made in suggested if made is not None] if words else None,
        "suggestedWords": words,
    }


def _votes(hand: InHand, rater: str) -> dict[str, Any]:
    """What each rater said of the fields in dispute, each value to take over, and who may settle it."""
    votes = [
        {"field": name, "title": field_title(name), "said": [_vote(vote, hand.loop.instrument) for vote in of_field]}
        for name, of_field in hand.prepared.contested.items()
    ]
    own = any(vote.author == rater for of_field in hand.prepared.contested.values() for vote in of_field)
    return {"votes": votes, "votesRule": t("label.votes_own" if own else "label.votes_settle")}


def _vote(vote: LabelEvent, instrument: str) -> dict[str, Any]:
    text = stated(vote.field, vote.value, vote.status, instrument)
    return {
        "text": t("label.vote", rater=vote.author, value=text),
        "value": None if vote.status == "rejected" else vote.value,
        "help": vote.note or t("label.take_help"),
    }


def _reasons(hand: InHand) -> list[dict[str, str]]:
    """What is suggested, how surely, and which measurements speak for it."""
    made = hand.prepared.suggestions
    instrument = hand.loop.instrument
    return [
        {
            "head": field_title(field),
            "text": t(
                "label.suggested_value",
                value=value_text(field, made[field].value, instrument),
                confidence=confidence_text(made[field].confidence),
            ),
            "more": reasons_text(field, made[field].reasons, instrument),
        }
        for field in LABEL_FIELDS
        if field in made
    ]


def _history_line(event: LabelEvent, instrument: str) -> dict[str, str]:
    said = f"{t(f'status.{event.status}')} {confidence_text(event.confidence)}".strip()
    note = f"  {t('common.named', name=t('label.note'), value=event.note)}" if event.note else ""
    return {
        "head": field_title(event.field),
        "text": f"{value_text(event.field, event.value, instrument)} ({said})",
        "more": f"{time_text(event.created_at)}  {who_text(event.source)}{note}",
    }


def _arrived(workspace: Workspace, desk: LabelDesk) -> dict[str, Any]:
    """What another person has written on the loop on screen since it was made ready."""
    hand = next((hand for hand in desk.hands if hand.item.loop_id == desk.screen), desk.in_hand)
    if hand is None:
        return {"id": "", "rows": []}
    now = decisions.current(workspace, hand.item.loop_id)
    rows = [
        {
            "field": name,
            "title": field_title(name),
            "theirs": stated(name, label.value, label.status, hand.loop.instrument),
            "by": label.source.partition(":")[2],
        }
        for name, label in now.fields.items()
        if label.source.startswith("human:")
        and label.source != f"human:{desk.rater}"
        and label.event_id > hand.labels.seen.get(name, 0)
    ]
    return {"id": hand.item.loop_id, "rows": rows}


def _progress(workspace: Workspace, rater: str) -> dict[str, Any]:
    state = decisions.progress(workspace, rater)
    counts: Mapping[str, str] = {
        "decided": f"{state.decided:,}",
        "total": f"{state.total:,}",
        "mine": f"{state.mine:,}",
    }
    return {"share": state.decided / max(state.total, 1), "text": t("label.progress", **counts)}
