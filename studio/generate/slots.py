"""The entries in the list of the Generate page: a take or an ensemble, with all its versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from composer_core.music.loop import Loop
from composer_core.pipeline.generation.ensembles import ORDER
from composer_core.pipeline.generation.performance import Playing, play_take
from composer_core.pipeline.generation.takes import Take
from studio.components import transport
from studio.wording.names import genre_name, instrument_name
from studio.wording.text import t

Takes = tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One take, or the parts of an ensemble in their order. `versions[at]` is what is shown; edits come after it."""

    versions: tuple[Takes, ...]
    at: int = 0

    @property
    def takes(self) -> Takes:
        """The parts as they are now."""
        return self.versions[self.at]

    @property
    def first(self) -> Take:
        """The take (or first part) before any edit."""
        return self.versions[0][0]

    @property
    def key(self) -> str:
        """What the transport calls it; the same through all versions, so that a new one keeps the place in the bar."""
        return f"ensemble.{self.first.ensemble}" if self.is_ensemble else f"take.{self.first.take_id}"

    @property
    def is_ensemble(self) -> bool:
        """True for several parts."""
        return len(self.versions[0]) > 1

    @property
    def instruments(self) -> tuple[str, ...]:
        """The instruments of the parts."""
        return tuple(take.condition.instrument for take in self.takes)

    def part(self, instrument: str) -> Take:
        """The part of an instrument, the first one where there is none."""
        return next((take for take in self.takes if take.condition.instrument == instrument), self.takes[0])

    def edited(self, takes: Takes) -> Slot:
        """With another version, in front of which stays what is shown now; versions that were undone go."""
        kept = self.versions[: self.at + 1]
        return Slot((*kept, takes), len(kept))

    def with_part(self, take: Take) -> Slot:
        """With one part replaced by another of its instrument."""
        instrument = take.condition.instrument
        return self.edited(tuple(take if old.condition.instrument == instrument else old for old in self.takes))

    def moved(self, steps: int) -> Slot:
        """Some versions back (negative) or forth, as far as there are any."""
        return replace(self, at=min(max(self.at + steps, 0), len(self.versions) - 1))


def slots_of(takes: Sequence[Take]) -> list[list[Slot]]:
    """Stored takes (newest first) as requests, each with its slots in order; edits become versions of their slot."""
    edits = [take for take in reversed(takes) if take.parent]
    groups: dict[str, list[Take]] = {}
    for take in takes:
        if not take.parent:
            groups.setdefault(take.ensemble or take.take_id, []).append(take)
    slots = [_with_edits(tuple(sorted(parts, key=_place)), edits) for parts in groups.values()]
    asked = groupby(slots, key=_request)
    return [sorted(together, key=lambda slot: slot.first.index) for _, together in asked]


def _place(take: Take) -> int:
    return ORDER.index(take.condition.instrument)


def _request(slot: Slot) -> tuple[object, ...]:
    first = slot.first
    if slot.is_ensemble:
        return first.seed, slot.instruments, first.candidates, repr(first.condition)
    return first.seed, repr(first.condition), first.candidates, first.model_hash


def _with_edits(roots: Takes, edits: Sequence[Take]) -> Slot:
    """Replay the edits (oldest first): each follows the last version that holds its parent."""
    slot = Slot((roots,))
    together = ""
    for take in edits:
        if take.ensemble != roots[0].ensemble:
            continue
        holding = [at for at, takes in enumerate(slot.versions) if take.parent in {one.take_id for one in takes}]
        if not holding:
            continue
        act = f"{take.edit} {take.seed}"
        if take.edit.startswith("continue") and act == together:  # the next part of one act over all of them
            slot = Slot((*slot.versions[:-1], slot.with_part(take).takes), len(slot.versions) - 1)
        else:
            slot = replace(slot, at=holding[-1]).with_part(take)
        together = act
    return slot


def loops_of(slot: Slot, playing: Playing) -> list[Loop]:
    """Every part as it sounds."""
    return [play_take(take, playing).loop for take in slot.takes]


def slot_title(slot: Slot) -> str:
    """A take's or ensemble's name in the transport and the library."""
    genres = " / ".join(genre_name(code) for code in slot.first.condition.genre) or t("generate.any_genre")
    names = " + ".join(instrument_name(name) for name in slot.instruments)
    return t("generate.slot_title", name=slot_name(slot), instrument=names, genre=genres)


def slot_name(slot: Slot) -> str:
    """Its number in the list, in words."""
    return t("generate.ensemble_number" if slot.is_ensemble else "generate.take", number=slot.first.index + 1)


def play_slot(slot: Slot, playing: Playing, *, swap: bool = False) -> None:
    """Put it into the transport: a take as one sound, an ensemble as stems."""
    loops = loops_of(slot, playing)
    key = slot.key

    def title() -> str:
        return slot_title(slot)

    mode: transport.Mode = "swap" if swap else "start"
    if slot.is_ensemble:
        transport.play_together(list(zip(loops, slot.instruments, strict=True)), title=title, key=key, mode=mode)
    else:
        transport.play(loops[0], title=title, key=key, mode=mode)


def edit_text(before: Takes, after: Takes) -> str:
    """What was done between two versions, in the current language."""
    changed = [new for old, new in zip(before, after, strict=True) if old.take_id != new.take_id]
    act, _, value = changed[0].edit.partition(" ")
    words: Mapping[str, str] = {
        "bars": t("generate.did_bars", bars=value.replace(",", ", ")),
        "continue": t("generate.did_continue", bars=value),
        "vary": t("generate.did_vary", percent=f"{100 * float(value):.0f}" if act == "vary" else ""),
        "replace": t("generate.did_replace"),
    }
    if len(before) == 1 or len(changed) > 1:
        return words[act]
    return t("generate.did_in_part", part=instrument_name(changed[0].condition.instrument), what=words[act])
