# SPDX-License-Identifier: Apache-2.0
"""Where settings come from, which source wins, and how a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.cli.config import from_environment, load, settle
from imagebuild.errors import FormatError, InputError, NotFoundError, UsageError
from imagebuild.wiring import Settings

FULL = """
store = "images"
cache = "/var/cache/x"
ca_file = "corp.pem"
insecure = ["lab:5000"]
offline = false
air_gapped = true
retries = 3
docker_host = "tcp://127.0.0.1:2375"

[mirrors]
"mcr.microsoft.com" = "localhost:5000"
"docker.io" = ["one.example/hub", "two.example"]

[download]
"https://github.com/" = "downloads"
"""


def write(folder: Path, text: str, name: str = "wcow.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_every_key_of_a_file_arrives(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    settings = settle({}, {}, load(None, tmp_path).values)
    assert settings.store == tmp_path / "images" and settings.cache == Path("/var/cache/x")
    assert settings.ca_file == str(tmp_path / "corp.pem")
    assert settings.insecure_registries == ("lab:5000",) and not settings.insecure
    assert settings.air_gapped and not settings.offline and settings.retries == 3
    assert settings.mirrors == ("mcr.microsoft.com=localhost:5000", "docker.io=one.example/hub",
                                "docker.io=two.example")
    assert settings.downloads.resolve("https://github.com/a.zip") == tmp_path / "downloads" / "a.zip"
    assert settings.docker_host == "tcp://127.0.0.1:2375"
    assert load(str(path), Path("/")).path == path


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    assert settle({}, {}, {}) == Settings()


def test_the_nearest_file_above_is_taken_and_pyproject_counts_when_it_speaks_of_us(tmp_path: Path) -> None:
    write(tmp_path, "retries = 7")
    write(tmp_path / "a", "[project]\nname = 'x'\n", "pyproject.toml")
    assert load(None, tmp_path / "a" / "b").values == {"retries": 7}
    write(tmp_path / "a", "[tool.wcow]\nretries = 2\n", "pyproject.toml")
    assert load(None, tmp_path / "a" / "b").values == {"retries": 2}
    write(tmp_path / "a", "retries = 1")
    assert load(None, tmp_path / "a").values == {"retries": 1}


def test_a_broken_pyproject_of_somebody_else_is_none_of_our_business(tmp_path: Path) -> None:
    write(tmp_path / "a", "this is = = no TOML", "pyproject.toml")
    write(tmp_path, "retries = 7")
    assert load(None, tmp_path / "a").values == {"retries": 7}


@pytest.mark.parametrize(("text", "message"), [
    ("mirors = 1", "unknown key 'mirors'"), ("store = 3", "'store' must be a path"),
    ("offline = 1", "'offline' must be true or false"), ("retries = 0", "'retries' must be a number from 1"),
    ("retries = true", "'retries' must be"), ("insecure = 'x'", "'insecure' must be"),
    ("insecure = [1]", "'insecure' must be"), ("mirrors = ['x']", "'mirrors' must be a table"),
    ("[mirrors]\nx = 3", "'mirrors.x' must be"), ("[mirrors]\nx = 'a b'", "'mirrors': 'x=a b' is not a mirror rule"),
    ("[download]\nx = 'y'", "'download': cannot use the download map entry"), ("download = 1", "'download' must be"),
    ("ca_file = ''", "'ca_file' must be a path"), ("docker_host = 1", "'docker_host' must be a text")])
def test_a_wrong_key_is_told_with_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InputError) as caught:
        load(None, tmp_path)
    assert str(path) in caught.value.what and message in caught.value.what


def test_an_unknown_key_is_answered_with_the_one_that_was_meant(tmp_path: Path) -> None:
    write(tmp_path, "mirors = 1")
    with pytest.raises(InputError) as caught:
        load(None, tmp_path)
    assert caught.value.why == "did you mean 'mirrors'?"


def test_what_is_not_toml_or_not_there_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "x = ")
    with pytest.raises(FormatError, match="cannot read"):
        load(None, tmp_path)
    with pytest.raises(NotFoundError, match="there is no configuration file"):
        load(str(tmp_path / "none.toml"), tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"no table \[tool\.wcow\]"):
        load(str(write(tmp_path, "[project]\n", "pyproject.toml")), tmp_path)


def test_a_home_of_nobody_is_told(tmp_path: Path) -> None:
    write(tmp_path, 'store = "~no-such-user/x"\n')
    with pytest.raises(InputError, match="'store' must be a path"):
        load(None, tmp_path)


def test_the_environment_gives_settings() -> None:
    values = from_environment({"WCOW_STORE": "/s", "WCOW_CACHE": "/c", "WCOW_CA_FILE": "ca.pem", "WCOW_OFFLINE": "Yes",
                               "WCOW_AIR_GAPPED": "0", "WCOW_INSECURE": "lab:5000, other", "WCOW_RETRIES": "2",
                               "WCOW_MIRRORS": "a=b:1,c=d e=f"})
    assert values == {"store": Path("/s"), "cache": Path("/c"), "ca_file": "ca.pem", "offline": True,
                      "air_gapped": False, "insecure_registries": ("lab:5000", "other"), "retries": 2,
                      "mirrors": ("a=b:1", "c=d", "e=f")}
    assert from_environment({"WCOW_INSECURE": "true"}) == {"insecure": True}
    assert from_environment({"WCOW_INSECURE": "0"}) == {"insecure": False}
    assert from_environment({}) == {}


@pytest.mark.parametrize("name", ["WCOW_OFFLINE", "WCOW_AIR_GAPPED", "WCOW_RETRIES", "WCOW_MIRRORS"])
def test_a_wrong_variable_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        from_environment({name: "perhaps"})


def test_the_command_line_wins_over_the_environment_over_the_file() -> None:
    file, environment = {"retries": 1, "offline": True, "ca_file": "f"}, {"retries": 2, "offline": False}
    settings = settle({"retries": 3}, environment, file)
    assert (settings.retries, settings.offline, settings.ca_file) == (3, False, "f")


def test_a_mirror_rule_replaces_those_for_the_same_name_and_keeps_the_others() -> None:
    settings = settle({"mirrors": ("a=1", "a=2")}, {"mirrors": ("b=3",)}, {"mirrors": ("a=4", "b=5", "c=6")})
    assert settings.mirrors == ("a=1", "a=2", "b=3", "c=6")
