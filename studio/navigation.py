"""The pages of the studio and their addresses."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from studio.wording.text import t

PAGES = Path(__file__).resolve().parent.parent / "pages"
PAGE_NAMES = ("generate", "library", "label", "train")
"""In the order of the menu; the first opens first."""


def page(name: str) -> Page:
    """One page, titled in the current language."""
    return st.Page(PAGES / f"{name}.py", title=t(f"page.{name}"), url_path=name, default=name == PAGE_NAMES[0])


def all_pages() -> list[Page]:
    """Every page in the order of the menu."""
    return [page(name) for name in PAGE_NAMES if (PAGES / f"{name}.py").exists()]
