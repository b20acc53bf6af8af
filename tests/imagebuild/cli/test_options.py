# SPDX-License-Identifier: Apache-2.0
"""Options that verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from support import images

from imagebuild.cli.options import (
    HostAddress,
    ImageName,
    ImageOrFile,
    format_option,
    platform_options,
    progress_option,
    publish_option,
    registry_options,
    settings_from,
    wanted_platform,
)
from imagebuild.errors import UsageError
from imagebuild.oci import Platform
from imagebuild.stores import LayoutStore


@click.command()
@click.argument("name", type=ImageName(), default="")
@registry_options
@platform_options
@progress_option
@format_option
@click.pass_context
def verb(ctx: click.Context, /, **options: Any) -> Any:
    """A verb with all of them."""
    return options, settings_from(ctx, **options)


def run(*args: str, **environment: str) -> Any:
    done = CliRunner(env={**environment}).invoke(verb, list(args), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value


def test_without_options_nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    options, settings = run()
    assert (options["progress"], options["as_json"], options["platform"], options["os_version"]) == \
        ("auto", False, None, None)
    assert not settings.offline and not settings.insecure and settings.store is None


def test_options_become_settings_and_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").touch()
    (tmp_path / "wcow.toml").write_text("offline = true\nair_gapped = true\nretries = 9\n")
    options, settings = run("--mirror", "a=b", "--ca", "ca.pem", "--insecure", "--no-offline", "--store", "s", "-q",
                            "--format", "json", WCOW_STORE="/elsewhere")
    assert options["progress"] == "quiet" and options["as_json"] is True
    assert (settings.mirrors, settings.ca_file, settings.store) == (("a=b",), "ca.pem", Path("s"))
    assert settings.insecure and not settings.offline and settings.air_gapped and settings.retries == 9


def test_a_ca_file_that_is_not_there_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"there is no file none\.pem"):
        run("--ca", "none.pem")


def test_a_wrong_mirror_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is not a mirror rule"):
        run("--mirror", "nonsense")


@pytest.mark.parametrize(("text", "version", "wanted"), [
    (None, None, Platform("windows", "amd64")), (None, "10.0.20348", Platform("windows", "amd64", "10.0.20348")),
    ("windows/arm64", None, Platform("windows", "arm64")),
    ("linux/arm/v7", None, Platform("linux", "arm", variant="v7")),
    ("windows(10.0.20348.1)/amd64", None, Platform("windows", "amd64", "10.0.20348.1")),
    ("windows", "10.0.1", Platform("windows", "amd64", "10.0.1"))])
def test_platforms_as_people_write_them(text: str | None, version: str | None, wanted: Platform) -> None:
    assert wanted_platform(text, version) == wanted


@pytest.mark.parametrize(("text", "version"), [
    ("Windows!", None), ("a/b/c/d", None), ("windows", "ltsc2022"), ("windows(1.2)/amd64", "1.3"), (None, "10..1")])
def test_what_is_no_platform_is_a_usage_error(text: str | None, version: str | None) -> None:
    with pytest.raises(UsageError):
        wanted_platform(text, version)


def test_image_names_and_paths_complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WCOW_STORE", str(tmp_path / "store"))
    assert complete("") == []
    images.sample(LayoutStore(tmp_path / "store", create=True))
    assert complete("ap") == ["app:1"] and complete("x") == []
    (tmp_path / "store.tar").touch()
    assert complete("oci:st") == ["oci:store/"]
    assert complete("oci-archive:st") == ["oci-archive:store/", "oci-archive:store.tar"]


def test_a_target_completes_images_and_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("imagebuild.cli.options.local_names", lambda settings: ["app:1"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "SYSTEM").touch()
    (tmp_path / "apart").mkdir()
    context = click.Context(click.Command("verb"))
    for text, expected in (("ap", ["app:1", "apart/"]), ("SY", ["SYSTEM"]), ("./S", ["./SYSTEM"]), ("x", [])):
        assert [item.value for item in ImageOrFile().shell_complete(context, click.Argument(["x"]), text)] == expected


def complete(text: str) -> list[str]:
    context = click.Context(verb)
    return [item.value for item in ImageName().shell_complete(context, verb.params[0], text)]


@click.command()
@publish_option()
def publishes(publish_address: str) -> str:
    """A verb that publishes ports."""
    return publish_address


def published(*args: str, **environment: str) -> Any:
    done = CliRunner(env=environment).invoke(publishes, list(args), standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.return_value


def test_ports_are_on_this_machine_only_unless_the_option_or_the_variable_says_so() -> None:
    assert published() == "127.0.0.1"
    assert published(WCOW_ENGINE_PUBLISH_ADDRESS="0.0.0.0") == "0.0.0.0"
    assert published("--publish-address", "127.0.0.2", WCOW_ENGINE_PUBLISH_ADDRESS="0.0.0.0") == "127.0.0.2"


@pytest.mark.parametrize("address", ["192.0.2.77", "::1", "localhost", "127.0.0.1:80", "224.0.0.1", "255.255.255.255"])
def test_an_address_that_nobody_here_can_listen_on_is_told_at_once(address: str) -> None:
    with pytest.raises(click.BadParameter, match="is no IPv4 address of this machine"):
        published("--publish-address", address)


def test_addresses_complete() -> None:
    context, option = click.Context(publishes), publishes.params[0]
    for text, expected in (("", ["127.0.0.1", "0.0.0.0"]), ("0", ["0.0.0.0"]), ("9", [])):
        assert [item.value for item in HostAddress().shell_complete(context, option, text)] == expected


def test_completion_never_shows_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wcow.toml").write_text("nonsense = 1")
    assert complete("a") == []
