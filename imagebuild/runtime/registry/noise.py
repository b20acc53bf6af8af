# SPDX-License-Identifier: Apache-2.0
"""What Wine writes into its registry by itself, so that it is no change of a container's.

Source: two runs of Wine 10.0 over one prefix, compared key by key, without ``wineboot.exe`` and with the stock one
(measured on Debian 13). Rows marked [assumed] were not seen in those runs: they tell of the machine and not of a
container, and wait for a run that shows them or shows that they can go.
Times of keys are never compared, so a key that gets only a new time needs no row.
"""

from __future__ import annotations

from ...hive.tree import split
from ...windows.upcase import fold

MACHINE = (
    r"Software\Microsoft\Windows NT\CurrentVersion\Fonts",  # each start: the paths of this machine's fonts
    r"Software\Microsoft\Windows\CurrentVersion\Fonts",
    r"Software\Microsoft\Windows NT\CurrentVersion\NetworkCards",  # stock boot: taken away and made anew
    r"Software\Wine",  # [assumed] Wine's own settings, the template's and ours
    r"System\ControlSet001\Control\ComputerName",  # each start: the name of the container
    r"System\ControlSet001\Control\TimeZoneInformation",  # each start: the time zone of the box, which is UTC
    r"System\ControlSet001\Services\Tcpip\Parameters",  # stock boot: host name, addresses
    # [assumed to be of the display's driver alone] when a program asks for adapters, with the time of that
    r"System\ControlSet001\Control\Class\{4D36E968-E325-11CE-BFC1-08002BE10318}",
    r"System\ControlSet001\Control\DeviceClasses",  # winebus and mountmgr: devices of this machine
    r"System\ControlSet001\Enum",  # [assumed]
    r"System\ControlSet001\Control\Video",  # [assumed]
    r"System\ControlSet001\Hardware Profiles",  # [assumed]
    r"System\MountedDevices",  # [assumed]
    r"System\CurrentControlSet",  # a link to ControlSet001
    r"Hardware",  # [assumed]
)
"""Keys of ``system.reg``, with all below them."""

USER = (
    r"Software\Wine",  # font caches, drivers
    # when a program first asks whether a file is signed
    r"Software\Microsoft\Windows\CurrentVersion\Wintrust\Trust Providers\Software Publishing",
    r"Volatile Environment",  # each start: names of the container and its user
)
"""Keys of ``user.reg`` and ``userdef.reg``, with all below them."""


class Filter:
    """Whether a path is one of a table's, or below one."""

    def __init__(self, table: tuple[str, ...]) -> None:
        self._keys = frozenset(tuple(split(fold(path))) for path in table)
        self._longest = max(map(len, self._keys))

    def takes(self, path: str) -> bool:
        """Whether the key at ``path`` is noise."""
        names = tuple(split(fold(path))[:self._longest])
        return any(names[:count] in self._keys for count in range(1, len(names) + 1))
