"""Estimate whole files, and suggest labels for the library's loops.

Estimates of files are not stored. Suggestions are stored, never over a person's label. The genres of an instrument can
be learnt from the user's own approved labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from composer_core.errors import require_choice
from composer_core.estimate import note_features
from composer_core.estimate.affect import suggest_affect
from composer_core.estimate.emotion import WHOLE
from composer_core.estimate.estimators import Estimators, load_estimators
from composer_core.estimate.genre import classifier
from composer_core.estimate.genre.features import FEATURE_NAMES, features_of
from composer_core.estimate.key.declared import declared_json
from composer_core.estimate.key.reading import suggest_key
from composer_core.estimate.meter import METER_UNSURE, declared_meter_json, suggest_meter
from composer_core.estimate.note_list import notes_of_loop
from composer_core.estimate.suggest import emotion_of, suggest, suggest_loop_genre, suggest_loop_technique
from composer_core.estimate.suggestion import Suggestion
from composer_core.ingest.cut import WHOLE_SONG, cut
from composer_core.ingest.midi import read_song
from composer_core.ingest.pool import read_all
from composer_core.ingest.song import Song
from composer_core.ingest.worker import Result, each_file
from composer_core.metrics import measure
from composer_core.music.genre import family_weights
from composer_core.music.loop import Loop, Notes
from composer_core.music.timing import COMMON_TIME
from composer_core.pipeline.library.declared import judged_meter, main_signature
from composer_core.pipeline.library.song_notes import pitched_notes, whole_drums
from composer_core.pipeline.vocabularies import vocabularies
from composer_core.store.atomic import write_json
from composer_core.store.labels.records import Entry, LabelValue
from composer_core.store.labels.store import open_labels
from composer_core.store.loops.store import LoopStore
from composer_core.workspace import Workspace

SHOWN = {
    "valence": "emotion_valence",
    "arousal": "emotion_arousal",
    "emotion": "emotion",
    "genre": "genre",
    "key_root": "key_root",
    "key_mode": "key_mode",
    "meter": "meter",
    "technique": "technique",
}
"""Fields of `show` and the label fields they are."""
APPLIED_FIELDS = tuple(SHOWN.values())
SHOW_TASK = "composer_core.pipeline.labels.suggestions:read_estimates"
_TECHNIQUE_BARS, _TECHNIQUE_LOOPS, _TECHNIQUE_SHARE = 4, 8, 0.5
_BATCH = 500
_COLUMNS = ("onset_tick", "duration_tick", "pitch", "velocity")
LEAST_LOOPS, N_FOLDS = 5, 5


def show(paths: Sequence[str], workspace: Workspace | None = None, *, jobs: int | None = None) -> dict[str, object]:
    """What the estimators say of whole files; nothing is stored.

    Gives {"files": [{"path" as given, "error": None or {code, message}, each field of SHOWN as {value,
    confidence, reasons}, and what the file declares as "declared"}]} in the order of `paths`. A field about which
    nothing can be said has the value None, confidence 0 and no reasons; so has every field of a refused file. The
    workspace's own estimators come first.
    """
    options = {"estimators": None if workspace is None else str(workspace.estimators)}
    files = []
    for report in read_all([(path, "midi") for path in paths], SHOW_TASK, options, jobs=jobs):
        outcome = report.outcomes[0]
        error, fields = None, cast(dict[str, object], outcome.facts.get("fields", {}))
        if outcome.refusal is not None:
            error = {"code": outcome.refusal.code, "message": str(outcome.refusal)}
        unknown: dict[str, Any] = {name: {"value": None, "confidence": 0.0, "reasons": []} for name in SHOWN}
        declared = {"declared": outcome.facts.get("declared", {"key": None, "meter": None})}
        files.append({"path": paths[report.job_id], "error": error, **unknown, **fields, **declared})
    return {"files": files}


def read_estimates(files: list[tuple[str, bytes]], options: Mapping[str, object]) -> list[Result]:
    """Worker task: for each (name, bytes) a refusal, or the estimates of the whole file as facts."""
    own = options["estimators"]
    estimators = load_estimators(None if own is None else Path(str(own)))

    def read(name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
        """The estimates of one file that something can be said about."""
        song = read_song(data, name)
        found = estimate_song(song, estimators)
        declared = _with_declared(song, found, estimators)
        fields = {shown: _plain_suggestion(found[field]) for shown, field in SHOWN.items() if field in found}
        return {"fields": fields, "declared": declared}, b""

    return each_file(files, read)


def _with_declared(song: Song, found: dict[str, Suggestion], estimators: Estimators) -> dict[str, Any]:
    """What a file declares of key and metre, in plain values; where an estimate is unsure it takes its place.

    Not a part of `estimate_song`: what estimators are judged by must not be told to them.
    """
    key, judged = main_signature(song), judged_meter(song, estimators.meter)
    said: dict[str, Any] = {"key": None, "meter": None}
    if key is not None:
        said["key"] = declared_json(key.signature, key.doubtful)
        found |= _song_key(song, {"declared_key": said["key"]})
    if judged is not None:
        said["meter"] = declared_meter_json(judged.meter, judged.doubtful)
        if not judged.doubtful and judged.shares is not None and max(judged.shares.values()) < METER_UNSURE:
            found["meter"] = Suggestion(str(judged.meter), 1.0, ("cue:declared:+",), "file")
    return said


def _plain_suggestion(made: Suggestion) -> dict[str, Any]:
    value = dict(made.value) if isinstance(made.value, Mapping) else made.value
    return {"value": value, "confidence": made.confidence, "reasons": list(made.reasons)}


def estimate_song(song: Song, estimators: Estimators) -> dict[str, Suggestion]:
    """All fields of a whole song: emotion and key of everything pitched, genre of the drums (else of the
    busiest part that has a model), metre of all parts, techniques seen in half of an instrument's loops."""
    drums, pitched = whole_drums(song), pitched_notes(song)
    instruments = {part.instrument for part in song.parts if part.instrument != "drums" and len(part.notes)}
    instrument = next(iter(instruments)) if len(instruments) == 1 else WHOLE
    emotion = estimators.read_emotion(pitched, instrument)
    found: dict[str, Suggestion] = {}
    if emotion is not None:
        found |= emotion.suggestions()
    elif drums is not None:
        found |= suggest_affect(measure(drums), "drums")
    if found:
        moods = vocabularies().moods
        found["emotion"] = emotion_of(found["emotion_valence"], found["emotion_arousal"], moods)
    found |= _song_key(song)
    optional = {
        "genre": _song_genre(song, estimators),
        "meter": _song_meter(song, estimators),
        "technique": _song_technique(song, estimators),
    }
    return found | {name: made for name, made in optional.items() if made is not None}


