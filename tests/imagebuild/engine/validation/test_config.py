# SPDX-License-Identifier: Apache-2.0
"""The rules that every engine has, as they come out on Windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imagebuild.dockerapi import faults, shapes
from imagebuild.dockerapi.versions import api_version
from imagebuild.engine.validation.config import (
    check_command,
    check_config,
    check_host_config,
    check_logging,
    check_signal,
    check_storage,
)


def refused(function: Callable[..., object], *arguments: Any) -> tuple[int, str]:
    with pytest.raises(faults.Fault) as caught:
        function(*arguments)
    return caught.value.status, caught.value.message


def config(version: str = "1.45", **settings: Any) -> shapes.Config:
    return check_config(shapes.Config(**settings), api_version(version))


def bad_config(**settings: Any) -> tuple[int, str]:
    return refused(lambda: config(**settings))


def bad_host(**settings: Any) -> tuple[int, str]:
    return refused(check_host_config, shapes.HostConfig(**settings))


def test_a_working_directory_has_to_be_absolute() -> None:
    for text in ("data", "C:data", "C:", "."):
        assert bad_config(working_dir=text) == (
            400, f"the working directory '{text}' is invalid, it needs to be an absolute path")


def test_a_working_directory_is_written_as_windows_writes_it() -> None:
    assert config(working_dir="C:/a/../b/").working_dir == "C:\\b"
    assert config(working_dir="/app").working_dir == "\\app"
    assert config(working_dir="c:\\").working_dir == "c:\\"
    assert config(working_dir="//server/share").working_dir == "\\\\server\\share"


def test_a_stop_signal_that_does_not_exist_is_refused() -> None:
    assert bad_config(stop_signal="SIGNONE") == (400, "invalid signal: SIGNONE")
    assert refused(check_signal, "0") == (400, "invalid signal: 0")
    assert [check_signal(text) for text in ("SIGTERM", "kill", "9", "int")] == [15, 9, 9, 2]


def test_a_variable_without_a_name_is_refused() -> None:
    assert bad_config(env=("A=1", "=C:=C:\\")) == (400, "invalid environment variable: =C:=C:\\")
    assert bad_config(env=("",)) == (400, "invalid environment variable: ")
    assert config(env=("A", "A=")).env == ("A", "A=")


@pytest.mark.parametrize(("field", "name"), [("interval", "Interval"), ("timeout", "Timeout"),
                                             ("start_period", "StartPeriod"), ("start_interval", "StartInterval")])
def test_times_of_a_health_check_are_at_least_a_millisecond(field: str, name: str) -> None:
    assert bad_config(healthcheck=shapes.Healthcheck(**{field: 999_999})) == (
        400, f"{name} in Healthcheck cannot be less than 1ms")
    config(healthcheck=shapes.Healthcheck(**{field: 1_000_000}))


def test_retries_of_a_health_check_are_not_negative() -> None:
    assert bad_config(healthcheck=shapes.Healthcheck(retries=-1)) == (
        400, "Retries in Healthcheck cannot be negative")


def test_the_start_interval_of_an_old_client_is_forgotten() -> None:
    check = shapes.Healthcheck(start_interval=1)
    assert config("1.43", healthcheck=check).healthcheck == shapes.Healthcheck()


def test_a_container_that_removes_itself_cannot_be_restarted() -> None:
    assert bad_host(auto_remove=True, restart_policy=shapes.RestartPolicy(name="always")) == (
        400, "can't create 'AutoRemove' container with restart policy")
    check_host_config(shapes.HostConfig(auto_remove=True, restart_policy=shapes.RestartPolicy(name="no")))


def test_a_restart_policy_is_one_of_four() -> None:
    assert bad_host(restart_policy=shapes.RestartPolicy(name="sometimes")) == (
        400, "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or "
             "'unless-stopped'")


def test_retries_go_with_on_failure_only() -> None:
    policy = shapes.RestartPolicy
    text = "invalid restart policy: maximum retry count can only be used with 'on-failure'"
    assert bad_host(restart_policy=policy(name="always", maximum_retry_count=1)) == (400, text)
    assert bad_host(restart_policy=policy(name="no", maximum_retry_count=-1)) == (
        400, text + " and cannot be negative")
    assert bad_host(restart_policy=policy(name="on-failure", maximum_retry_count=-1)) == (
        400, "invalid restart policy: maximum retry count cannot be negative")
    check_host_config(shapes.HostConfig(restart_policy=policy(name="on-failure", maximum_retry_count=3)))


def test_an_extra_host_is_a_name_and_an_address() -> None:
    assert bad_host(extra_hosts=("web",)) == (400, 'bad format for add-host: "web"')
    assert bad_host(extra_hosts=(":1.2.3.4",)) == (400, 'bad format for add-host: ":1.2.3.4"')
    assert bad_host(extra_hosts=("web:nowhere",)) == (400, 'invalid IP address in add-host: "nowhere"')
    check_host_config(shapes.HostConfig(extra_hosts=("web:1.2.3.4", "six:::1", "host:host-gateway")))


def test_ports_are_numbers() -> None:
    binding = shapes.PortBinding
    assert bad_host(port_bindings={"http/tcp": None}) == (400, 'invalid port specification: "http"')
    assert bad_host(port_bindings={"70000/tcp": None}) == (400, 'invalid port specification: "70000"')
    assert bad_host(port_bindings={"80/tcp": (binding(host_port="x"),)}) == (400, 'invalid port specification: "x"')
    assert bad_host(port_bindings={"80/tcp": (binding(host_port="9-8"),)}) == (
        400, 'invalid port specification: "9-8"')
    check_host_config(shapes.HostConfig(port_bindings={
        "80/tcp": (binding(), binding(host_port="8080"), binding(host_port="8000-8010"))}))


def test_windows_knows_no_capability() -> None:
    assert bad_host(cap_add=("sys_admin",)) == (400, 'invalid CapAdd: unknown capability: "CAP_SYS_ADMIN"')
    assert bad_host(cap_drop=("CAP_CHOWN",)) == (400, 'invalid CapDrop: unknown capability: "CAP_CHOWN"')
    check_host_config(shapes.HostConfig(cap_drop=("all",)))


def test_an_annotation_has_a_name() -> None:
    assert bad_host(annotations={"": "x"}) == (
        400, "invalid Annotations: the empty string is not permitted as an annotation key")


def test_a_container_needs_a_command() -> None:
    assert refused(check_command, shapes.Config()) == (400, "no command specified")
    assert refused(check_command, shapes.Config(entrypoint=("",))) == (400, "no command specified")
    assert check_command(shapes.Config(entrypoint=("",), cmd=("cmd",))).entrypoint is None


def test_a_log_driver_that_is_not_there_is_refused() -> None:
    assert refused(check_logging, shapes.LogConfig(type="journald")) == (
        400, "logger: no log driver named 'journald' is registered")
    assert refused(check_logging, shapes.LogConfig(type="logentries")) == (
        400, "the logentries logging driver has been deprecated and removed")


def test_an_option_that_a_log_driver_does_not_have_is_refused() -> None:
    log = shapes.LogConfig
    assert refused(check_logging, log(type="json-file", config={"x": ""})) == (
        400, "unknown log opt 'x' for json-file log driver")
    assert refused(check_logging, log(type="local", config={"tag": ""})) == (
        400, "unknown log opt 'tag' for log driver local")
    assert refused(check_logging, log(config={"mode": "fast"})) == (400, "logger: logging mode not supported: fast")
    assert refused(check_logging, log(config={"max-buffer-size": "1m"})) == (
        400, "logger: max-buffer-size option is only supported with 'mode=non-blocking'")
    assert refused(check_logging, log(config={"mode": "non-blocking", "max-buffer-size": "big"})) == (
        400, "error parsing option max-buffer-size: invalid size: 'big'")


def test_the_log_driver_is_json_file_when_none_is_said() -> None:
    assert check_logging(shapes.LogConfig()).type == "json-file"
    assert check_logging(shapes.LogConfig(type="none", config={"x": ""})).type == "none"
    check_logging(shapes.LogConfig(config={"max-size": "10m", "cache-disabled": "true"}))


def test_the_size_of_a_containers_disk_is_a_size() -> None:
    assert refused(check_storage, shapes.HostConfig(storage_opt={"Size": "big"})) == (500, "invalid size: 'big'")
    check_storage(shapes.HostConfig(storage_opt={"size": "120GB", "other": "x"}))


def test_what_the_engine_has_for_logs_comes_below_what_a_container_says() -> None:
    own = {"max-size": "1m", "max-file": "3"}
    assert check_logging(shapes.LogConfig(), "local", own) == shapes.LogConfig(type="local", config=own)
    assert check_logging(shapes.LogConfig(type="local", config={"max-file": "5"}), "local", own).config == {
        "max-size": "1m", "max-file": "5"}
    assert check_logging(shapes.LogConfig(type="json-file"), "local", own).config == {}
