# SPDX-License-Identifier: Apache-2.0
"""Docker's config.json and credential helpers."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import FormatError, ToolError
from imagebuild.stores import DockerConfig, FixedCredentials, Login, NoCredentials
from imagebuild.stores.credentials import default_path

SECRET = "hunter22-and-more"


def auth(user: str = "me", password: str = SECRET) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


class Helper:
    """A credential helper that keeps logins in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, ...]] = []
        self.fail = 0

    def __call__(self, arguments: Sequence[str], body: bytes) -> subprocess.CompletedProcess[bytes]:
        self.calls.append(tuple(arguments))
        if self.fail:
            return subprocess.CompletedProcess(arguments, self.fail, SECRET.encode(), b"")
        verb, text = arguments[1], body.decode()
        if verb == "store":
            login = json.loads(text)
            self.kept[login["ServerURL"]] = login
        elif verb == "erase":
            self.kept.pop(text)
        elif text in self.kept:
            return subprocess.CompletedProcess(arguments, 0, json.dumps(self.kept[text]).encode(), b"")
        else:
            return subprocess.CompletedProcess(arguments, 1, b"credentials not found in native keychain\n", b"")
        return subprocess.CompletedProcess(arguments, 0, b"", b"")


def config(path: Path, content: Any, *, run: Any = None) -> DockerConfig:
    (path / "config.json").write_text(json.dumps(content))
    return DockerConfig(path / "config.json", run=run)


@pytest.mark.parametrize("key", ["example.com:5000", "https://example.com:5000", "https://example.com:5000/v1/",
                                 "http://example.com:5000/v2"])
def test_a_login_is_found_under_old_and_new_keys(tmp_path: Path, key: str) -> None:
    found = config(tmp_path, {"auths": {key: {"auth": auth()}}}).login_for("example.com:5000")
    assert found == Login("me", SECRET)


def test_docker_hub_has_a_key_of_its_own(tmp_path: Path) -> None:
    found = config(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": auth()}}})
    assert found.login_for("docker.io") == Login("me", SECRET)
    assert found.login_for("example.com") is None


def test_other_forms_of_a_login(tmp_path: Path) -> None:
    made = config(tmp_path, {"auths": {
        "plain": {"username": "me", "password": SECRET}, "token": {"auth": auth("me", ""), "identitytoken": "tok"},
        "colon": {"auth": auth("me", "a:b")}, "empty": {}}})
    assert made.login_for("plain") == Login("me", SECRET)
    assert made.login_for("token") == Login("me", "", "tok")
    assert made.login_for("colon") == Login("me", "a:b")
    assert made.login_for("empty") is None


def test_no_file_means_no_login(tmp_path: Path) -> None:
    assert DockerConfig(tmp_path / "none" / "config.json").login_for("x") is None
    (tmp_path / "config.json").write_text("")
    assert DockerConfig(tmp_path / "config.json").login_for("x") is None


@pytest.mark.parametrize("text", ["{", "[]", '{"auths":{"x":{"auth":"***"}}}', "[" * 100_000])
def test_a_broken_file_is_an_error_that_does_not_quote_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FormatError) as caught:
        DockerConfig(tmp_path / "config.json").login_for("x")
    assert "***" not in str(caught.value)


def test_the_environment_says_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert default_path() == tmp_path / "config.json"
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".docker" / "config.json"


