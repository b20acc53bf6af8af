# SPDX-License-Identifier: Apache-2.0
"""Logging in and out."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs
from support.registry_double import Auth, RegistryDouble

from imagebuild.errors import AuthError, UsageError
from imagebuild.stores import DockerConfig, Login, login, logout


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_a_login_is_tried_and_kept(tmp_path: Path, kind: str) -> None:
    config = DockerConfig(tmp_path / "config.json")
    with RegistryDouble(auth=Auth(kind)) as double:
        assert login(double.host, "user", "a secret word", config=config) == str(config.path)
        assert config.login_for(double.host) == Login("user", "a secret word")
        assert logout(double.host, config=config) is True
        assert logout(double.host, config=config) is False
        assert config.login_for(double.host) is None


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_a_login_that_is_refused_is_not_kept(tmp_path: Path, kind: str) -> None:
    config = DockerConfig(tmp_path / "config.json")
    with RegistryDouble(auth=Auth(kind)) as double, pytest.raises(AuthError) as caught:
        login(double.host, "user", "wrong word", config=config)
    assert not config.path.exists()
    assert "wrong word" not in "".join(caught.value.lines())


@pytest.mark.parametrize(("host", "user", "password"), [("x/y", "u", "p"), ("x", "", "p"), ("x", "u", ""),
                                                        ("x", "a:b", "p")])
def test_half_a_login_is_a_usage_error(tmp_path: Path, host: str, user: str, password: str) -> None:
    with pytest.raises(UsageError):
        login(host, user, password, config=DockerConfig(tmp_path / "config.json"))


def test_skopeo_uses_a_login_we_keep(tmp_path: Path, private_registry: programs.Registry) -> None:
    with programs.skipping():
        skopeo = programs.find("skopeo")
    config = DockerConfig(tmp_path / "config.json")
    login(private_registry.host, private_registry.user, private_registry.password, config=config)
    done = programs.run(skopeo, "list-tags", "--tls-verify=false", "--authfile", config.path,
                        f"docker://{private_registry.host}/nothing", ok=False)
    assert "unauthorized" not in done.stderr.lower()
    assert "repository name not known" in done.stderr
