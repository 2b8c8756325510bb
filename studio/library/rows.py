"""Turn the loops of one page into rows of the table, in the current language."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import cast

import pandas as pd

from composer_core.estimate.scores.profiles import PERFORMED
from composer_core.music.key import ROOT_NAMES
from composer_core.pipeline.library.query import JUDGED_PREFIX, JUDGED_PROFILE, UNLABELLED
from studio.components.loop_table import Column, Row
from studio.wording.loop_names import bars_text, loop_name, loop_title
from studio.wording.names import genre_name, instrument_name, mood_name
from studio.wording.text import language, t

TOTAL = JUDGED_PREFIX + "total"
STATUS = "label_status"


def table_columns() -> list[Column]:
    """Columns of the library's table, the most important ones hidden last."""
    return [
        Column("name", t("library.col_name"), "name"),
        Column("tempo", t("library.col_tempo"), "number", "tempo_bpm", 2),
        Column("key", t("library.col_key"), "text", "", 3, t("library.col_key_help")),
        Column("swing", t("library.col_swing"), "text", "swing_phase", 3),
        Column("score", t("library.col_score"), "score", TOTAL, 1, t("library.col_score_help")),
        Column("profile", t("library.col_profile"), "chip", JUDGED_PROFILE, 2, t("library.col_profile_help")),
        Column("status", t("library.col_status"), "chip", STATUS, 2),
        Column("mood", t("library.col_mood"), "text", "labels.emotion", 4),
        Column("notes", t("library.col_notes"), "number", "n_notes", 4),
        Column("added", t("library.col_added"), "text", "created_at", 4),
    ]


def table_row(row: Mapping[str, object]) -> Row:
    """One loop; `row` holds the listed columns of the library."""
    status = str(row[STATUS] or UNLABELLED)
    tempo, total = number(row["tempo_bpm"]), number(row.get(TOTAL))
    cells: dict[str, object] = {
        "tempo": None if tempo is None else f"{tempo:.0f}",
        "key": key_text(row),
        "swing": t(f"swing.{row['swing_phase']}") if row["swing_phase"] else "",
        "score": total,
        "profile": profile_chip(row.get(JUDGED_PROFILE)),
        "status": {"code": status, "name": t(f"status.{status}")},
        "mood": named(mood_name, row.get("labels.emotion")),
        "notes": f"{int(cast(int, row['n_notes'])):,}",
        "added": added_text(row["created_at"]),
    }
    return Row(str(row["loop_id"]), loop_name(row), sub_line(row), str(row["member"] or row["source"]), cells)


def profile_chip(profile: object) -> dict[str, str]:
    """A profile as a chip; a loop that was never measured for it is judged as performed."""
    code = profile if isinstance(profile, str) and profile else PERFORMED
    return {"code": code, "name": t(f"profile.{code}")}


def sub_line(row: Mapping[str, object]) -> str:
    """What stands below a loop's name: instrument, genre, metre and which bars."""
    bars = bars_text(int(cast(int, row["start_bar"])), int(cast(int, row["bars"])))
    parts = [
        instrument_name(str(row["instrument"])),
        named(genre_name, row.get("labels.genre")),
        str(row["meter"]),
        "" if row["origin"] == "generated" else t("library.bars_of", bars=bars),
    ]
    return t("library.dot").join(part for part in parts if part)


def key_text(row: Mapping[str, object]) -> str:
    """The labelled key, else the estimated one, such as 'C♯ minor'; "" where none is known."""
    root, mode = row.get("labels.key_root"), row.get("labels.key_mode")
    if not isinstance(root, str):
        place, mode = number(row.get("key_root")), row.get("key_mode")
        if place is None or not 0 <= place < len(ROOT_NAMES):
            return ""
        root = ROOT_NAMES[int(place)]
    name = root.replace("#", "♯").replace("b", "♭")
    return f"{name} {t(f'mode.{mode}')}" if isinstance(mode, str) else name


def named(name_of: Callable[[str], str], code: object) -> str:
    """A code of a vocabulary in words; the code itself when the vocabulary does not know it, "" for none."""
    if not isinstance(code, str) or not code:
        return ""
    try:
        return str(name_of(code))
    except KeyError:
        return code


def added_text(moment: object) -> str:
    """When a loop was added, to the day, on this computer's clock."""
    stamp = pd.Timestamp(cast("pd.Timestamp | str", moment))  # NaT for None and NaN
    if pd.isna(stamp):
        return ""
    local = stamp.tz_convert(None) if stamp.tzinfo else stamp
    return str(local.strftime("%Y/%m/%d" if language() == "ja" else "%Y-%m-%d"))


def number(value: object) -> float | None:
    """A finite number, or None."""
    return float(value) if isinstance(value, Real) and math.isfinite(value) else None


def title_of(row: Mapping[str, object]) -> str:
    """A loop's name with its bars."""
    return loop_title(row)