def test_a_login_is_written_for_the_owner_only_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    made = config(tmp_path, {"auths": {"https://example.com": {"auth": "old"}}, "proxies": {"x": 1}})
    (tmp_path / "config.json").chmod(0o644)
    assert made.save("example.com", Login("me", SECRET)) == str(tmp_path / "config.json")
    assert (tmp_path / "config.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "config.json").read_text()) == {
        "auths": {"example.com": {"auth": auth()}}, "proxies": {"x": 1}}
    assert made.login_for("example.com") == Login("me", SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_new_folder_is_the_owners_only(tmp_path: Path) -> None:
    DockerConfig(tmp_path / "new" / "config.json").save("docker.io", Login("me", identity_token="tok"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert DockerConfig(tmp_path / "new" / "config.json").login_for("docker.io") == Login("me", "", "tok")


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "config.json").symlink_to(tmp_path / "real" / "config.json")
    DockerConfig(tmp_path / "config.json").save("x", Login("me", SECRET))
    assert (tmp_path / "config.json").is_symlink()
    assert "auths" in json.loads((tmp_path / "real" / "config.json").read_text())


def test_a_login_is_forgotten(tmp_path: Path) -> None:
    made = config(tmp_path, {"auths": {"https://example.com/v1/": {"auth": auth()}, "other": {"auth": auth()}}})
    assert made.erase("example.com") is True
    assert made.erase("example.com") is False
    assert made.login_for("other") is not None


@pytest.mark.parametrize("settings", [{"credsStore": "test"}, {"credHelpers": {"example.com": "test"}},
                                      {"credsStore": "wrong", "credHelpers": {"example.com": "test"}}])
def test_a_helper_keeps_the_login_and_the_file_does_not(tmp_path: Path, settings: dict[str, Any]) -> None:
    helper = Helper()
    made = config(tmp_path, settings, run=helper)
    assert made.login_for("example.com") is None
    assert made.save("example.com", Login("me", SECRET)) == "docker-credential-test"
    assert SECRET not in (tmp_path / "config.json").read_text()
    assert made.login_for("example.com") == Login("me", SECRET)
    assert made.erase("example.com") is True
    assert made.login_for("example.com") is None
    assert {call[0] for call in helper.calls} == {"docker-credential-test"}


def test_a_helper_for_another_registry_is_not_asked(tmp_path: Path) -> None:
    helper = Helper()
    made = config(tmp_path, {"credHelpers": {"other": "test"}, "auths": {"example.com": {"auth": auth()}}}, run=helper)
    assert made.login_for("example.com") == Login("me", SECRET)
    assert helper.calls == []


def test_a_helper_gives_identity_tokens_too(tmp_path: Path) -> None:
    helper = Helper()
    made = config(tmp_path, {"credsStore": "test"}, run=helper)
    made.save("example.com", Login(identity_token="tok"))
    assert helper.kept["example.com"]["Username"] == "<token>"
    assert made.login_for("example.com") == Login(identity_token="tok")


def test_a_helper_that_fails_is_named_and_what_it_printed_is_not_shown(tmp_path: Path) -> None:
    helper = Helper()
    helper.fail = 3
    with pytest.raises(ToolError) as caught:
        config(tmp_path, {"credsStore": "test"}, run=helper).login_for("x")
    assert "docker-credential-test" in str(caught.value)
    assert "exit code 3" in caught.value.why
    assert SECRET not in "".join(caught.value.lines())


@pytest.mark.parametrize("name", ["missing-for-sure", "../../bin/sh", "a b"])
def test_a_helper_that_is_no_program_is_a_tool_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolError):
        config(tmp_path, {"credsStore": name}).login_for("x")


def test_a_real_helper_is_run_with_its_verb_and_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker-credential-real"
    program.write_text('#!/bin/sh\n[ "$1" = get ] && printf \'{"Username":"me","Secret":"%s"}\' "$(cat)"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert config(tmp_path, {"credsStore": "real"}).login_for("example.com") == Login("me", "example.com")


def test_a_helpers_odd_answer_is_a_tool_error(tmp_path: Path) -> None:
    def run(arguments: Sequence[str], body: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(arguments, 0, b"[1]", b"")

    with pytest.raises(ToolError):
        config(tmp_path, {"credsStore": "test"}, run=run).login_for("x")


def test_a_login_never_shows_its_secrets() -> None:
    shown = repr(Login("me", SECRET, "tok-of-mine"))
    assert SECRET not in shown
    assert "tok-of-mine" not in shown
    assert "me" in shown


def test_the_simple_credentials() -> None:
    assert NoCredentials().login_for("x") is None
    fixed = FixedCredentials.of("x", Login("a", "b"))
    assert (fixed.login_for("x"), fixed.login_for("y")) == (Login("a", "b"), None)
