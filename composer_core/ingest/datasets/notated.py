"""Per-note techniques of notated pieces: `part, onset_qn, dur_qn, pitch, vel, measure, staff, voice, technique`.

Kept is what the vocabulary of techniques knows; each note of such a technique becomes a
mark, and every note counts for the share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from composer_core.ingest.datasets.adapter import Issue, Label, Parsed, Row
from composer_core.ingest.datasets.index_tables import number, parse_table

TECHNIQUES = {
    "slur": "legato",
    "staccato": "staccato",
    "staccatissimo": "staccato",
    "pizz": "pizzicato",
    "tremolo-1": "tremolo",
    "tremolo-2": "tremolo",
    "tremolo-3": "tremolo",
    "tremolo-4": "tremolo",
    "con-sordino": "con_sordino",
    "trill-mark": "trill",
    "harmonic": "harmonic",
    "strong-accent": "marcato",
    "detached-legato": "detache",
    "arpeggiate": "arpeggio",
    "spiccato": "spiccato",
}
"""Notation -> technique. One and two strokes across a stem are repeated notes, so tremolo all the same."""
SHARE, CONFIDENCE = 0.2, 0.9
_WINDOW_QUARTER = 4.0


def note_rows(name: str, data: bytes) -> Parsed:
    """One row a window of four quarters and part: how many notes, and how many of each technique."""
    table = parse_table(name, data, ("part", "onset_qn"), "\t")
    notes: Counter[tuple[int, int]] = Counter()
    techniques: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    parsed = Parsed(name, refused=table.refused)
    for row in table.rows:
        part, onset = number(row["part"], 0, 255), number(row["onset_qn"], 0, 1e6)
        if part is None or onset is None:
            parsed.refused.append(Issue(str(row["place"]), "bad_row", "part" if part is None else "onset_qn"))
            continue
        window = (int(part), int(onset // _WINDOW_QUARTER))
        notes[window] += 1
        words = str(row.get("technique", "")).split(",")
        techniques[window].update({TECHNIQUES[word.strip()] for word in words if word.strip() in TECHNIQUES})
    for (part_number, window_number), count in sorted(notes.items()):
        found = techniques[part_number, window_number]
        parsed.rows.append(
            {"part": part_number, "window": window_number, "notes": count, "techniques": dict(found), "place": name}
        )
    return parsed


def note_labels(windows: Iterable[Row]) -> list[Label]:
    """`technique` labels by part and stretch: those that at least a fifth of the notes there have."""
    labels = []
    for window in windows:
        row: dict[str, Any] = window
        common = sorted(code for code, count in row["techniques"].items() if count >= SHARE * row["notes"])
        if common:
            start = row["window"] * _WINDOW_QUARTER
            span = (start, start + _WINDOW_QUARTER)
            labels.append(Label("technique", common, CONFIDENCE, span_quarter=span, part=row["part"]))
    return labels
