# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine refuses of a create request, each in moby's words."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults, shapes
from imagebuild.dockerapi.versions import api_version
from imagebuild.engine.validation import create as refusals
from imagebuild.engine.validation.create import RESOURCES, WITH_THE_BODY, Checked, check_create

NEWEST = api_version("1.45")


def create(config: shapes.Config | None = None, *, cpus: int = 2, version: str = "1.45", **host: Any) -> Checked:
    return check_create(config or shapes.Config(), shapes.HostConfig(**host), cpus=cpus, version=api_version(version))


def refused(config: shapes.Config | None = None, **host: Any) -> tuple[int, str]:
    with pytest.raises(faults.Fault) as caught:
        create(config, **host)
    return caught.value.status, caught.value.message


def said(field: str) -> Any:
    """A value of a field that is not its zero, as a client would send it."""
    zero = getattr(shapes.HostConfig(), field)
    samples: dict[str, Any] = {
        "ulimits": (shapes.Ulimit(name="nofile", soft=1, hard=1),), "memory_swappiness": 10, "oom_kill_disable": True,
        "pids_limit": 100, "blkio_weight_device": ({"Path": "/dev/sda", "Weight": 1},)}
    if field in samples:
        return samples[field]
    if field.startswith("blkio_device"):
        return ({"Path": "/dev/sda", "Rate": 1},)
    return {str: "x", int: 1, bool: True}[type(zero)]


def test_a_plain_container_is_not_refused() -> None:
    checked = create()
    assert checked.warnings == ()
    assert checked.host_config == shapes.HostConfig(restart_policy=shapes.RestartPolicy(name="no"))


def test_a_create_request_without_a_host_config_gets_one() -> None:
    assert check_create(shapes.Config(), None, cpus=1, version=NEWEST).host_config.restart_policy.name == "no"


def test_privileged_mode_is_refused() -> None:
    assert refused(privileged=True) == (500, "Windows does not support privileged mode")


def test_a_read_only_root_is_refused() -> None:
    assert refused(readonly_rootfs=True) == (500, "Windows does not support root filesystem in read-only mode")


def test_real_time_processor_limits_are_refused() -> None:
    assert refused(cpu_realtime_period=1) == (500, "Windows does not support CPU real-time period")
    assert refused(cpu_realtime_runtime=1) == (500, "Windows does not support CPU real-time runtime")


def test_tmpfs_is_refused() -> None:
    assert refused(tmpfs={"C:\\tmp": ""}) == (400, "windows does not support tmpfs")


@pytest.mark.parametrize(("field", "name"), [
    ("ulimits", "Ulimits"), ("pids_limit", "PidsLimit"), ("blkio_weight", "BlkioWeight"),
    ("blkio_weight_device", "BlkioWeightDevice"), ("blkio_device_read_bps", "BlkioDeviceReadBps"),
    ("blkio_device_write_bps", "BlkioDeviceWriteBps"), ("blkio_device_read_iops", "BlkioDeviceReadIOps"),
    ("blkio_device_write_iops", "BlkioDeviceWriteIOps"), ("cpuset_cpus", "CpusetCpus"), ("cpuset_mems", "CpusetMems"),
    ("cpu_period", "CPUPeriod"), ("memory_reservation", "MemoryReservation"), ("memory_swap", "MemorySwap"),
    ("memory_swappiness", "MemorySwappiness"), ("oom_kill_disable", "OomKillDisable"),
    ("cgroup_parent", "CgroupParent")])
def test_a_limit_that_windows_does_not_have_is_refused(field: str, name: str) -> None:
    assert refused(**{field: said(field)}) == (400, f"invalid option: Windows does not support {name}")


def test_kernel_memory_is_refused_from_clients_that_still_know_it() -> None:
    assert create(kernel_memory=1).host_config.kernel_memory == 0
    assert refused(version="1.41", kernel_memory=1) == (400, "invalid option: Windows does not support KernelMemory")


def test_unlimited_swap_is_refused_too() -> None:
    assert refused(memory_swap=-1)[1].endswith("MemorySwap")


def test_what_clients_send_without_being_asked_is_not_refused() -> None:
    """The docker client says a swappiness of -1 and an OOM killer that is not disabled; others a limit of 0 or -1."""
    checked = create(memory_swappiness=-1, oom_kill_disable=False, pids_limit=0)
    assert checked.host_config.memory_swappiness is None
    assert create(pids_limit=-1).host_config.pids_limit is None


def test_a_memory_limit_is_not_refused() -> None:
    assert create(memory=150 << 20).warnings == ()


def test_every_row_of_the_tables_names_a_field_and_refuses_it() -> None:
    names = {field.name for field in fields(shapes.HostConfig)}
    for row in (*WITH_THE_BODY, *RESOURCES, refusals.TMPFS):
        assert row.field in names
        value = {"a": ""} if row.field == "tmpfs" else said(row.field)
        assert refused(version="1.41", **{row.field: value}) == (row.fault.code, row.text)


def test_the_ranges_of_processor_settings_are_kept() -> None:
    assert refused(cpu_shares=10_001) == (400, "range of CPUShares is from 1 to 10000")
    assert refused(cpu_shares=-1) == (400, "range of CPUShares is from 1 to 10000")
    assert refused(cpu_percent=101) == (400, "range of CPUPercent is from 1 to 100")
    assert refused(cpu_percent=-1) == (400, "range of CPUPercent is from 1 to 100")
    assert refused(cpu_count=-1) == (400, "invalid CPUCount: CPUCount cannot be negative")
    create(cpu_shares=10_000)
    create(cpu_percent=100)


