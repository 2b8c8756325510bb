"""The loops as a table: what is shown, and what goes into a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from composer_core.pipeline import labelling, library
from composer_core.workspace import Workspace
from studio.loop_names import bars_text, loop_name, loop_title
from studio.names import instrument_name
from studio.text import language, t

SWING_PHASES = ("straight", "swing_8", "swing_16", "triplet")
METRIC_PREFIX = "metrics."
ROWS_A_PAGE = 1000
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_NAME_COLUMNS = ["origin", "take_id", "source", "member", "start_bar", "bars"]
_NOT_IN_CSV = ["name", "title", "bars_text"]


def load_frame(workspace: Workspace) -> pd.DataFrame:
    """Every loop with its `name`, `title`, `bars_text` and label `status`; the newest first."""
    loops = _named(workspace)
    statuses = labelling.statuses(workspace)
    return loops.assign(status=[statuses.get(loop_id, "unlabelled") for loop_id in loops["loop_id"]])


def title_of(workspace: Workspace, loop_id: str) -> str:
    """The title of one loop, "" when the library has none of that id."""
    loops = _named(workspace)
    return next(iter(loops["title"][loops["loop_id"] == loop_id]), "")


def _named(workspace: Workspace) -> pd.DataFrame:
    return _named_loops(str(workspace.root), library.digest(workspace), language())


@st.cache_resource(max_entries=2, show_spinner=False)
def _named_loops(root: str, digest: str, language_code: str) -> pd.DataFrame:
    """Kept until the library or the language changes (`digest`, `language_code`); never changed in place."""
    assert digest and language_code
    loops = library.table(Workspace(Path(root))).iloc[::-1]
    rows = loops[_NAME_COLUMNS].to_dict("records")
    return loops.assign(
        name=[loop_name(row) for row in rows],
        title=[loop_title(row) for row in rows],
        bars_text=[bars_text(row["start_bar"], row["bars"]) for row in rows],
    )


def shown_table(loops: pd.DataFrame) -> pd.DataFrame:
    """What the page shows of the loops, in words of the current language; same rows, same order."""
    swing = {code: t(f"swing.{code}") for code in SWING_PHASES}
    return pd.DataFrame(
        {
            "name": loops["name"],
            "bars": loops["bars_text"],
            "instrument": loops["instrument"].map(
                {code: instrument_name(code) for code in loops["instrument"].unique()}
            ),
            "tempo": loops["tempo_bpm"],
            "meter": loops["meter"],
            "status": loops["status"].map({code: t(f"status.{code}") for code in loops["status"].unique()}),
            "swing": loops["swing_phase"].map(swing).fillna(""),
            "notes": loops["n_notes"],
            "valence": loops["valence_estimate"],
            "arousal": loops["arousal_estimate"],
            "origin": loops["origin"].map({code: t(f"origin.{code}") for code in loops["origin"].unique()}),
            "track": loops["track_name"].fillna(""),
            "added": pd.to_datetime(loops["created_at"], utc=True),
        }
    )


def column_config() -> dict[str, Any]:
    """Titles, widths and number formats of `shown_table`."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    estimate = t("library.col_estimate_help")
    return {
        "name": text(t("library.col_name"), width=186),
        "bars": text(t("library.col_bars"), width=60),
        "instrument": text(t("library.col_instrument"), width=84),
        "tempo": number(t("library.col_tempo"), format="%.0f", width=66),
        "meter": text(t("library.col_meter"), width=56),
        "swing": text(t("library.col_swing"), width=100),
        "notes": number(t("library.col_notes"), format="%d", width=56),
        "status": text(t("library.col_status"), width=90),
        "valence": number(t("library.col_valence"), format="%.2f", width=66, help=estimate),
        "arousal": number(t("library.col_arousal"), format="%.2f", width=66, help=estimate),
        "origin": text(t("library.col_origin"), width=84),
        "track": text(t("library.col_track"), width=120),
        "added": st.column_config.DatetimeColumn(t("library.col_added"), format="YYYY-MM-DD HH:mm", width=130),
    }


def csv_bytes(loops: pd.DataFrame) -> bytes:
    """The loops with all metrics as CSV in UTF-8 with a byte-order mark (spreadsheets need it for Japanese).

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    table = loops.drop(columns=_NOT_IN_CSV)
    texts = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    harmless = table.assign(**{name: table[name].map(harmless_cell) for name in texts})
    return harmless.to_csv(index=False).encode("utf-8-sig")


def harmless_cell(value: Any) -> Any:
    """A text cell that begins with = + - @ (or a tab or return) with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value
