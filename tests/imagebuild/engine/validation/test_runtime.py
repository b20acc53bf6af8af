# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine refuses of a container that exists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from imagebuild.dockerapi import faults, shapes
from imagebuild.dockerapi.versions import api_version
from imagebuild.engine.containers.container import Container
from imagebuild.engine.containers.run import Run
from imagebuild.engine.validation import runtime as later

ID = "5e0055c814a6"


def refused(function: Callable[..., object], *arguments: Any) -> tuple[int, str]:
    with pytest.raises(faults.Fault) as caught:
        function(*arguments)
    return caught.value.status, caught.value.message


def start(**host: Any) -> tuple[int, str]:
    return refused(later.check_start, ID, shapes.HostConfig(**host))


def update(current: shapes.HostConfig | None = None, version: str = "1.45", **wanted: Any) -> shapes.HostConfig:
    return later.check_update(ID, current or shapes.HostConfig(), shapes.UpdateRequest(**wanted), cpus=2,
                              version=api_version(version))


def test_hyper_v_isolation_fails_at_the_start_as_on_a_host_without_it() -> None:
    assert start(isolation="hyperv") == (
        500, f"hcs::CreateComputeSystem {ID}: The virtual machine could not be started because a required feature is "
             "not installed.")
    later.check_start(ID, shapes.HostConfig(isolation="process"))


def test_a_security_option_other_than_a_credential_spec_is_refused() -> None:
    assert start(security_opt=("no-new-privileges",)) == (
        500, "invalid security option: no equals sign in supplied value no-new-privileges")
    assert start(security_opt=("seccomp=unconfined",)) == (500, "security option not supported: seccomp")


def test_a_credential_spec_says_where_it_is() -> None:
    text = ("invalid credential spec security option - value must be prefixed by 'file://', 'registry://', or 'raw://' "
            "followed by a non-empty value")
    for value in ("", "file://", "config://x", "x"):
        assert start(security_opt=(f"credentialspec={value}",)) == (500, text)
    later.check_start(ID, shapes.HostConfig(security_opt=("CredentialSpec=raw://{}",)))


def test_a_credential_spec_that_is_not_there_is_refused() -> None:
    assert start(security_opt=("credentialspec=file://a.json",)) == (
        500, rf"failed to load credential spec for container {ID}: open C:\ProgramData\docker\CredentialSpecs\a.json: "
             "The system cannot find the file specified.")
    assert start(security_opt=("credentialspec=registry://a",)) == (
        500, f'registry credential spec "a" for container {ID} was not found')


def test_a_credential_spec_is_looked_for_in_one_folder_only() -> None:
    for value in ("C:/a.json", "\\\\server\\share\\a.json"):
        assert start(security_opt=(f"credentialspec=file://{value}",)) == (
            500, "invalid credential spec: file:// path cannot be absolute")
    assert start(security_opt=("credentialspec=file://../../a.json",)) == (
        500, "invalid credential spec: file:// path must be under C:\\ProgramData\\docker\\CredentialSpecs")


def test_a_device_is_said_by_class_or_kind() -> None:
    device = shapes.DeviceMapping
    assert start(devices=(device(path_on_host="/dev/fuse"),)) == (
        500, "invalid device assignment path: '/dev/fuse', must be 'class/ID' or 'IDType://ID'")
    assert start(devices=(device(path_on_host="://x"),)) == (
        500, "invalid device assignment path: '://x', IDType cannot be empty")
    later.check_start(ID, shapes.HostConfig(devices=(device(path_on_host="class/86E0D1E0"), device(path_on_host="a://b"))))


def test_a_running_container_cannot_be_committed() -> None:
    assert refused(later.check_commit, True) == (500, "windows does not support commit of a running container")
    later.check_commit(False)


def test_a_container_cannot_be_exported() -> None:
    fault = later.export()
    assert (fault.status, fault.message) == (
        500, "the daemon on this operating system does not support exporting Windows containers")


def test_a_container_cannot_be_paused() -> None:
    fault = later.pause(ID)
    assert (fault.status, fault.message) == (
        500, f"cannot pause container {ID}: cannot pause Windows Server Containers")
    assert later.unpause(ID).message == f"Container {ID} is not paused"


def test_there_are_no_checkpoints() -> None:
    assert later.checkpoint().status == 501


def test_a_container_cannot_be_in_its_own_network_or_in_that_of_one_that_does_not_run(tmp_path: Path) -> None:
    one, two = (Container(name, name, tmp_path, 0, "", shapes.Config(), shapes.HostConfig(network_mode="container:one"))
                for name in ("one", "two"))
    both = {"one": one, "two": two}
    assert refused(later.check_shared_network, one, both.__getitem__) == (500, "cannot join own network")
    assert refused(later.check_shared_network, two, both.__getitem__) == (
        409, "cannot join network of a non running container: one")
    one.status = "restarting"
    assert refused(later.check_shared_network, two, both.__getitem__) == (
        409, "Container one is restarting, wait until the container is running")
    one.status, one.run = "running", cast(Run, object())
    assert later.check_shared_network(two, both.__getitem__) is one
    two.config = shapes.Config(network_disabled=True)
    assert later.check_shared_network(two, both.__getitem__) is None


def test_a_start_from_a_checkpoint_is_refused() -> None:
    assert refused(later.check_checkpoint, "one") == (400, "checkpoint is only supported in experimental mode")
    later.check_checkpoint("")


def test_what_a_running_container_changed_is_not_told() -> None:
    assert refused(later.check_changes, True) == (500, "Windows does not support diff of a running container")
    later.check_changes(False)


def test_top_takes_no_arguments() -> None:
    assert refused(later.check_top, "aux") == (500, "Windows does not support arguments to top")
    later.check_top("")


@pytest.mark.parametrize("limit", ["memory", "cpu_shares", "nano_cpus", "cpu_count", "cpu_percent", "cpu_quota",
                                   "io_maximum_iops", "io_maximum_bandwidth"])
def test_limits_cannot_be_updated(limit: str) -> None:
    wanted: dict[str, Any] = {limit: 1}
    assert refused(lambda: update(**wanted)) == (
        500, f"Cannot update container {ID}: resource updating isn't supported on Windows")


def test_an_update_with_limits_that_windows_does_not_have_is_refused_for_that() -> None:
    assert refused(lambda: update(cpuset_cpus="0")) == (400, "invalid option: Windows does not support CpusetCpus")
    assert refused(lambda: update(pids_limit=5)) == (400, "invalid option: Windows does not support PidsLimit")


def test_to_say_that_the_oom_killer_stays_is_an_update_of_limits() -> None:
    assert refused(lambda: update(oom_kill_disable=False))[0] == 500


def test_every_limit_of_an_update_is_in_the_table() -> None:
    known = {*later.LIMITS, *later.SAID, "device_requests", "kernel_memory_tcp"}
    assert set(shapes.Resources.__dataclass_fields__) == known


def test_the_restart_policy_can_be_updated() -> None:
    policy = shapes.RestartPolicy(name="always")
    assert update(restart_policy=policy).restart_policy == policy
    before = shapes.HostConfig(memory=5)
    assert update(before, pids_limit=-1, memory_swappiness=-1) == before


def test_the_restart_policy_of_a_container_that_removes_itself_cannot_be_updated() -> None:
    assert refused(lambda: update(shapes.HostConfig(auto_remove=True),
                                  restart_policy=shapes.RestartPolicy(name="always"))) == (
        500, f"Cannot update container {ID}: Restart policy cannot be updated because AutoRemove is enabled for the "
             "container")
