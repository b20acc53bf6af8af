# SPDX-License-Identifier: Apache-2.0
"""The five hives of a base layer, as small as Windows takes them.

``ProcessBaseLayer`` wants ``DEFAULT``, ``SAM``, ``SECURITY``, ``SOFTWARE`` and ``SYSTEM`` below
``Files\\Windows\\System32\\config``; since Windows Server 2025 they must be valid hives (microsoft/
windows-host-process-containers-base-image ``New-HostProcessBaseImage.ps1``). A stand-in's hives also say what programs
ask of the real ones: version, environment, profiles.
"""

from __future__ import annotations

from ...hive import Key, Value, write
from ...windows.releases import release

NAMES = ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")
"""The hive files of ``System32\\config``, sorted."""

PROFILES = (("S-1-5-18", r"%systemroot%\system32\config\systemprofile"),
            ("S-1-5-93-2-1", r"C:\Users\ContainerAdministrator"), ("S-1-5-93-2-2", r"C:\Users\ContainerUser"))
"""Who has a profile in a Windows container image (moby ``internals_windows.go`` names the container accounts' SIDs)."""

_PATH = ";".join((r"%SystemRoot%\system32", "%SystemRoot%", r"%SystemRoot%\System32\Wbem",
                  "%SYSTEMROOT%\\System32\\WindowsPowerShell\\v1.0\\", r"%SYSTEMROOT%\System32\OpenSSH"))
_TYPES = {"nanoserver": ("Nano Server", "ServerDatacenterNano"), "servercore": ("Server Core", "ServerDatacenterACor"),
          "server": ("Server", "ServerDatacenter")}

_DEVICES = (("AUX", r"\DosDevices\COM1"), ("MAILSLOT", r"\Device\MailSlot"), ("NUL", r"\Device\Null"),
            ("PIPE", r"\Device\NamedPipe"), ("PRN", r"\DosDevices\LPT1"), ("UNC", r"\Device\Mup"))
"""Names of devices, as every Windows has them [from memory]."""
_SERVICES = (("Dnscache", ("Parameters",)), ("EventLog", ("Application", "Security", "System")),
             ("Tcpip", ("Parameters",)))
"""Services whose settings Dockerfiles change (``ServerPriorityTimeLimit``, sources of events): their keys alone, since
a stand-in has no services."""


def empty_hives() -> dict[str, bytes]:
    """Five valid hives with a root key and nothing else: what a HostProcess base has."""
    return {name: write(Key("ROOT"), name=name) for name in NAMES}


def stand_in_hives(flavour: str, os_version: str, architecture: str, timestamp: int) -> dict[str, bytes]:
    """The hives of a stand-in for a Windows of :data:`_TYPES`; ``timestamp`` is the FILETIME of every key."""
    setup = Key("Setup", (Value.dword("SystemSetupInProgress", 0),))
    system = Key("ROOT", subkeys=(_control_set(architecture), _select(), setup))
    roots = {"DEFAULT": Key("ROOT", subkeys=(_user_environment(), Key("Software"))),
             "SAM": Key("ROOT", subkeys=(Key("SAM", subkeys=(Key("Domains"),)),)),
             "SECURITY": Key("ROOT", subkeys=(Key("Policy"),)),
             "SOFTWARE": Key("ROOT", subkeys=(_microsoft(flavour, os_version),)),
             "SYSTEM": system}
    return {name: write(roots[name], name=name, timestamp=timestamp) for name in NAMES}


def _tree(path: str, values: tuple[Value, ...] = (), subkeys: tuple[Key, ...] = ()) -> Key:
    """``a\\b\\c`` as nested keys, the last one with values and subkeys."""
    *above, last = path.split("\\")
    key = Key(last, values, subkeys)
    for name in reversed(above):
        key = Key(name, subkeys=(key,))
    return key


def _control_set(architecture: str) -> Key:
    environment = Key("Environment", (
        Value.expand_sz("ComSpec", r"%SystemRoot%\system32\cmd.exe"),
        Value.sz("DriverData", r"C:\Windows\System32\Drivers\DriverData"), Value.sz("OS", "Windows_NT"),
        Value.expand_sz("Path", _PATH), Value.sz("PATHEXT", ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC"),
        Value.sz("PROCESSOR_ARCHITECTURE", architecture.upper()), Value.expand_sz("TEMP", r"%SystemRoot%\TEMP"),
        Value.expand_sz("TMP", r"%SystemRoot%\TEMP"), Value.sz("USERNAME", "SYSTEM"),
        Value.expand_sz("windir", "%SystemRoot%")))
    devices = Key("DOS Devices", tuple(Value.sz(name, target) for name, target in _DEVICES))
    control = Key("Control", subkeys=(
        _tree(r"Lsa\FipsAlgorithmPolicy", (Value.dword("Enabled", 0),)),
        _tree(r"SecurityProviders\SCHANNEL\Protocols"), Key("Session Manager", subkeys=(devices, environment))))
    return Key("ControlSet001", subkeys=(control, Key("Services", subkeys=tuple(
        Key(name, subkeys=tuple(Key(one) for one in below)) for name, below in _SERVICES))))


def _select() -> Key:
    return Key("Select", (Value.dword("Current", 1), Value.dword("Default", 1), Value.dword("Failed", 0),
                          Value.dword("LastKnownGood", 1)))


def _user_environment() -> Key:
    return Key("Environment", (Value.expand_sz("TEMP", r"%USERPROFILE%\AppData\Local\Temp"),
                               Value.expand_sz("TMP", r"%USERPROFILE%\AppData\Local\Temp")))


def _microsoft(flavour: str, os_version: str) -> Key:
    major, minor, build, *revision = (os_version + ".0.0.0").split(".")[:4]
    kind, edition = _TYPES[flavour]
    found = release(int(build))
    version = Key("CurrentVersion", (
        Value.sz("CurrentBuild", build), Value.sz("CurrentBuildNumber", build),
        Value.dword("CurrentMajorVersionNumber", int(major)), Value.dword("CurrentMinorVersionNumber", int(minor)),
        Value.sz("CurrentVersion", "6.3"), Value.sz("EditionID", edition), Value.sz("InstallationType", kind),
        Value.sz("ProductName", found.name if found else f"Windows build {build}"),
        Value.sz("SystemRoot", r"C:\Windows"),
        Value.dword("UBR", int(revision[0]) if revision else 0)),
        (Key("ProfileList", (Value.expand_sz("Default", r"%SystemDrive%\Users\Default"),
                             Value.expand_sz("ProfilesDirectory", r"%SystemDrive%\Users"),
                             Value.expand_sz("ProgramData", r"%SystemDrive%\ProgramData"),
                             Value.expand_sz("Public", r"%SystemDrive%\Users\Public")),
             tuple(Key(sid, (Value.expand_sz("ProfileImagePath", path),)) for sid, path in PROFILES)),))
    folders = Key("CurrentVersion", (
        Value.sz("CommonFilesDir", r"C:\Program Files\Common Files"), Value.sz("ProgramFilesDir", r"C:\Program Files"),
        Value.expand_sz("ProgramFilesPath", "%ProgramFiles%")))
    return Key("Microsoft", subkeys=(Key("Windows", subkeys=(folders,)), Key("Windows NT", subkeys=(version,))))