def _song_genre(song: Song, estimators: Estimators) -> Suggestion | None:
    loops = [loop for loop in cut(song, WHOLE_SONG) if loop.instrument in estimators.genre]
    loops.sort(key=lambda loop: (not loop.is_drums, -len(loop.notes)))
    return suggest_loop_genre(loops[0], measure(loops[0]), estimators) if loops else None


def _song_key(song: Song, extra: dict[str, Any] | None = None) -> dict[str, Suggestion]:
    """The key of everything pitched, read as one long part."""
    parts = [part.notes for part in song.parts if part.instrument != "drums" and len(part.notes)]
    if not parts:
        return {}
    notes = Notes.of(*(np.concatenate([getattr(one, name) for one in parts]) for name in _COLUMNS))
    bars = int(notes.onset_tick.max()) // COMMON_TIME.bar_tick + 1
    return suggest_key(Loop(WHOLE, notes, bars, extra=extra or {}))


def _song_meter(song: Song, estimators: Estimators) -> Suggestion | None:
    if estimators.meter is None or not song.n_notes:
        return None
    drums_alone = all(part.instrument == "drums" for part in song.parts if len(part.notes))
    return suggest_meter(estimators.meter, _all_notes(song), drums_alone)


def _all_notes(song: Song) -> Notes:
    return Notes.of(*(np.concatenate([getattr(part.notes, name) for part in song.parts]) for name in _COLUMNS))


