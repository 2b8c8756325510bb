"""The session state of the Generate page, typed. Like session.py, only this module knows its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import streamlit as st

if TYPE_CHECKING:
    from studio.generate.request import SamplingRequest
    from studio.generate.slots import Slot

SLOTS = "studio.slots"
CHOSEN_SLOT = "studio.chosen_slot"
SLIDER_MOVED = "studio.slider_moved"
SAMPLING = "studio.sampling"
ADDRESS = "studio.generate.address"
ADDRESS_READ = "studio.generate.address_read"


def slots() -> list[Slot]:
    """The takes and ensembles that stand on the Generate page."""
    return cast("list[Slot]", st.session_state.get(SLOTS, []))


def set_slots(shown: list[Slot]) -> None:
    """Put other takes on the Generate page; the one that is open stays so where it is still there."""
    st.session_state[SLOTS] = shown
    if chosen_slot() not in {slot.key for slot in shown}:
        choose_slot(shown[0].key if shown else "")


def chosen_slot() -> str:
    """Key of the take or ensemble that is open below the others, "" for none."""
    return str(st.session_state.get(CHOSEN_SLOT, ""))


def choose_slot(key: str) -> None:
    """Open another take or ensemble."""
    st.session_state[CHOSEN_SLOT] = key


def note_slider(moved: bool = True) -> None:
    """Note that a performance slider moved, or that what sounds has followed it."""
    st.session_state[SLIDER_MOVED] = moved


def slider_moved() -> bool:
    """True while what sounds has not followed a performance slider yet."""
    return bool(st.session_state.get(SLIDER_MOVED))


def sampling() -> SamplingRequest | None:
    """The request whose takes are being made, None when nothing is."""
    return cast("SamplingRequest | None", st.session_state.get(SAMPLING))


def set_sampling(request: SamplingRequest | None) -> None:
    """Let the takes of a request be made from the next drawing on; None ends that."""
    st.session_state[SAMPLING] = request


def address() -> str:
    """Key of the take that the page's address was last made to name, "" for none."""
    return str(st.session_state.get(ADDRESS, ""))


def set_address(key: str) -> None:
    """Note what the page's address names."""
    st.session_state[ADDRESS] = key


def address_read() -> bool:
    """True once this session has read the page's address."""
    return bool(st.session_state.get(ADDRESS_READ))


def set_address_read() -> None:
    """The page's address has been read."""
    st.session_state[ADDRESS_READ] = True
