# SPDX-License-Identifier: Apache-2.0
"""What is around containers and stops them: disks, daemon.json, antivirus, filters, policies, clock, restarts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from ..windows.facts.machine import FilterDriver, MachineFacts
from . import daemon_json
from .check import Outcome, failed, gib, numbers, on_windows, passed, question, unknown, warned

LITTLE = 10 << 30
SCARCE = 40 << 30
"""Free bytes below which a pull of Server Core, and a few images, do not fit. Our choice: Server Core unpacks to about
5 GiB, and a container's disk grows to 20 GiB by default."""
_WCIFS = Decimal(189900)
"""Where wcifs stands: Microsoft's list of allocated filter altitudes."""
_VIRTUAL_MACHINES = "S-1-5-83-0"
_VD = "MicrosoftDocs/Virtualization-Documentation"
_DEFAULT_ROOT = "C:\\ProgramData\\docker"


def _data_root(facts: MachineFacts) -> str:
    return facts.daemon.data_root or (_DEFAULT_ROOT if on_windows(facts) else "/")


@question("system-drive", "System drive", "Process isolation needs Windows on C:.",
          f"{_VD}:virtualization/windowscontainers/deploy-containers/system-requirements.md")
def system_drive(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    drive = facts.system.drive
    if not drive:
        return unknown("the drive Windows is on (SystemDrive)")
    if drive.rstrip("\\").upper() != "C:":
        return failed(drive, "process isolation needs Windows on C:", "install Windows on C:, or use Hyper-V isolation")
    return passed("C:")


@question("data-root", "Data root", "The engine's layers need a file system with reparse points and hard links: NTFS, "
                                    "or "
          "ReFS.", "microsoft/hcsshim:internal/wclayer", "docker/for-win#10330")
def data_root(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    if facts.volumes is None:
        return unknown("the volumes")
    root = _data_root(facts)
    found = facts.volume(root)
    if found is None or found.file_system is None:
        return unknown(f"the file system of {root}")
    if found.file_system.upper() in ("NTFS", "REFS"):
        return passed(f"{root} on {found.file_system}")
    return failed(f"{root} on {found.file_system}", "layers cannot be kept there",
                  'move it to NTFS ("data-root" in daemon.json)')


@question("disk-space", "Disk space", "Windows images are large, and an import that runs out of space fails oddly.",
          "microsoft/hcsshim#835", "moby/moby#37821")
def disk_space(facts: MachineFacts) -> Outcome | None:
    root = _data_root(facts)
    found = facts.volume(root)
    if found is None or found.free is None:
        return unknown(f"the free space of the volume with {root}")
    said = f"{gib(found.free)} free on {found.drive}"
    why = "a pull of Server Core needs more: it ends with 'hcsshim::ImportLayer failed' or 'not enough space'"
    how = "free some ('docker system prune'), or move the engine's data (\"data-root\" in daemon.json)"
    if found.free < LITTLE:
        return failed(said, why, how)
    return warned(said, "a few Windows images fill it", how) if found.free < SCARCE else passed(said)


@question("daemon-json", "daemon.json", "dockerd does not start with a configuration it cannot read, or that is said "
                                        "twice.",
          "moby/moby:daemon/config/config.go", "moby/moby#44777", "moby/moby#44832", "docker/for-win#601",
          "docker/for-win#5656")
def daemon_config(facts: MachineFacts) -> Outcome | None:
    text, coding = facts.daemon.config_text, facts.daemon.config_encoding
    if not on_windows(facts):
        return None
    if text is None:
        return unknown("the content of daemon.json")
    settings = daemon_json.read(text)
    fix = f"repair {facts.daemon.config_path or 'daemon.json'}, save it as UTF-8, and restart the engine"
    if settings.error:
        return failed(settings.error, "dockerd does not start", fix)
    if coding == "other":
        return failed("it is not UTF-8", "dockerd does not start", fix)
    version = numbers(facts.host.engine.version) if facts.host.engine is not None else None
    if coding in ("utf-8-bom", "utf-16") and text.strip() and (version is None or version < (23, 0, 0)):
        return (warned if version is None else failed)(
            f"{coding}", "engines before 23.0 stop at the byte order mark ('invalid character')", fix)
    if both := daemon_json.twice(settings, facts.daemon.arguments or ""):
        return failed(f"also on the service's command line: {', '.join(both)}", "dockerd refuses a setting in two "
                                                                                "places",
                      "take it out of one: daemon.json, or 'sc.exe config docker binPath= …'")
    return passed(", ".join(sorted(settings.values)) or "none, or empty")


@question("antivirus", "Antivirus", "A scanner that opens the engine's files while it works makes it slow, or fail.",
          "moby/moby#27588", "StefanScherer/dockerfiles-windows#203", "moby/moby#40723")
def antivirus(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    found, root = facts.antivirus, _data_root(facts)
    how = f"leave out {root}: Add-MpPreference -ExclusionPath '{root}'"
    if found.others:
        names = ", ".join(name for name in found.others if name.strip())
        return warned(names or "one without a name",
                      "reported causes of 'PrepareLayer failed' (0x5b4), 'access is denied' and layers that cannot be "
                      "removed", f"leave out {root} in its settings")
    if found.realtime is None:
        return unknown("whether Defender watches files")
    if not found.realtime:
        return passed("Defender does not watch files")
    if found.excluded is None:
        return unknown("what Defender leaves out", "run the collector elevated; or: " + how)
    inside = root.casefold().rstrip("\\") + "\\"
    if any(inside.startswith(path.casefold().rstrip("\\") + "\\") for path in found.excluded if path):
        return passed(f"Defender leaves out {root}")
    return warned(f"Defender watches {root}", "pulls and starts take much longer, and layers may not be removable", how)


@question("filter-drivers", "Filter drivers", "File system filters of others above wcifs can break the mounting of "
                                              "layers.",
          "microsoft/Windows-Containers#200", "microsoft/hcsshim#624", "docker/for-win#3884",
          "MicrosoftDocs/windows-driver-docs:windows-driver-docs-pr/ifs/allocated-altitudes.md")
def filter_drivers(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    if facts.filters is None:
        return unknown("the file system filters (fltmc)")
    line = next((height for one in facts.filters if one.name.casefold() == "wcifs"
                 and (height := _height(one)) is not None), _WCIFS)
    above = [one for one in facts.filters if one.running and (height := _height(one)) is not None and height > line]
    foreign = [one for one in above if one.company and not one.company.casefold().startswith("microsoft")]
    nameless = [one.name for one in above if not one.company]
    if foreign:
        return warned(", ".join(f"{one.name} ({one.company}, {one.altitude})" for one in foreign),
                      "where 'PrepareLayer failed … Incorrect function' (0x1) or access errors come up, these are the "
                      "first to look at", "update or remove it, or leave the engine's data out in its settings")
    if nameless:
        return unknown(f"whose filters these are: {', '.join(nameless)}", "'fltmc filters' and the properties of the "
                                                                          "driver")
    return passed(f"{len(above)} above wcifs, all Microsoft's")


def _height(one: FilterDriver) -> Decimal | None:
    try:
        height = Decimal((one.altitude or "")[:40])
    except InvalidOperation:  # an altitude that is no number is not known
        return None
    return height if height.is_finite() else None


@question("bitlocker-policy", "BitLocker policy", "A policy may make every unencrypted volume read-only, also a "
          "container's.", f"{_VD}:windows-server-container-tools/Debug-ContainerHost/README.md", f"{_VD}#355",
          f"{_VD}#530")
def bitlocker_policy(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    if facts.policy.deny_unprotected is None:
        return unknown("the policy FDVDenyWriteAccess")
    if facts.policy.deny_unprotected:
        return failed("FDVDenyWriteAccess is set", "a container's disk is a fixed drive without BitLocker, and becomes "
                      "read-only", "switch off 'Deny write access to fixed drives not protected by BitLocker'")
    return passed("not set")


@question("service-logon", "Log on as a service", "Utility machines run as accounts of NT VIRTUAL MACHINE, which a "
                                                  "policy "
          "may leave out.", "docker/for-win#2105", "docker/for-win#1056")
def service_logon(facts: MachineFacts) -> Outcome | None:
    if facts.feature("Microsoft-Hyper-V") != "enabled":
        return None
    if facts.policy.service_logon is None:
        return unknown("who holds SeServiceLogonRight", "run the collector elevated")
    if any(sid.upper() == _VIRTUAL_MACHINES for sid in facts.policy.service_logon):
        return passed("NT VIRTUAL MACHINE\\Virtual Machines may")
    return failed("NT VIRTUAL MACHINE\\Virtual Machines may not", "machines do not start: 'the user has not been "
                                                                  "granted "
                  "the requested logon type' (0x80070569)", f"add {_VIRTUAL_MACHINES} to 'Log on as a service' in the "
                  "policy; until then gpupdate /force, or restart vmms")


@question("clock", "Clock", "Registries and their tokens are refused by a wrong clock.", "moby/moby#11534",
          "microsoft/containerregistry#74",
          "distribution/distribution:docs/content/spec/auth/token.md")
def clock(facts: MachineFacts) -> Outcome | None:
    skew = facts.clock.skew
    if skew is None and not on_windows(facts):
        return None
    if skew is None:
        if facts.clock.synchronised is False:
            return warned("no time source is set", "the clock drifts, until certificates and tokens are refused",
                          "w32tm /config /syncfromflags:manual /manualpeerlist:time.windows.com /update; w32tm /resync")
        return unknown("how wrong the clock is", "run the collector with -Online")
    said = f"{abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) > 300:
        return failed(said, "tokens of registries live for minutes, and certificates have their days", "w32tm "
                      "/resync")
    return warned(said, "short-lived tokens may be refused", "w32tm /resync") if abs(skew) > 60 else passed(said)


@question("reboot", "Pending restart", "Features and updates are there only after a restart.", "docker/for-win#14539",
          f"{_VD}:virtualization/windowscontainers/quick-start/set-up-environment.md")
def reboot(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    reasons = facts.system.pending_reboot
    if reasons is None:
        return unknown("whether a restart is due")
    if reasons:
        return warned(", ".join(filter(None, reasons)) or "due",
                      "features that were enabled, and updates, may not be in force yet",
                      "restart Windows, then examine it again")
    return passed("none")


QUESTIONS = (system_drive, data_root, disk_space, daemon_config, antivirus, filter_drivers, bitlocker_policy,
             service_logon, clock, reboot)
