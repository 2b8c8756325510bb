"""What an import says about a file it accepts all the same: a closed list of codes."""

from __future__ import annotations

from dataclasses import dataclass, field

WARNINGS: dict[str, str] = {
    "no_notes": "{path}: no notes in it; nothing was added.",
    "track_count": "{path}: the header promises {promised} tracks, the file holds {found}; all {found} were read.",
    "odd_meta": "{path}: events about tempo, metre or key of impossible length ({count}) were left out.",
    "tempo_repaired": "{path}: tempos outside 5 to 1000 BPM ({count}) were repaired.",
    "notes_closed": "{path}: notes that never end ({count}) end at the next same note or after four quarters at most.",
    "notes_dropped": "{path}: notes that never end ({count}) were left out.",
    "zero_length": "{path}: notes of no length ({count}) were given the shortest one.",
    "lenient_reader": "{path}: the file breaks the MIDI standard ({reason}); a lenient reader read it.",
    "independent_tracks": "{path}: a type 2 file; its tracks were read as if they played together.",
    "guessed_instrument": "{path}: what {count} parts play is a guess from their names ({parts}).",
    "drum_map_guessed": "{path}: the drums were read by the note map of {map}, by their notes alone; "
    "another map can be chosen.",
    "drum_map_unknown": "{path}: {percent} % of the drum notes are in no note map known here and count as percussion; "
    "a map can be chosen.",
    "key_doubtful": "{path}: the key signature it declares ({keys}) does not fit its notes; the estimate counts.",
    "meter_doubtful": "{path}: it declares a metre of {meter}, whose bars hold one beat; the loops are cut by it.",
    "meter_belied": "{path}: it declares a metre of {meter}, but its notes rather suggest {likely}; the loops are cut "
    "by {meter}.",
    "beats_missing": "{path}: {file}, which says where its bars lie, cannot be read; the loops are cut by the bars "
    "of the MIDI file.",
    "beats_damaged": "{path}: line {line} of {file}, which says where its bars lie, is damaged; the loops are cut by "
    "the bars of the MIDI file.",
    "after_end": "{path}: what follows the end of a track was left out.",
    "cut_short_bars": "{path}: notes in bars that a change of metre cuts short ({count}) are in no loop.",
}


@dataclass(frozen=True, slots=True)
class FileWarning:
    """One warning; `values` fill the sentence of its code. An unknown code raises KeyError at once."""

    code: str
    path: str
    values: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in WARNINGS:
            raise KeyError(self.code)

    @property
    def message(self) -> str:
        """The English sentence."""
        return WARNINGS[self.code].format(path=self.path, **self.values)

    def to_json(self) -> dict[str, str]:
        """{path, code, message}, as an import reports it."""
        return {"path": self.path, "code": self.code, "message": self.message}
