"""What a page may offer to whoever looks at it. The pipeline refuses the same acts by the same table."""

from __future__ import annotations

from composer_core.pipeline.access import rights
from studio.wording.text import t

may = rights.may
"""Whether an act belongs to whoever looks at the page."""


def why_not(act: str) -> str | None:
    """Why an act is not offered, in the current language; None where it is. It suits the `help` of a control."""
    return None if may(act) else t("access.needs", role=t(f"access.{rights.needed_role(act)}"))
