# SPDX-License-Identifier: Apache-2.0
"""Work of which only so much is done at once."""

from __future__ import annotations

import threading
import time

import pytest

from imagebuild.engine.turns import Turns
from imagebuild.errors import Interrupted


def test_no_more_work_at_once_than_there_are_turns_and_in_the_order_it_came() -> None:
    turns, lock = Turns(2), threading.Lock()
    now, most, done = 0, 0, list[int]()

    def work(number: int) -> None:
        nonlocal now, most
        with turns.taken(lambda: False, lambda: None):
            with lock:
                now, most = now + 1, max(most, now + 1)
                done.append(number)
            time.sleep(0.02)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
        time.sleep(0.002)
    for thread in threads:
        thread.join(10)
    assert most == 2
    assert sorted(done) == list(range(10))
    assert done[:2] == [0, 1]


def test_one_that_waits_is_told_and_can_be_given_up_and_one_that_fails_gives_its_turn_back() -> None:
    turns, told = Turns(1), list[str]()
    with turns.taken(lambda: False, lambda: told.append("first")), pytest.raises(Interrupted), \
            turns.taken(lambda: True, lambda: told.append("second")):
        raise AssertionError
    assert told == ["second"]
    with pytest.raises(ZeroDivisionError), turns.taken(lambda: False, lambda: None):
        raise ZeroDivisionError
    with turns.taken(lambda: True, lambda: told.append("third")):
        assert told == ["second"]
