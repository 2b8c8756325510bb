"""Agreement of raters, worked out by hand, and its limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer_core.pipeline.labels.agreement import (
    alpha_with_interval,
    cohen_kappa,
    confusion,
    kappa_with_interval,
    krippendorff_alpha,
)


def of_two(*pairs: tuple[object, object]) -> list[dict[str, object]]:
    return [{"a": first, "b": second} for first, second in pairs]


FOUR = of_two((1, 1), (2, 2), (1, 2), (2, 2))


def test_nominal_alpha_by_hand() -> None:
    # Coincidences: 1-1 two, 2-2 four, 1-2 and 2-1 one each; totals 3 and 5 of 8.
    # Observed 2 / 8; expected 2 * 3 * 5 / (8 * 7) = 30 / 56. alpha = 1 - (2 / 8) / (30 / 56) = 1 - 14 / 30.
    assert krippendorff_alpha(FOUR) == pytest.approx(1 - 14 / 30)


def test_interval_alpha_by_hand() -> None:
    # (0, 0), (2, 2), (0, 1): totals 0: 3, 1: 1, 2: 2 of 6. Observed: 0-1 and 1-0 once each, 1 squared: 2.
    # Expected: [2 * 3 * 1 * 1 + 2 * 3 * 2 * 4 + 2 * 1 * 2 * 1] / 5 = (6 + 48 + 4) / 5 = 11.6. alpha = 1 - 2 / 11.6.
    assert krippendorff_alpha(of_two((0, 0), (2, 2), (0, 1)), "interval") == pytest.approx(1 - 2 / 11.6)


def test_ordinal_alpha_by_hand() -> None:
    # The same ratings: middles of the ranks at 1.5, 3.5 and 5, so distances are 2, 1.5 and 3.5, squared 4, 2.25, 12.25.
    # Observed 2 * 4 = 8. Expected: [2 * 3 * 1 * 4 + 2 * 3 * 2 * 12.25 + 2 * 1 * 2 * 2.25] / 5 = 180 / 5 = 36.
    assert krippendorff_alpha(of_two((0, 0), (2, 2), (0, 1)), "ordinal") == pytest.approx(1 - 8 / 36)


def test_one_unit_alone_says_nothing() -> None:
    assert kappa_with_interval(of_two((1, 2)), "a", "b").value is None
    assert alpha_with_interval(of_two((1, 2))).value is None


def test_units_with_one_rating_do_not_count() -> None:
    assert krippendorff_alpha([*FOUR, {"a": 1}, {}]) == krippendorff_alpha(FOUR)


def test_krippendorffs_own_example() -> None:
    # Content Analysis (2004), nominal data with missing ratings, four observers: alpha = 0.743.
    rows = {
        "a": "1 2 3 3 2 1 4 1 2 * * *",
        "b": "1 2 3 3 2 2 4 1 2 5 * 3",
        "c": "* 3 3 3 2 3 4 2 2 5 1 *",
        "d": "1 2 3 3 2 4 4 1 2 5 1 *",
    }
    columns = zip(*(row.split() for row in rows.values()), strict=True)
    units = [{k: int(v) for k, v in zip(rows, column, strict=True) if v != "*"} for column in columns]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha(units, "ordinal") == pytest.approx(0.815, abs=0.0005)
    assert krippendorff_alpha(units, "interval") == pytest.approx(0.849, abs=0.0005)


def test_kappa_by_hand() -> None:
    # Agreement 3 / 4; a says 1 twice and 2 twice, b 1 once and 2 thrice: chance (2 * 1 + 2 * 3) / 16 = 1 / 2.
    assert cohen_kappa(FOUR, "a", "b") == pytest.approx((0.75 - 0.5) / 0.5)
    assert confusion(FOUR, "a", "b") == {(1, 1): [0], (2, 2): [1, 3], (1, 2): [2]}


def test_nothing_to_compare_is_none() -> None:
    assert krippendorff_alpha([]) is None
    assert krippendorff_alpha(of_two((1, 1), (1, 1))) is None
    assert cohen_kappa([{"a": 1}], "a", "b") is None
    assert alpha_with_interval([]).value is None


def test_intervals_hold_the_value_and_are_the_same_each_time() -> None:
    ratings = FOUR * 10
    found = alpha_with_interval(ratings)
    assert found.low is not None and found.high is not None and found.value is not None
    assert found.low < found.value < found.high and found.n_units == 40
    assert found == alpha_with_interval(ratings)
    assert kappa_with_interval(ratings, "a", "b").value == cohen_kappa(FOUR, "a", "b")


@given(st.lists(st.integers(1, 5), min_size=2, max_size=20).filter(lambda values: len(set(values)) > 1))
def test_full_agreement_is_one_on_every_scale(values: list[int]) -> None:
    ratings = of_two(*((value, value) for value in values))
    for level in ("nominal", "ordinal", "interval"):
        assert krippendorff_alpha(ratings, level) == pytest.approx(1.0)
    assert cohen_kappa(ratings, "a", "b") == pytest.approx(1.0)
