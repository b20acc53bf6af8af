# SPDX-License-Identifier: Apache-2.0
"""The image config, read from what others wrote and written for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support import plain_images as images

from imagebuild.errors import FormatError
from imagebuild.oci import Config, Digest, HealthCheck, History, RunConfig

# Shaped as docker build on Windows writes one: fields of the engine, nulls, an order of its own.
BY_DOCKER = (
    b'{"architecture":"amd64","config":{"Hostname":"","Domainname":"","User":"ContainerUser","AttachStdin":false,'
    b'"ExposedPorts":{"80/tcp":{}},"Tty":false,"Env":null,"Cmd":["c:\\\\windows\\\\system32\\\\cmd.exe"],'
    b'"ArgsEscaped":true,"Healthcheck":{"Test":["CMD","x"],"Interval":1000000000,"Retries":3},"Image":"sha256:1",'
    b'"Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":[],"Labels":{"a":"b"},"Shell":["powershell"]},'
    b'"container":"abc","created":"2024-05-01T00:00:00Z","docker_version":"26.1","history":[{"created":'
    b'"2024-05-01T00:00:00Z","created_by":"Apply image 10.0.20348.2461"},{"created_by":"CMD","empty_layer":true,'
    b'"x":1}],'
    b'"os":"windows","os.version":"10.0.20348.2461","rootfs":{"type":"layers","diff_ids":['
    b'"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}')


@settings(max_examples=60)
@given(images.configs)
def test_a_config_survives_writing_and_reading(config: Config) -> None:
    assert Config.from_bytes(config.to_bytes()) == config


def test_a_config_read_and_not_edited_gives_the_same_bytes() -> None:
    assert Config.from_bytes(BY_DOCKER).to_bytes() == BY_DOCKER


def test_the_fields_of_dockers_config_are_found() -> None:
    config = Config.from_bytes(BY_DOCKER)
    assert (config.os, config.architecture, config.os_version) == ("windows", "amd64", "10.0.20348.2461")
    assert config.run.user == "ContainerUser"
    assert config.run.args_escaped is True
    assert config.run.exposed_ports == ("80/tcp",)
    assert (config.run.entrypoint, config.run.env) == (None, ())
    assert config.run.healthcheck == HealthCheck(("CMD", "x"), interval=10**9, retries=3)
    assert config.run.shell == ("powershell",)
    assert [step.empty_layer for step in config.history] == [False, True]
    assert config.diff_ids == (Digest.of(b""),)


def test_an_edit_drops_the_old_bytes_and_keeps_what_it_does_not_know() -> None:
    edited = replace(Config.from_bytes(BY_DOCKER), author="me")
    data = edited.to_bytes()
    assert b'"author":"me"' in data
    assert b'"docker_version":"26.1"' in data
    assert b'"container":"abc"' in data
    assert b'"Image":"sha256:1"' in data
    assert b'"x":1' in data
    assert Config.from_bytes(data) == edited


def test_args_escaped_is_written_only_when_true() -> None:
    assert b"ArgsEscaped" not in Config(run=RunConfig()).to_bytes()
    assert b'"ArgsEscaped":true' in Config(run=RunConfig(args_escaped=True)).to_bytes()


def test_an_empty_command_is_not_the_same_as_none() -> None:
    assert b"Cmd" not in Config().to_bytes()
    written = Config(run=RunConfig(cmd=())).to_bytes()
    assert b'"Cmd":[]' in written
    assert Config.from_bytes(written).run.cmd == ()


def test_a_canonical_config_has_gos_field_order() -> None:
    config = Config(os="windows", architecture="amd64", os_version="10.0.20348.1", os_features=("win32k",), created="c",
                    author="a", history=(History(created_by="x", empty_layer=True),))
    assert config.to_bytes() == (
        b'{"created":"c","author":"a","architecture":"amd64","os":"windows","os.version":"10.0.20348.1",'
        b'"os.features":["win32k"],"config":{},"rootfs":{"type":"layers","diff_ids":[]},'
        b'"history":[{"created_by":"x","empty_layer":true}]}')


def test_the_platform_is_the_configs_own() -> None:
    assert str(Config.from_bytes(BY_DOCKER).platform) == "windows(10.0.20348.2461)/amd64"


@pytest.mark.parametrize("data", [
    b"[]", b'{"os":1}', b'{"rootfs":{"type":"layers","diff_ids":["x"]}}', b'{"rootfs":{"type":"tree"}}',
    b'{"history":[1]}', b'{"config":{"Env":"A=1"}}', b'{"config":{"ArgsEscaped":"true"}}', b'{"config":[]}',
    b'{"config":{"Healthcheck":{"Interval":"1s"}}}',
])
def test_a_broken_config_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        Config.from_bytes(data)