def _song_technique(song: Song, estimators: Estimators) -> Suggestion | None:
    by_instrument: dict[str, list[Loop]] = {}
    for loop in cut(song, _TECHNIQUE_BARS):
        by_instrument.setdefault(loop.instrument, []).append(loop)
    codes: dict[str, float] = {}
    reasons: list[str] = []
    source = ""
    for loops in by_instrument.values():
        chosen = loops[:: max(1, len(loops) // _TECHNIQUE_LOOPS)]
        seen = [suggest_loop_technique(loop, measure(loop), vocabularies(), estimators) for loop in chosen]
        made = [one for one in seen if one is not None]
        counts = Counter(code for one in made for code in one.codes)
        for code, count in counts.items():
            if count >= _TECHNIQUE_SHARE * len(chosen):
                of_code = [one for one in made if code in one.codes]
                codes[code] = float(np.mean([one.confidence for one in of_code]))
                # A rule that spoke for a technique which is not kept is no reason.
                rules = {f"rule:{other}" for other in counts if other != code}
                reasons += [reason for reason in of_code[0].reasons if reason not in rules]
                source = of_code[0].source
    if not codes:
        return None
    return Suggestion(sorted(codes), round(min(codes.values()), 3), tuple(dict.fromkeys(reasons)), source)


def apply_estimates(
    workspace: Workspace,
    fields: Sequence[str] = APPLIED_FIELDS,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> dict[str, object]:
    """Store suggestions for every loop of the library; gives loops looked at and suggestions stored by field.

    Fields on which a person has an opinion are left alone, and so is what the same estimator already said.
    """
    for field in fields:
        require_choice("field", field, APPLIED_FIELDS)
    store, estimators = open_labels(workspace), load_estimators(workspace.estimators)
    words = vocabularies(workspace)
    rows = LoopStore(workspace).table(["loop_id", "duplicate_of"], whole=False)
    loop_ids = list(rows["loop_id"][rows["duplicate_of"].isna()])
    stored: Counter[str] = Counter()
    for start in range(0, len(loop_ids), _BATCH):
        batch = loop_ids[start : start + _BATCH]
        labels = store.view(batch)
        entries: dict[str, list[Entry]] = {}
        for loop_id, loop in zip(batch, LoopStore(workspace).load_many(batch), strict=True):
            for field, made in suggest(loop, measure(loop), words, estimators).items():
                current = labels.get(loop_id, {}).get(field)
                by_person = current is not None and current.source.startswith("human:")
                same = current is not None and (current.source, current.value) == (made.source, _stored(made.value))
                if field in fields and not by_person and not same:
                    entry = Entry(loop_id, field, _stored(made.value), "suggested", made.confidence)
                    entries.setdefault(made.source, []).append(entry)
                    stored[field] += 1
        for source, of_source in entries.items():
            store.add(source, of_source)
        progress(start + len(batch), len(loop_ids))
    return {"loops": len(loop_ids), "stored": dict(sorted(stored.items()))}


def _stored(value: LabelValue) -> LabelValue:
    return {code: value[code] for code in sorted(value)} if isinstance(value, Mapping) else value


def train_library_genre(workspace: Workspace, instrument: str, out: Path) -> dict[str, object]:
    """Learn families from the loops of an instrument whose genre a person approved; returns the card.

    Loops of one source file stay on one side of every fold. InvalidValue unless two families have five loops.
    """
    labels = open_labels(workspace).view()
    approved = {
        loop_id: fields["genre"].value
        for loop_id, fields in labels.items()
        if "genre" in fields and fields["genre"].status == "approved" and fields["genre"].value
    }
    rows = LoopStore(workspace).table(["loop_id", "instrument"])
    wanted = [name for name in rows["loop_id"][rows["instrument"] == instrument] if name in approved]
    examples = []
    for loop_id, loop in zip(wanted, LoopStore(workspace).load_many(wanted), strict=True):
        weights = family_weights(cast(dict[str, float], approved[loop_id]))
        family = max(weights, key=lambda name: weights[name])
        row = features_of(loop, measure(loop)) if loop.is_drums else note_features.feature_row(notes_of_loop(loop))
        examples.append(classifier.GenreExample(row, family, loop.source))
    features = FEATURE_NAMES if instrument == "drums" else note_features.FEATURE_NAMES
    about = {"name": f"genre-{instrument}", "data": "the library's approved labels"}
    model = classifier.train(examples, about, features=features, least=LEAST_LOOPS, n_folds=N_FOLDS)
    write_json(out, model.to_json())
    return dict(model.card)
