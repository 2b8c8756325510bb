"""Labels as tables: CSV with one row a label, and spreadsheets with one row a loop; both are read by their heading."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from composer_core.errors import ComposerError
from composer_core.pipeline.labels import cells
from composer_core.pipeline.labels.delimited import TableRow
from composer_core.pipeline.labels.exported import ExportedLabel
from composer_core.pipeline.labels.fields import LABEL_FIELDS
from composer_core.pipeline.labels.imports import LabelRow, Refusal
from composer_core.pipeline.labels.loop_names import LoopFinder, LoopName
from composer_core.store.vocabularies import Vocabularies

COLUMNS = ("loop_id", "field", "value", "source", "status", "confidence", "note", "time", "file", "loop")
"""Of a CSV with one row a label, and the keys of JSON lines; those from "time" on came later."""
PLACE_COLUMNS = ("loop_id", "file", "loop", "instrument")
"""What a spreadsheet says of the loop itself."""
FACTS = ("source", "status", "time", "confidence", "note")
"""What is said of a label besides its value; in a spreadsheet as "emotion.source" and so on."""
MORE = "more"
"""Column of the opinions that a spreadsheet has no cell for (several on one field, rejections), as JSON."""
_ALIASES = {
    **dict.fromkeys(("id", "loopid", "ループid"), "loop_id"),
    **dict.fromkeys(("filename", "file_name", "path", "member", "ファイル", "ファイル名"), "file"),
    **dict.fromkeys(("name", "loop_name", "title", "ループ", "ループ名", "曲名"), "loop"),
    **dict.fromkeys(("label", "項目"), "field"),
    **dict.fromkeys(("created_at", "said_at", "日時"), "time"),
    "値": "value",
    "楽器": "instrument",
    "状態": "status",
    "メモ": "note",
    **dict.fromkeys(("curator", "評価者"), "rater"),
}
_FIELD_ALIASES = {
    **dict.fromkeys(("valence", "明るさ"), "emotion_valence"),
    **dict.fromkeys(("arousal", "激しさ"), "emotion_arousal"),
    **dict.fromkeys(("mood", "感情", "感情の種類"), "emotion"),
    **dict.fromkeys(("techniques", "奏法"), "technique"),
    **dict.fromkeys(("key", "調", "調(主音)"), "key_root"),
    **dict.fromkeys(("mode", "旋法"), "key_mode"),
    **dict.fromkeys(("metre", "time_signature", "拍子"), "meter"),
    **dict.fromkeys(("bpm", "テンポ"), "tempo_bpm"),
    **dict.fromkeys(("tempo_class", "テンポ区分"), "tempo_bucket"),
    **dict.fromkeys(("swing", "スウィング"), "swing_phase"),
    **dict.fromkeys(("english_caption", "英語の説明文"), "caption_en"),
    **dict.fromkeys(("japanese_caption", "日本語の説明文"), "caption_ja"),
    "ジャンル": "genre",
    "品質": "quality",
    "ノリ": "feel",
    "セクション": "section",
    "強さ": "intensity",
    "licence": "license",
    "ライセンス": "license",
    "スコアの見方": "score_profile",
}
_LONG = {*COLUMNS, "instrument", "rater"}
_WHOLE_ROW = {*PLACE_COLUMNS, *FACTS, "rater", MORE}
_KNOWN = f"{', '.join(COLUMNS)}, or loop_id or file and the names of fields"


def to_csv(labels: Iterable[ExportedLabel], names: Mapping[str, LoopName]) -> str:
    """One row a label; the value is JSON."""
    lines = [_line(COLUMNS)]
    for label in labels:
        facts = facts_of(label, names)
        lines.append(_line([_guarded(facts[name]) for name in COLUMNS]))
    return "\n".join([*lines, ""])


def facts_of(label: ExportedLabel, names: Mapping[str, LoopName]) -> dict[str, object]:
    """A label by COLUMNS, its value as JSON text."""
    name = names.get(label.loop_id)
    facts: dict[str, object] = {column: getattr(label, column) for column in COLUMNS if column not in ("file", "loop")}
    value = json.dumps(label.value, ensure_ascii=False)
    return facts | {"value": value, "file": name.file if name else "", "loop": name.name if name else ""}


def to_spreadsheet(loops: Iterable[Sequence[ExportedLabel]], names: Mapping[str, LoopName]) -> str:
    """One row a loop with plain values, what is said besides of each value behind them, and a mark by which
    spreadsheets see that it is UTF-8."""
    loops = list(loops)
    used = {label.field for labels in loops for label in labels if label.shown}
    fields = [name for name in LABEL_FIELDS if name in used]
    columns = [*PLACE_COLUMNS, *fields, *(f"{name}.{fact}" for name in fields for fact in FACTS), MORE]
    lines = [_line(columns)]
    for labels in loops:
        row = _wide_row(labels, names)
        lines.append(_line([_guarded(row.get(column, "")) for column in columns]))
    return "\ufeff" + "\r\n".join([*lines, ""])


def _wide_row(labels: Sequence[ExportedLabel], names: Mapping[str, LoopName]) -> dict[str, Any]:
    loop_id = labels[0].loop_id
    name = names.get(loop_id) or LoopName(loop_id, "", "", "")
    row: dict[str, Any] = {"loop_id": loop_id, "file": name.file, "loop": name.name, "instrument": name.instrument}
    counts = {label.field: sum(other.field == label.field for other in labels) for label in labels}
    more = []
    for label in labels:
        if label.shown:
            row[label.field] = cells.plain_value(label.value)
            row |= {f"{label.field}.{fact}": getattr(label, fact) for fact in FACTS}
        # All of a field together, so that they come back in their order. "No technique" looks like an empty cell.
        if counts[label.field] > 1 or not label.shown or row[label.field] == "":
            more.append({"field": label.field, "value": label.value} | {fact: getattr(label, fact) for fact in FACTS})
    return row | ({MORE: json.dumps(more)} if more else {})


def _guarded(cell: Any) -> Any:
    return cells.guarded(cell) if isinstance(cell, str) else cell


def _line(row: Sequence[Any]) -> str:
    # With both signs in the terminator the writer puts cells with either of them in quotation marks.
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(row)
    return text.getvalue().removesuffix("\r\n")


def read_table(
    rows: Iterable[TableRow], name: str, finder: LoopFinder, words: Vocabularies, refused: list[Refusal]
) -> Iterator[LabelRow]:
    """The labels of a table of either kind, read as READ_AS says; rows and cells that hold none are refused one by
    one."""
    reader = _Reader(name, finder, words, refused)
    for row in rows:
        yield from reader.labels_of(row)


def _column_of(heading: str) -> str | None:
    """The column a heading means, None for one that is unknown."""
    field, dot, fact = heading.partition(".")
    if dot:
        field = _FIELD_ALIASES.get(field, field)
        return f"{field}.{fact}" if field in LABEL_FIELDS and fact in FACTS else None
    heading = _ALIASES.get(heading, heading)
    if heading in _LONG or heading in _WHOLE_ROW:
        return heading
    heading = _FIELD_ALIASES.get(heading, heading)
    return heading if heading in LABEL_FIELDS else None


def _enough(columns: set[str]) -> bool:
    placed = bool(columns & {"loop_id", "file", "loop"})
    return placed and ({"field", "value"} <= columns or bool(columns & {*LABEL_FIELDS, MORE}))


READ_AS = (_column_of, _enough, _KNOWN)
"""The columns of either kind of table, for `delimited.rows_of`."""


class _Reader:
    """Reads the rows of one file."""

    def __init__(self, name: str, finder: LoopFinder, words: Vocabularies, refused: list[Refusal]) -> None:
        self._name, self._finder, self._words, self._refused = name, finder, words, refused

    def labels_of(self, row: TableRow) -> Iterator[LabelRow]:
        origin = f"{self._name}:{row.line}"
        found = {column: cells.unguarded(cell) for column, cell in row.cells.items()}
        place = {column: found.get(column, "").strip() for column in PLACE_COLUMNS}
        try:
            if row.error is not None:
                raise row.error
            loop_ids = self._finder.find(place["loop_id"], place["file"], place["loop"], place["instrument"])
        except ComposerError as error:
            self._refuse(origin, place["loop_id"], found.get("field", ""), error)
            return
        said = list(self._more(found, origin, place["loop_id"]))
        for field, one in _labels_in(found):
            try:
                label = self._label(field, one, origin)
            except ComposerError as error:
                self._refuse(origin, loop_ids[0], field, error)
                continue
            if label is not None and label not in said:
                said.append(label)
        for label in said:
            for loop_id in loop_ids:
                yield LabelRow(loop_id, *_without_loop(label))

    def _label(self, field: str, one: Mapping[str, str], origin: str) -> LabelRow | None:
        """The label of some cells; None for an empty cell that says nothing."""
        status = cells.read_status(one.get("status", ""))
        value = cells.read_value(field, one.get("value", ""), self._words)
        if value is None and status not in ("rejected", "settled"):
            if one.get("needed"):
                raise cells.bad_cell(field, one.get("value", ""), "a value")
            return None
        confidence = cells.read_confidence(one.get("confidence", ""))
        rater = one.get("rater", "").strip()
        source = f"human:{rater}" if rater else cells.read_source(one.get("source", ""))
        said_at = cells.read_time(one.get("time", ""))
        return LabelRow("", field, value, confidence, one.get("note", ""), origin, source, status, said_at)

    def _more(self, found: Mapping[str, str], origin: str, loop_id: str) -> Iterator[LabelRow]:
        """The labels of the column MORE."""
        if not found.get(MORE, "").strip():
            return
        try:
            held: Any = cells.read_json(MORE, found[MORE])
            for one in held:
                facts = {"loop_id": "", **{name: one.get(name) for name in ("field", "value", *FACTS)}}
                yield label_of_json(facts, origin)
        except (TypeError, AttributeError):
            self._refuse(origin, loop_id, MORE, cells.bad_cell(MORE, found[MORE], "a list of labels as JSON"))
        except ComposerError as error:
            self._refuse(origin, loop_id, MORE, error)

    def _refuse(self, origin: str, loop_id: str, field: str, error: ComposerError) -> None:
        self._refused.append(Refusal(origin, loop_id, field, error))


def _labels_in(found: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Field and what its cells say: one in a row a label, several in a row a loop."""
    whole = {fact: found.get(fact, "") for fact in (*FACTS, "rater")}
    if "field" in found and "value" in found:
        field, plain = found["field"].strip(), found["field"].strip().casefold()
        # Office programs begin the words of a cell with a capital.
        yield (
            _FIELD_ALIASES.get(plain, plain if plain in LABEL_FIELDS else field),
            whole | {"value": found["value"], "needed": "yes"},
        )
        return
    for field in LABEL_FIELDS:
        if field in found:
            own = {fact: cell for fact in FACTS if (cell := found.get(f"{field}.{fact}", ""))}
            yield field, whole | own | {"value": found[field]}


def _without_loop(label: LabelRow) -> tuple[Any, ...]:
    return (
        label.field,
        label.value,
        label.confidence,
        label.note,
        label.origin,
        label.source,
        label.status,
        label.said_at,
    )


def label_of_json(row: Mapping[str, object], origin: str) -> LabelRow:
    """A label out of an object with some of COLUMNS as keys; InvalidValue for one that is none."""
    given: Any = row.get("confidence")
    confidence: float | None = None
    if isinstance(given, str):
        confidence = cells.read_confidence(given)
    elif given is not None:
        try:
            confidence = float(given)
        except (TypeError, ValueError, OverflowError) as error:
            raise cells.bad_cell("confidence", given, "a confidence of 0 to 1") from error
    texts = {name: "" if row.get(name) is None else str(row[name]) for name in ("source", "status", "time", "note")}
    return LabelRow(
        str(row["loop_id"]),
        str(row["field"]),
        row["value"],
        confidence,
        texts["note"],
        origin,
        cells.read_source(texts["source"]),
        cells.read_status(texts["status"]),
        cells.read_time(texts["time"]),
    )
