"""How measurements are written on screen."""

from __future__ import annotations

import pytest

from composer_core.metrics import METRICS
from studio import session
from studio.library.compare import differences
from studio.wording.names import DECIMALS, metric_value


def test_every_unit_has_its_decimals_and_no_other_is_named() -> None:
    assert set(DECIMALS) == {metric.unit for metric in METRICS.values()}


@pytest.mark.parametrize(
    ("code", "value", "shown"),
    [
        ("offbeat_rate", 0.5, "0.50"),
        ("microtiming_mean_ms", -12.345, "-12.3"),
        ("microtiming_mean_ms", -0.04, "0.0"),  # no minus before nothing
        ("period_bars", 2.0, "2"),
        ("velocity_mean", 101.26, "101.3"),
    ],
)
def test_a_value_has_the_decimals_of_its_unit(code: str, value: float, shown: str) -> None:
    assert metric_value(code, value) == shown


def test_two_loops_are_compared_in_even_decimals_the_most_different_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "chosen_language", lambda: "en")
    first = {"judged.total": 71.4, "metrics.offbeat_rate": 0.5, "metrics.velocity_mean": 90.0}
    second = {"judged.total": 80.0, "metrics.offbeat_rate": 0.25, "metrics.velocity_mean": 101.26}
    shown = differences(first, second, {"offbeat_rate": 0.5, "velocity_mean": 5.0}).values.tolist()
    # 11.26 of a spread of 5 is 2.3, 0.25 of 0.5 is 0.5
    assert [row[1:] for row in shown] == [
        ["71", "80", "", ""],
        ["90.0", "101.3", "velocity", "2.3"],
        ["0.50", "0.25", "share", "0.5"],
    ]
