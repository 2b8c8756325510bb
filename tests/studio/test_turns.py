"""Sessions that make takes are served in turn, and each is told how many are before it."""

from __future__ import annotations

import threading
import time

import pytest

from studio.turns import FORGOTTEN_SEC, Turns


def test_who_comes_first_is_served_first() -> None:
    turns = Turns(lambda: 0.0)
    assert [turns.place(name) for name in "abc"] == [0, 1, 2]
    assert [turns.place(name) for name in "cba"] == [2, 1, 0]
    turns.leave("a")
    assert [turns.place(name) for name in "bc"] == [0, 1]
    assert turns.place("a") == 2  # whoever comes again stands at the end


def test_nobody_is_told_to_wait_where_nobody_is_before() -> None:
    told: list[int] = []
    with Turns().turn("a", told.append):
        pass
    assert told == []


def test_the_one_that_is_served_counts_among_those_before() -> None:
    turns = Turns(lambda: 0.0)
    with turns.turn("a", lambda _: None):
        assert [turns.place("b"), turns.place("c")] == [1, 2]
    assert [turns.place("b"), turns.place("c")] == [0, 1]


def test_a_click_while_waiting_keeps_the_place_and_a_lost_session_loses_it() -> None:
    now = [0.0]
    turns = Turns(lambda: now[0])

    def click(_: int) -> None:
        raise KeyboardInterrupt

    with turns.turn("a", lambda _: None):
        with pytest.raises(KeyboardInterrupt), turns.turn("b", click):
            raise AssertionError("b was served beside a")
        assert turns.place("c") == 2
        now[0] += FORGOTTEN_SEC / 2
        assert turns.place("c") == 2
        now[0] += FORGOTTEN_SEC / 2
        assert turns.place("c") == 1  # b has not asked for so long


def test_a_turn_that_fails_lets_the_next_one_in() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="broken"), turns.turn("a", lambda _: None):
        raise ValueError("broken")
    assert turns.place("b") == 0


def test_only_one_is_served_at_a_time_and_all_are() -> None:
    turns, inside, most, served = Turns(), [0], [0], list[str]()
    told: dict[str, list[int]] = {name: [] for name in "abcdef"}

    def serve(name: str) -> None:
        with turns.turn(name, told[name].append):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            served.append(name)
            inside[0] -= 1

    with turns.turn("first", lambda _: None):
        threads = [threading.Thread(target=serve, args=(name,)) for name in told]
        for thread in threads:
            thread.start()
        while not all(told.values()):
            time.sleep(0.01)
        assert sorted(places[0] for places in told.values()) == [1, 2, 3, 4, 5, 6]
    for thread in threads:
        thread.join()
    assert (most[0], sorted(served)) == (1, list(told))
    assert all(places == sorted(places, reverse=True) for places in told.values())
