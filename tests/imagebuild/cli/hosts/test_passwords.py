# SPDX-License-Identifier: Apache-2.0
"""Where the password of a host comes from."""

from __future__ import annotations

import getpass
import sys
from types import SimpleNamespace

import pytest

from imagebuild.cli.hosts.passwords import PASSWORD, password_of
from imagebuild.errors import UsageError
from imagebuild.host import HostAddress

ADDRESS = HostAddress("winrm", "build1", 5986, "me")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A keyring, empty to begin with, and no password in the environment."""
    found: dict[tuple[str, str], str] = {}
    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=lambda *key: found.get(key)))
    return found


def test_the_environment_comes_first_then_the_keyring(kept: dict[tuple[str, str], str],
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    kept["wcow", "me@build1"] = "kept"
    assert password_of(ADDRESS) == "kept"
    monkeypatch.setenv(PASSWORD, "given")
    assert password_of(ADDRESS) == "given"


def test_a_keyring_that_fails_has_no_password(kept: dict[tuple[str, str], str],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: str) -> str:
        raise RuntimeError("it is locked")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f"typed at {prompt!r}")
    assert password_of(ADDRESS) == "typed at 'Password of winrm://me@build1: '"


def test_without_a_terminal_it_is_said_where_a_password_can_be_put(kept: dict[tuple[str, str], str],
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(UsageError, match="needs a password") as caught:
        password_of(ADDRESS)
    assert all(word in (caught.value.hint or "") for word in ("--password-stdin", PASSWORD, "me@build1"))
