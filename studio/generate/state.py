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
    """The takes and ensembles that are listed on the Generate page."""
    return cast("list[Slot]", st.session_state.get(SLOTS, []))


def set_slots(shown: list[Slot]) -> None:
    """Replace the takes listed on the Generate page; the open one stays open if it is still among them."""
    st.session_state[SLOTS] = shown
    if chosen_slot() not in {slot.key for slot in shown}:
        choose_slot(shown[0].key if shown else "")


def chosen_slot() -> str:
    """The key of the take or ensemble that is open below the list, "" for none."""
    return str(st.session_state.get(CHOSEN_SLOT, ""))


def choose_slot(key: str) -> None:
    """Open another take or ensemble."""
    st.session_state[CHOSEN_SLOT] = key


def note_slider(moved: bool = True) -> None:
    """Note that a performance slider moved, or (False) that the sound has followed it."""
    st.session_state[SLIDER_MOVED] = moved


def slider_moved() -> bool:
    """True while the sound has not yet followed a performance slider."""
    return bool(st.session_state.get(SLIDER_MOVED))


def sampling() -> SamplingRequest | None:
    """The request whose takes are being made, None when no takes are."""
    return cast("SamplingRequest | None", st.session_state.get(SAMPLING))


def set_sampling(request: SamplingRequest | None) -> None:
    """Start making the takes of a request with the next run of the page; None stops it."""
    st.session_state[SAMPLING] = request


def address() -> str:
    """The key of the take that was last written into the page's address, "" for none."""
    return str(st.session_state.get(ADDRESS, ""))


def set_address(key: str) -> None:
    """Note the take that was written into the page's address."""
    st.session_state[ADDRESS] = key


def address_read() -> bool:
    """True once this session has read the page's address."""
    return bool(st.session_state.get(ADDRESS_READ))


def set_address_read() -> None:
    """Note that this session has read the page's address."""
    st.session_state[ADDRESS_READ] = True
