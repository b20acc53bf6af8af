# SPDX-License-Identifier: Apache-2.0
"""``wcow login`` and ``logout``, against a real registry that wants a password."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from support import programs

if TYPE_CHECKING:
    from support.home import Home


def test_login_keeps_what_the_registry_takes_and_logout_forgets_it(
        home: Home, app: str, private_registry: programs.Registry) -> None:
    host = private_registry.host
    name = f"{host}/account/app:1"
    refused = home.wcow("push", "app:1", name, code=3)
    assert refused.err.startswith(f"error: cannot push app:1 to {name}\n") and f"wcow login {host}" in refused.err
    done = home.wcow("login", "-u", programs.USER, "--password-stdin", host, stdin=programs.PASSWORD.encode() + b"\n")
    assert done.out == "" and f"logged in to {host}" in done.err and programs.PASSWORD not in done.err
    config = home.folder / "docker" / "config.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert home.wcow("push", "app:1", name).out == f"{app}\n"
    assert home.wcow("logout", host).err == f"forgot the credentials for {host}\n"
    assert home.wcow("logout", host).err == f"there were no credentials for {host}\n"
    home.wcow("push", "app:1", name, code=3)


def test_a_wrong_password_is_not_kept_and_not_shown(home: Home, private_registry: programs.Registry) -> None:
    done = home.wcow("login", "-u", programs.USER, "--password-stdin", private_registry.host, stdin=b"not-this-one",
                     code=3)
    assert "check the user name and the password" in done.err and "not-this-one" not in done.err
    assert not (home.folder / "docker" / "config.json").exists()


def test_without_a_terminal_nobody_is_asked(home: Home) -> None:
    done = home.wcow("login", "registry.example", code=2)
    assert "standard input is no terminal" in done.err
    assert "needs --username" in home.wcow("login", "--password-stdin", "registry.example", code=2).err


def test_credentials_in_an_address_are_not_repeated(home: Home) -> None:
    for verb in (["login", "https://me:s3cret@host.example"], ["logout", "https://me:s3cret@host.example"],
                 ["pull", "--mirror", "a.example=http://me:s3cret@host.example", "a.example/b"]):
        assert "s3cret" not in home.wcow(*verb, code=2).err
