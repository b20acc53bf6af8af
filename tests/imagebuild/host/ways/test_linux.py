# SPDX-License-Identifier: Apache-2.0
"""What a Linux machine says of itself, from files that are any machine's."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.host.answers import Answers
from imagebuild.host.ways import linux
from imagebuild.windows.facts.machine import MachineFacts, Proxy

CPU = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme{flags}\n\nprocessor\t: 1\n"


def machine(root: Path, **files: str) -> Path:
    names = {"cpu": "proc/cpuinfo", "memory": "proc/meminfo", "mounts": "proc/mounts", "release": "etc/os-release",
             "vendor": "sys/class/dmi/id/sys_vendor", "model": "sys/class/dmi/id/product_name"}
    for name, text in files.items():
        path = root / names[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def facts(root: Path, answers: Answers | None = None, **environment: str) -> MachineFacts:
    return linux.facts(root, environment, answers or Answers(error="none"), machine="x86_64", kernel="6.1.0",
                       name="here")


def test_a_machine_is_read_from_its_files(tmp_path: Path) -> None:
    found = facts(machine(tmp_path, cpu=CPU.format(flags=" vmx ept"), memory="MemTotal:  16384 kB\nMemFree: 1 kB\n",
                          release='ID=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n', vendor="Contoso\n",
                          model="Rack\n"))
    assert (found.host.os, found.host.architecture, found.host.name) == ("linux", "amd64", "here")
    assert (found.host.version, found.host.engine) == (None, None)
    assert (found.system.product_name, found.system.kernel) == ("Debian GNU/Linux 12 (bookworm)", "6.1.0")
    below = found.hypervisor
    assert (below.cpu, below.memory, below.firmware, below.slat) == ("intel", 16384 << 10, True, True)
    assert (below.guest, below.vendor, below.model) == (False, "", "Rack")
    assert found.daemon.error == "none"


def test_a_guest_without_nesting_is_seen(tmp_path: Path) -> None:
    below = facts(machine(tmp_path, cpu=CPU.format(flags=" hypervisor"), vendor="QEMU", model="Standard PC")).hypervisor
    assert (below.guest, below.vendor, below.firmware, below.slat) == (True, "kvm", False, False)


def test_what_is_not_there_is_not_known(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert found.system.product_name is None
    assert (found.hypervisor.cpu, found.hypervisor.memory, found.hypervisor.guest) == (None, None, None)
    assert found.hypervisor.firmware is None
    assert found.features is None
    assert found.services is None


@given(st.text(max_size=200))
def test_files_of_any_content_are_read(text: str) -> None:
    assert linux._memory(text) is None or text
    assert linux._distribution(text) is None or text
    linux._volumes(Path("/"), text, "/var/lib/docker")


def test_the_engines_volume_is_told_beside_the_root(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    info = {"DockerRootDir": "/srv/docker", "Driver": "overlay2", "OSType": "linux"}
    found = facts(machine(tmp_path, mounts="/dev/a / ext4 rw 0 0\n/dev/b /srv xfs rw 0 0\n/dev/c /s btrfs rw 0 0\n"),
                  Answers(info))
    assert found.volumes is not None
    assert [(one.drive, one.file_system) for one in found.volumes] == [("/", "ext4"), ("/srv", "xfs")]
    assert all(one.size and one.free is not None for one in found.volumes)
    assert (found.daemon.data_root, found.daemon.driver) == ("/srv/docker", "overlay2")
    assert found.host.engine is not None
    assert (found.host.engine.os, found.host.engine.store) == ("linux", "graphdriver")


def test_proxies_are_told_without_credentials(tmp_path: Path) -> None:
    found = facts(tmp_path, http_proxy="http://me:p@ss@proxy.example:3128", NO_PROXY="localhost")
    assert found.proxies == (Proxy("environment", "http://proxy.example:3128", None, "localhost"),)
    assert facts(tmp_path).proxies == ()


@pytest.mark.parametrize(("url", "left"), [
    ("http://a:b@h:1", "http://h:1"), ("h:1", "h:1"), ("a:b@h", "h"), ("//a@h", "//h"), ("http://h/x@y", "http://h/x@y"),
])
def test_an_address_loses_its_credentials_and_nothing_else(url: str, left: str) -> None:
    assert linux.without_credentials(url) == left
