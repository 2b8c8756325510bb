"""What an edit of a MIDI file says about its result: a closed list of codes, as the warnings of an import are."""

from __future__ import annotations

from dataclasses import dataclass, field

EDIT_NOTICES: dict[str, str] = {
    # what the file held and the result does not
    "container": "The RIFF container around the file is not in the result, which is a plain MIDI file.",
    "broken_track": "Track {track} breaks off: {size} bytes that are no events are not in the result.",
    "clipped": "{count} values above 127, which the MIDI standard forbids, are 127 in the result.",
    "merged": "{count} notes that started together with another of their pitch and channel became one with it.",
    # what a person should know of the result
    "rounded": "{count} notes lie on the file's nearest tick ({resolution} a quarter), up to {ms:.1f} ms from "
    "where they were to be.",
    "left_out": "{count} new notes are left out, because a kept note of their pitch sounds there and beyond the edit.",
    "held_by_program": "{count} notes stay on their side of a program change.",
    "key_signature": "Pitches changed; the key signature of the file stays as it is.",
    "key_pressure": "{count} changes of pressure on single keys stay with the old pitches.",
    "shared_channel": "Channel {channel} plays other parts too, which sound with the new program as well.",
}
LOST = frozenset({"container", "broken_track", "clipped", "merged"})
"""Codes of what is not in the result."""


@dataclass(frozen=True, slots=True)
class EditNotice:
    """One thing to say about an edit; `values` fill the sentence of its code. An unknown code raises KeyError."""

    code: str
    values: dict[str, int | float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in EDIT_NOTICES:
            raise KeyError(self.code)

    @property
    def message(self) -> str:
        """The English sentence."""
        return EDIT_NOTICES[self.code].format(**self.values)

    @property
    def is_loss(self) -> bool:
        """True where something of the file is not in the result."""
        return self.code in LOST
