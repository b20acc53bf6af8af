# SPDX-License-Identifier: Apache-2.0
"""The registry of a host as its state has it, as a text for ``reg import``.

The places are those that the collector (``host/collector.ps1``) and scripts read. ``None`` removes a value, a key that
is to be away is removed whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...windows.facts.machine import MachineFacts
from .state import HostState

SIGN_IN = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon\AutoLogonChecked"
"""A key that Windows makes when it shows the sign-in screen, and forgets when it ends. Ansible's win_reboot waits for
it after a restart (``_LOGON_UI_KEY`` in ansible.windows' ``plugin_utils/_reboot.py``)."""
_NT = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion"
_CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
_SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
_BOOT = r"HKLM\BCD00000000\Objects"
_MANAGER = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
"""The boot manager's object (BCD: ``{bootmgr}``)."""
_LOADER = "{7619dcc9-fafe-11d9-b411-000476eba25f}"
_PENDING = {
    "component-servicing": rf"{_WINDOWS}\Component Based Servicing\RebootPending",
    "component-servicing-running": rf"{_WINDOWS}\Component Based Servicing\RebootInProgress",
    "windows-update": rf"{_WINDOWS}\WindowsUpdate\Auto Update\RebootRequired",
}
_DESKTOP = rf"{_WINDOWS}\Uninstall\Docker Desktop"
_DISPLAYED = 19042
"""The first build whose registry has ``DisplayVersion`` (20H2)."""
_STARTS = {"boot": 0, "system": 1, "auto": 2, "manual": 3, "disabled": 4}

Value = str | int | bytes | Sequence[str] | None
Keys = dict[str, Mapping[str, Value] | None]


def text(state: HostState, name: str) -> bytes:
    """Return what ``reg import`` is to read on a host of this computer name, in UTF-16."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for key, values in keys(state, name).items():
        full = key.replace("HKLM\\", "HKEY_LOCAL_MACHINE\\", 1).replace("HKCU\\", "HKEY_CURRENT_USER\\", 1)
        if values is None:
            lines += [f"[-{full}]", ""]
            continue
        lines += [f"[{full}]", *(f"{_quoted(one)}={_data(value)}" for one, value in values.items()), ""]
    return b"\xff\xfe" + "\r\n".join(lines).encode("utf-16-le")


def keys(state: HostState, name: str) -> Keys:
    """Return the keys with their values: ``None`` for a key that is to be away."""
    out: Keys = {SIGN_IN: {}}
    for reason, key in _PENDING.items():
        out[key] = {} if reason in state.pending_reboot else None
    renames = ["\\??\\C:\\ProgramData\\wcow\\pending", ""] if "file-rename" in state.pending_reboot else None
    out[rf"{_CONTROL}\Session Manager"] = {"PendingFileRenameOperations": renames}
    later = f"{name[:13]}-2" if "computer-name" in state.pending_reboot else name
    out[rf"{_CONTROL}\ComputerName\ComputerName"] = {"ComputerName": later.upper()}
    return {**out, **_machine(state.machine)}


def _machine(facts: MachineFacts) -> Keys:
    out: Keys = {_NT: _version(facts)}
    policy = facts.policy.deny_unprotected
    if policy is not None:
        out[r"HKLM\SYSTEM\CurrentControlSet\Policies\Microsoft\FVE"] = {"FDVDenyWriteAccess": int(policy)}
    if facts.daemon.desktop is not None:
        out[_DESKTOP] = {"DisplayName": "Docker Desktop", "DisplayVersion": facts.daemon.desktop} \
            if facts.daemon.desktop else None
    if facts.clock.synchronised is not None:
        out[rf"{_SERVICES}\W32Time\Parameters"] = {"Type": "NTP" if facts.clock.synchronised else "NoSync"}
    launch = {"auto": 1, "off": 0}.get(facts.hypervisor.launch_type or "")
    if launch is not None:
        out[rf"{_BOOT}\{_MANAGER}\Elements\23000003"] = {"Element": _LOADER}
        out[rf"{_BOOT}\{_LOADER}\Elements\250000f0"] = {"Element": launch.to_bytes(8, "little")}
    for service in facts.services or ():
        if service.state != "absent" and service.start is not None:
            out[rf"{_SERVICES}\{service.name}"] = {"Start": _STARTS[service.start]}
    if any(one.name == "vmms" and one.state == "absent" for one in facts.services or ()):
        out[rf"{_SERVICES}\vmms"] = None
    for one in facts.filters or ():
        out[rf"{_SERVICES}\{one.name}"] = {"Type": 2, "Start": 4, "ErrorControl": 1}
        out[rf"{_SERVICES}\{one.name}\Instances"] = {"DefaultInstance": one.name}
        out[rf"{_SERVICES}\{one.name}\Instances\{one.name}"] = {"Altitude": one.altitude}
    return {**out, **_proxies(facts)}


def _version(facts: MachineFacts) -> Mapping[str, Value]:
    known: dict[str, Value] = {
        "ProductName": facts.system.product_name, "EditionID": facts.host.edition or None,
        "InstallationType": facts.system.installation, "DisplayVersion": facts.system.display}
    if facts.host.version is not None and facts.host.version.revision is not None:
        known["UBR"] = facts.host.version.revision
    if facts.host.core is not None:
        known["BuildLabEx"] = f"{facts.host.core}.1.amd64fre.{facts.system.branch or 'release'}.210507-1500"
    out: dict[str, Value] = {key: value for key, value in known.items() if value is not None}
    if facts.system.display is None and facts.host.version is not None and facts.host.version.build < _DISPLAYED:
        out["DisplayVersion"] = None
    return out


def _proxies(facts: MachineFacts) -> Keys:
    out: Keys = {}
    for proxy in facts.proxies or ():
        pairs = {"HTTP_PROXY": proxy.http, "HTTPS_PROXY": proxy.https, "NO_PROXY": proxy.no_proxy}
        if proxy.where == "user":
            out[r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings"] = {
                "ProxyEnable": 1, "ProxyServer": proxy.http, "ProxyOverride": proxy.no_proxy}
        elif proxy.where == "machine":
            out[rf"{_CONTROL}\Session Manager\Environment"] = pairs
        elif proxy.where == "service":
            out[rf"{_SERVICES}\docker"] = {"Environment": [f"{key}={value}" for key, value in pairs.items() if value]}
    return out


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _data(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"dword:{value:08x}"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bytes):
        return "hex:" + ",".join(f"{one:02x}" for one in value)
    raw = "".join(f"{one}\0" for one in value).encode("utf-16-le") + b"\0\0"
    return "hex(7):" + ",".join(f"{one:02x}" for one in raw)
