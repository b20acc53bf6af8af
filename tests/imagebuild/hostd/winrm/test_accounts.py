# SPDX-License-Identifier: Apache-2.0
"""Who may log in, by which names, and how guessing ends."""

from __future__ import annotations

import socket

import pytest

from imagebuild.hostd.winrm import Account, Accounts
from imagebuild.hostd.winrm.accounts import TRIES, WINDOW


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> Accounts:
    return Accounts("WIN", (Account("Administrator", "pass:word1"),), clock)


@pytest.mark.parametrize("name", ["Administrator", "administrator", ".\\Administrator", "WIN\\administrator",
                                  "administrator@win", "localhost\\Administrator"])
def test_an_account_has_several_names(accounts: Accounts, name: str) -> None:
    found = accounts.check(name, "pass:word1")
    assert found is not None and found.name == "Administrator"


@pytest.mark.parametrize("name", ["", "Admin", "OTHER\\Administrator", "Administrator@example.org", "Administrator\\"])
def test_others_are_strangers(accounts: Accounts, name: str) -> None:
    assert accounts.check(name, "pass:word1") is None


def test_guessing_locks_the_account_for_ten_minutes(accounts: Accounts, clock: Clock) -> None:
    for _ in range(TRIES):
        assert accounts.check("Administrator", "wrong") is None
    assert accounts.check("Administrator", "pass:word1") is None, "locked, though it is right"
    clock.now = WINDOW + 1
    assert accounts.check("Administrator", "pass:word1") is not None


def test_a_right_password_forgets_the_wrong_ones(accounts: Accounts) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            accounts.check("Administrator", "wrong")
        assert accounts.check("Administrator", "pass:word1") is not None


def test_names_of_no_account_are_not_kept(accounts: Accounts) -> None:
    for number in range(100):
        accounts.check(f"user{number}", "x")
    assert not accounts._wrong


def test_a_password_is_never_shown(accounts: Accounts) -> None:
    assert "pass:word1" not in repr(accounts) and "pass:word1" not in accounts.ntlm_lines()


def test_the_name_in_the_ntlm_challenge_is_a_domain_of_the_accounts(accounts: Accounts) -> None:
    name = f"{socket.gethostname().upper()}\\Administrator"
    assert accounts.find(name) is not None
    assert f"\n{name}:" in accounts.ntlm_lines()
