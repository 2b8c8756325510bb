"""The predecessor's six meanings of "swing", told apart by the column they stand in, never by the value."""

from __future__ import annotations

from typing import Any

GAP_RATIO, FRACTION, AMOUNT, PERCENT, ODD_SHARE, HINT = (
    "gap_ratio",
    "fraction",
    "amount",
    "percent",
    "odd_share",
    "hint",
)
SWING_COLUMNS = {
    "metrics.swing_ratio": GAP_RATIO,
    "swing_ratio": GAP_RATIO,
    "swing_fraction": FRACTION,
    "swing": AMOUNT,
    "swing_amount": AMOUNT,
    "swing_percent": PERCENT,
    "swing_pct": PERCENT,
    "odd_sixteenth_share": ODD_SHARE,
    "metrics.swing_confidence": ODD_SHARE,
    "swing_hint": HINT,
}
_TRIPLET_FRACTION = 2 / 3


def swing_ratio_of(column: str, value: Any) -> float | None:
    """Long to short (1.0 straight, 2.0 triplet) of a value in a column, None where it cannot be one.

    gap_ratio r is taken as it is; fraction f (0.5 to 0.67) is f / (1 - f); amount a (0 to 1) is the
    fraction 0.5 + a (2/3 - 0.5); percent p (50 to 75) the fraction p / 100. A share of odd
    sixteenths and a hint by genre say how often or how likely, not how far.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    meaning = SWING_COLUMNS.get(column)
    if meaning == GAP_RATIO:
        return float(value) if value > 0 else None
    fraction = {FRACTION: value, AMOUNT: 0.5 + value * (_TRIPLET_FRACTION - 0.5), PERCENT: value / 100}.get(
        meaning or ""
    )
    if fraction is None or not 0.4 <= fraction <= 0.8 or (meaning == AMOUNT and not 0 <= value <= 1):
        return None
    return round(fraction / (1 - fraction), 6)