def test_more_processors_than_there_are_is_refused() -> None:
    text = "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"
    assert refused(nano_cpus=2_000_000_001) == (400, text)
    assert refused(nano_cpus=-1) == (400, text)
    create(nano_cpus=2_000_000_000)


def test_a_part_of_the_processors_goes_with_neither_percent_nor_shares() -> None:
    assert refused(nano_cpus=1, cpu_percent=5) == (
        400, "conflicting options: Nano CPUs and CPU Percent cannot both be set")
    assert refused(nano_cpus=1, cpu_shares=5) == (
        400, "conflicting options: Nano CPUs and CPU Shares cannot both be set")


def test_of_processor_settings_that_exclude_each_other_one_is_kept_with_a_warning() -> None:
    checked = create(cpu_count=1, cpu_shares=2, cpu_percent=3)
    host = checked.host_config
    assert (host.cpu_count, host.cpu_shares, host.cpu_percent) == (1, 0, 0)
    assert checked.warnings == (
        "Conflicting options: CPU count takes priority over CPU shares on Windows Server Containers. CPU shares "
        "discarded",
        "Conflicting options: CPU count takes priority over CPU percent on Windows Server Containers. CPU percent "
        "discarded")
    checked = create(cpu_shares=2, cpu_percent=3)
    assert (checked.host_config.cpu_shares, checked.host_config.cpu_percent) == (2, 0)
    assert checked.warnings[0].startswith("Conflicting options: CPU shares takes priority over CPU percent")


def test_a_hyper_v_container_keeps_all_three() -> None:
    host = create(isolation="hyperv", cpu_count=1, cpu_shares=2, cpu_percent=3).host_config
    assert (host.cpu_count, host.cpu_shares, host.cpu_percent) == (1, 2, 3)


def test_an_isolation_that_does_not_exist_is_refused() -> None:
    assert refused(isolation='ch"root') == (
        500, 'Invalid isolation: "ch\\"root". ' "Windows supports 'default', 'process', or 'hyperv'")
    for isolation in ("", "default", "Process", "HyperV"):
        create(isolation=isolation)


def test_another_containers_network_goes_with_no_network_setting_of_ones_own() -> None:
    mode = "container:web"
    assert refused(network_mode="container:") == (
        400, "Invalid network mode: invalid container format container:<name|id>")
    assert refused(network_mode="container")[0] == 400
    assert refused(shapes.Config(hostname="a"), network_mode=mode) == (
        400, "conflicting options: hostname and the network mode")
    assert refused(network_mode=mode, dns=("1.1.1.1",)) == (400, "conflicting options: dns and the network mode")
    assert refused(network_mode=mode, links=("a",))[1].startswith("conflicting options: container type network can't")
    assert refused(network_mode=mode, extra_hosts=("a:1.1.1.1",)) == (
        400, "conflicting options: custom host-to-IP mapping and the network mode")
    assert refused(network_mode=mode, publish_all_ports=True) == (
        400, "conflicting options: port publishing and the container type network mode")
    assert refused(shapes.Config(exposed_ports=("80/tcp",)), network_mode=mode) == (
        400, "conflicting options: port exposing and the container type network mode")
    create(network_mode=mode)


def test_another_containers_network_is_refused_with_hyper_v() -> None:
    assert refused(network_mode="container:web", isolation="hyperv") == (
        500, "Using the network stack of another container is not supported while using Hyper-V Containers")


def test_an_old_client_removes_its_containers_itself() -> None:
    assert create(version="1.24", auto_remove=True).host_config.auto_remove is False
    assert create(version="1.25", auto_remove=True).host_config.auto_remove is True


def test_what_is_taken_and_does_nothing_is_a_warning() -> None:
    assert create(cpu_quota=50_000).warnings == ("CpuQuota has no effect on Windows; use NanoCpus",)
    assert create(io_maximum_iops=1).warnings == ("IOMaximumIOps is not enforced by this engine",)
    assert create(security_opt=("credentialspec=raw://{}",)).warnings == (
        "credential specs have no effect on this engine",)


HOSTS = st.builds(
    shapes.HostConfig, isolation=st.sampled_from(["", "process", "hyperv", "x"]),
    network_mode=st.sampled_from(["", "nat", "container:", "container:a", "host"]),
    cpu_count=st.integers(-2, 5), cpu_shares=st.integers(-2, 20_000), cpu_percent=st.integers(-1, 200),
    nano_cpus=st.integers(-1, 10 ** 10), privileged=st.booleans(), extra_hosts=st.lists(st.text()).map(tuple),
    restart_policy=st.builds(shapes.RestartPolicy, name=st.sampled_from(["", "no", "always", "on-failure", "x"]),
                             maximum_retry_count=st.integers(-1, 2)),
    port_bindings=st.dictionaries(st.text(), st.none() | st.lists(
        st.builds(shapes.PortBinding, host_port=st.text())).map(tuple)),
    cap_add=st.lists(st.text()).map(tuple), log_config=st.builds(shapes.LogConfig, type=st.text()))
CONFIGS = st.builds(shapes.Config, working_dir=st.text(), stop_signal=st.text(), env=st.lists(st.text()).map(tuple),
                    healthcheck=st.none() | st.builds(shapes.Healthcheck, interval=st.integers(),
                                                      retries=st.integers()))


@given(CONFIGS, HOSTS)
def test_a_request_is_refused_with_a_fault_or_taken_and_then_taken_again(config: shapes.Config,
                                                                        host: shapes.HostConfig) -> None:
    try:
        checked = check_create(config, host, cpus=2, version=NEWEST)
    except faults.Fault as fault:
        assert fault.status in (400, 500)
        return
    again = check_create(checked.config, checked.host_config, cpus=2, version=NEWEST)
    assert replace(again, warnings=checked.warnings) == checked
