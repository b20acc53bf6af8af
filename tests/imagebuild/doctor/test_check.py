# SPDX-License-Identifier: Apache-2.0
"""Answers and the questions they belong to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.machines import HOME, MACHINES, SERVER_2022, WINDOWS_11, changed

from imagebuild.doctor import check
from imagebuild.windows.facts.machine import MachineFacts


@given(MACHINES)
def test_every_machine_can_be_asked_what_all_checks_ask(facts: MachineFacts) -> None:
    assert check.on_windows(facts) in (True, False)
    assert check.needs_hyperv(facts) in (True, False)
    version = facts.host.version
    assert check.build_of(facts) == (version.build if version else None)


@given(st.integers(0, 99999), st.integers(0, 99999), st.integers(0, 99999), st.sampled_from(["", "-rd", "+azure",
                                                                                             ".4"]))
def test_a_version_is_read_as_numbers(major: int, minor: int, patch: int, tail: str) -> None:
    assert check.numbers(f"{major}.{minor}.{patch}{tail}") == (major, minor, patch)
    assert check.numbers(f"v{major}.{minor}") == (major, minor, 0)


@pytest.mark.parametrize("text", ["", "master", "29", "dev-29.0", "\N{ARABIC-INDIC DIGIT TWO}.0"])
def test_what_is_no_version_is_not_known(text: str) -> None:
    assert check.numbers(text) is None


@pytest.mark.parametrize(("facts", "changes", "needed"), [
    (WINDOWS_11, {}, True), (WINDOWS_11, {"host.engine.isolation": "process"}, False), (HOME, {}, True),
    (SERVER_2022, {}, False), (SERVER_2022, {"host.engine.isolation": "hyperv"}, True),
    (SERVER_2022, {"host.engine": None}, False),
])
def test_clients_need_hyperv_unless_told_otherwise(facts: MachineFacts, changes: dict[str, object],
                                                   needed: bool) -> None:
    assert check.needs_hyperv(changed(facts, changes)) is needed


def test_a_question_gives_its_sources_to_its_answers_and_may_have_none() -> None:
    asked = check.question("x", "X", "About x.", "one", "two")(lambda facts: check.failed("f", "w", "r"))
    assert asked.ask(MachineFacts()) == check.Check("x", "X", "fail", "f", "w", "r", ("one", "two"))
    assert check.question("x", "X", "About x.")(lambda facts: None).ask(MachineFacts()) is None


def test_sizes_are_read_in_gib() -> None:
    assert check.gib(3 << 29) == "1.5 GiB"
