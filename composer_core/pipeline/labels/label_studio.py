"""Labels as tasks of Label Studio: people's as annotations, others' as predictions, with the configuration for both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from composer_core.errors import InvalidValue
from composer_core.music.key import ROOT_NAMES
from composer_core.pipeline.labels.delimited import NotThisFormat
from composer_core.pipeline.labels.exported import ExportedLabel
from composer_core.pipeline.labels.fields import LABEL_FIELDS, MAX_QUALITY, MIN_QUALITY, VALUE_RANGES
from composer_core.pipeline.labels.imports import LabelRow, Refusal
from composer_core.pipeline.labels.loop_names import LoopName
from composer_core.pipeline.labels.tables import FACTS, label_of_json
from composer_core.store.labels.view import HUMAN
from composer_core.store.vocabularies import Vocabularies

AUDIO_URL = "/data/local-files/?d=loops/{loop_id}.wav"
"""Where a task looks for the sound of its loop: a folder "loops" in Label Studio's local storage."""
WITHOUT_VALUE = "labels_without_value"
"""Key of a task's data: labels that no control can show, because they say that a value is wrong."""
_NUMBERS = {**VALUE_RANGES, "quality": (MIN_QUALITY, MAX_QUALITY)}
_TEXTS = ("genre", "meter", "caption_en", "caption_ja")
"""Weights as JSON, and what no list of choices holds."""


def configuration(words: Vocabularies) -> str:
    """The labelling configuration (XML) with a control for every field, named as the field."""
    lines = ["<View>", '  <Header value="$title"/>', '  <Audio name="audio" value="$audio"/>']
    for field in LABEL_FIELDS:
        lines.append(f"  <Header value={quoteattr(field)}/>")
        place = f'name="{field}" toName="audio"'
        if field in _NUMBERS:
            low, high = _NUMBERS[field]
            lines.append(
                f'  <Number {place} min="{low:g}" max="{high:g}" step="{1 if field == "quality" else 0.001}"/>'
            )
        elif field in _TEXTS:
            lines.append(f'  <TextArea {place} maxSubmissions="1"/>')
        else:
            several = "multiple" if field == "technique" else "single"
            lines.append(f'  <Choices {place} choice="{several}">')
            lines += [f"    <Choice value={quoteattr(code)}/>" for code in _codes(field, words)]
            lines.append("  </Choices>")
    return "\n".join([*lines, "</View>", ""])


def _codes(field: str, words: Vocabularies) -> list[str]:
    if field == "emotion":
        return list(words.moods)
    if field == "technique":
        return sorted({code for known in words.techniques.values() for code in known})
    return list(ROOT_NAMES) if field == "key_root" else list(words.tags[field])


def to_tasks(
    loops: Iterable[Sequence[ExportedLabel]], names: Mapping[str, LoopName], words: Vocabularies
) -> tuple[str, int]:
    """One task a loop, one result a label; and how many labels that are.

    What was rejected, or settled as none of the votes, is no result: it stands in the task's data (WITHOUT_VALUE),
    which Label Studio hands back. The first task carries the configuration under `meta`.
    """
    tasks: list[dict[str, Any]] = []
    n_labels = 0
    for labels in loops:
        tasks.append(_task(labels, names.get(labels[0].loop_id)))
        n_labels += len(labels)
    if tasks:
        tasks[0]["meta"] = {"label_config": configuration(words)}
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", n_labels


def _task(labels: Sequence[ExportedLabel], name: LoopName | None) -> dict[str, Any]:
    loop_id = labels[0].loop_id
    data: dict[str, Any] = {
        "audio": AUDIO_URL.format(loop_id=loop_id),
        "title": name.name if name else loop_id,
        "loop_id": loop_id,
    }
    if name:
        data |= {"file": name.file, "instrument": name.instrument}
    held = [label for label in labels if label.status != "rejected" and label.value is not None]
    if len(held) < len(labels):
        data[WITHOUT_VALUE] = [_facts(label) for label in labels if label not in held]
    by_source: dict[str, list[ExportedLabel]] = {}
    for label in held:
        by_source.setdefault(label.source, []).append(label)
    annotations, predictions = [], []
    for source, said in by_source.items():
        results = [_result(label) for label in said]
        if source.startswith(f"{HUMAN}:"):
            annotations.append({"result": results})
            continue
        sure = [label.confidence for label in said if label.confidence is not None]
        score = {"score": round(sum(sure) / len(sure), 6)} if sure else {}
        predictions.append({"model_version": source, "result": results} | score)
    return {"data": data, "annotations": annotations, "predictions": predictions}


def _facts(label: ExportedLabel) -> dict[str, Any]:
    return {"field": label.field, "value": label.value} | {fact: getattr(label, fact) for fact in FACTS}


def _result(label: ExportedLabel) -> dict[str, Any]:
    value = label.value
    held: dict[str, Any]
    if label.field in _NUMBERS:
        kind, held = "number", {"number": value}
    elif label.field in _TEXTS:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else value
        kind, held = "textarea", {"text": [text]}
    else:
        kind, held = "choices", {"choices": value if isinstance(value, list) else [value]}
    meta = {fact: getattr(label, fact) for fact in FACTS}
    return {
        "id": f"{label.loop_id}-{label.field}",
        "from_name": label.field,
        "to_name": "audio",
        "type": kind,
        "value": held,
        "meta": meta,
    }


def from_tasks(held: object, name: str, refused: list[Refusal]) -> Iterator[LabelRow]:
    """The labels of tasks as `to_tasks` or Label Studio itself wrote them. NotThisFormat where they are none.

    Predictions are read only where they say whose they are, as ours do.
    """
    tasks: Any = held
    try:
        for number, task in enumerate(tasks, 1):
            loop_id = str(task["data"]["loop_id"])
            for result in (*map(_of_result, _results(task)), *_without_value(task)):
                origin = f"{name}: task {number}"
                row = {"loop_id": loop_id} | result
                try:
                    yield label_of_json(row, origin)
                except InvalidValue as error:
                    refused.append(Refusal(origin, loop_id, str(row["field"]), error))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise NotThisFormat(f"{error or type(error).__name__}") from error


def _results(task: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "annotations" not in task and "predictions" not in task:
        raise KeyError("annotations")
    for annotation in task.get("annotations") or ():
        if not annotation.get("was_cancelled"):
            yield from annotation["result"]
    for prediction in task.get("predictions") or ():
        yield from (result for result in prediction["result"] if (result.get("meta") or {}).get("source"))


def _without_value(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for row in task["data"].get(WITHOUT_VALUE) or ():
        yield {"field": str(row["field"]), "value": row["value"]} | {fact: row.get(fact) for fact in FACTS}


def _of_result(result: Mapping[str, Any]) -> dict[str, Any]:
    field, kind, held = str(result["from_name"]), result["type"], result["value"]
    if kind == "number":
        value: Any = held["number"]
    elif kind == "choices":
        value = held["choices"] if field == "technique" else held["choices"][0]
    else:
        value = json.loads(held["text"][0]) if field == "genre" else held["text"][0]
    meta = result.get("meta") or {}
    return {"field": field, "value": value} | {fact: meta.get(fact) for fact in FACTS}
