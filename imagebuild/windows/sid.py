# SPDX-License-Identifier: Apache-2.0
"""SIDs: who an account is, in bytes, as text, and by name.

Layout and text form: [MS-DTYP] 2.4.2. Well-known SIDs: [MS-DTYP] 2.4.2.4 and Microsoft's "Well-known SIDs"; two-letter
aliases: [MS-DTYP] 2.5.1.1 and "SID Strings". The container accounts S-1-5-93-2-1 and -2 have no page of Microsoft's;
they are in moby (``daemon/builder/dockerfile/internals_windows.go``) and BuildKit (``util/windows``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..errors import FormatError, quoted

MAX_SUBS = 15
"""SID_MAX_SUB_AUTHORITIES of winnt.h."""


def _number(text: str) -> int | None:
    """A decimal or 0x number, ``None`` when it is neither; nothing long enough to be slow."""
    if not text.isascii() or len(text) > 20:
        return None
    if text[:2] in ("0x", "0X"):
        digits = text[2:]
        return int(digits, 16) if digits and not set(digits.lower()) - set("0123456789abcdef") else None
    return int(text) if text.isdigit() else None


def _shown(text: str) -> str:
    return quoted(text if len(text) <= 80 else text[:77] + "...")


@dataclass(frozen=True, slots=True)
class Sid:
    """A security identifier: ``authority`` (48 bits) and up to 15 ``subs`` (32 bits each); ``str()`` is its text."""

    authority: int
    subs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.authority < 1 << 48 or len(self.subs) > MAX_SUBS \
                or not all(0 <= sub < 1 << 32 for sub in self.subs):
            raise FormatError("cannot make a SID of these numbers",
                              why="48 bits of authority and at most 15 sub-authorities of 32 bits are allowed")

    @classmethod
    def parse(cls, text: str) -> Sid:
        """The SID that ``S-1-5-32-544`` writes; numbers may be decimal or ``0x`` hexadecimal, as Windows takes them."""
        parts = text.strip().split("-")
        if len(parts) < 3 or parts[0] not in ("S", "s") or _number(parts[1]) != 1:
            raise FormatError(f"cannot read {_shown(text)} as a SID", why="a SID looks like S-1-5-32-544")
        numbers = [_number(part) for part in parts[2:]]
        if any(n is None for n in numbers) or len(numbers) - 1 > MAX_SUBS:
            raise FormatError(f"cannot read {_shown(text)} as a SID", why="a SID looks like S-1-5-32-544")
        authority, *subs = (n or 0 for n in numbers)
        if authority >= 1 << 48 or any(sub >= 1 << 32 for sub in subs):
            raise FormatError(f"cannot read {_shown(text)} as a SID", why="a number in it is too large")
        return cls(authority, tuple(subs))

    @classmethod
    def from_bytes(cls, data: bytes, *, offset: int = 0, source: str = "") -> Sid:
        """The SID at the start of ``data``; bytes after it are not looked at.

        ``offset`` and ``source`` only say, for the error, where ``data`` came from.
        """
        if len(data) < 8 or data[0] != 1 or data[1] > MAX_SUBS or len(data) < 8 + 4 * data[1]:
            raise FormatError("cannot read a SID", offset=offset, source=source,
                              why="it is cut off, not of revision 1, or has more than 15 sub-authorities")
        end = 8 + 4 * data[1]
        return cls(int.from_bytes(data[2:8], "big"),
                   tuple(int.from_bytes(data[at:at + 4], "little") for at in range(8, end, 4)))

    def to_bytes(self) -> bytes:
        """The SID as Windows keeps it: 8 bytes and 4 for each sub-authority."""
        return bytes((1, len(self.subs))) + self.authority.to_bytes(6, "big") \
            + b"".join(sub.to_bytes(4, "little") for sub in self.subs)

    def __str__(self) -> str:
        authority = str(self.authority) if self.authority < 1 << 32 else f"0x{self.authority:012x}"
        return "-".join(("S-1", authority, *map(str, self.subs)))


@dataclass(frozen=True, slots=True)
class Known:
    """A well-known account: SDDL ``alias`` (may be empty), ``sid``, ``domain`` (may be empty) and ``name``."""

    alias: str
    sid: Sid
    domain: str
    name: str

    def full_name(self) -> str:
        """``BUILTIN\\Administrators``; just the name where there is no domain."""
        return f"{self.domain}\\{self.name}" if self.domain else self.name


_NT = "NT AUTHORITY"
_APP = "APPLICATION PACKAGE AUTHORITY"
_LABEL = "Mandatory Label"

WELL_KNOWN: tuple[Known, ...] = tuple(Known(alias, Sid.parse(sid), domain, name) for alias, sid, domain, name in (
    ("", "S-1-0-0", "", "NULL SID"),
    ("WD", "S-1-1-0", "", "Everyone"),
    ("", "S-1-2-0", "", "LOCAL"),
    ("", "S-1-2-1", "", "CONSOLE LOGON"),
    ("CO", "S-1-3-0", "", "CREATOR OWNER"),
    ("CG", "S-1-3-1", "", "CREATOR GROUP"),
    ("", "S-1-3-2", "", "CREATOR OWNER SERVER"),
    ("", "S-1-3-3", "", "CREATOR GROUP SERVER"),
    ("OW", "S-1-3-4", "", "OWNER RIGHTS"),
    ("", "S-1-5-1", _NT, "DIALUP"),
    ("NU", "S-1-5-2", _NT, "NETWORK"),
    ("", "S-1-5-3", _NT, "BATCH"),
    ("IU", "S-1-5-4", _NT, "INTERACTIVE"),
    ("SU", "S-1-5-6", _NT, "SERVICE"),
    ("AN", "S-1-5-7", _NT, "ANONYMOUS LOGON"),
    ("", "S-1-5-8", _NT, "PROXY"),
    ("ED", "S-1-5-9", _NT, "ENTERPRISE DOMAIN CONTROLLERS"),
    ("PS", "S-1-5-10", _NT, "SELF"),
    ("AU", "S-1-5-11", _NT, "Authenticated Users"),
    ("RC", "S-1-5-12", _NT, "RESTRICTED"),
    ("", "S-1-5-13", _NT, "TERMINAL SERVER USER"),
    ("", "S-1-5-14", _NT, "REMOTE INTERACTIVE LOGON"),
    ("", "S-1-5-15", _NT, "This Organization"),
    ("", "S-1-5-17", _NT, "IUSR"),
    ("SY", "S-1-5-18", _NT, "SYSTEM"),
    ("LS", "S-1-5-19", _NT, "LOCAL SERVICE"),
    ("NS", "S-1-5-20", _NT, "NETWORK SERVICE"),
    ("WR", "S-1-5-33", _NT, "WRITE RESTRICTED"),
    ("", "S-1-5-113", _NT, "Local account"),
    ("", "S-1-5-114", _NT, "Local account and member of Administrators group"),
    ("", "S-1-5-64-10", _NT, "NTLM Authentication"),
    ("", "S-1-5-64-14", _NT, "SChannel Authentication"),
    ("", "S-1-5-64-21", _NT, "Digest Authentication"),
    ("", "S-1-5-65-1", _NT, "This Organization Certificate"),
    ("UD", "S-1-5-84-0-0-0-0-0", _NT, "USER MODE DRIVERS"),
    ("BA", "S-1-5-32-544", "BUILTIN", "Administrators"),
    ("BU", "S-1-5-32-545", "BUILTIN", "Users"),
    ("BG", "S-1-5-32-546", "BUILTIN", "Guests"),
    ("PU", "S-1-5-32-547", "BUILTIN", "Power Users"),
    ("AO", "S-1-5-32-548", "BUILTIN", "Account Operators"),
    ("SO", "S-1-5-32-549", "BUILTIN", "Server Operators"),
    ("PO", "S-1-5-32-550", "BUILTIN", "Print Operators"),
    ("BO", "S-1-5-32-551", "BUILTIN", "Backup Operators"),
    ("RE", "S-1-5-32-552", "BUILTIN", "Replicator"),
    ("RU", "S-1-5-32-554", "BUILTIN", "Pre-Windows 2000 Compatible Access"),
    ("RD", "S-1-5-32-555", "BUILTIN", "Remote Desktop Users"),
    ("NO", "S-1-5-32-556", "BUILTIN", "Network Configuration Operators"),
    ("", "S-1-5-32-557", "BUILTIN", "Incoming Forest Trust Builders"),
    ("MU", "S-1-5-32-558", "BUILTIN", "Performance Monitor Users"),
    ("LU", "S-1-5-32-559", "BUILTIN", "Performance Log Users"),
    ("", "S-1-5-32-560", "BUILTIN", "Windows Authorization Access Group"),
    ("", "S-1-5-32-561", "BUILTIN", "Terminal Server License Servers"),
    ("", "S-1-5-32-562", "BUILTIN", "Distributed COM Users"),
    ("IS", "S-1-5-32-568", "BUILTIN", "IIS_IUSRS"),
    ("CY", "S-1-5-32-569", "BUILTIN", "Cryptographic Operators"),
    ("ER", "S-1-5-32-573", "BUILTIN", "Event Log Readers"),
    ("CD", "S-1-5-32-574", "BUILTIN", "Certificate Service DCOM Access"),
    ("RA", "S-1-5-32-575", "BUILTIN", "RDS Remote Access Servers"),
    ("ES", "S-1-5-32-576", "BUILTIN", "RDS Endpoint Servers"),
    ("MS", "S-1-5-32-577", "BUILTIN", "RDS Management Servers"),
    ("HA", "S-1-5-32-578", "BUILTIN", "Hyper-V Administrators"),
    ("AA", "S-1-5-32-579", "BUILTIN", "Access Control Assistance Operators"),
    ("RM", "S-1-5-32-580", "BUILTIN", "Remote Management Users"),
    ("", "S-1-5-32-581", "BUILTIN", "System Managed Accounts Group"),
    ("", "S-1-5-32-582", "BUILTIN", "Storage Replica Administrators"),
    ("", "S-1-5-32-583", "BUILTIN", "Device Owners"),
    ("", "S-1-5-80-0", "NT SERVICE", "ALL SERVICES"),
    ("", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464", "NT SERVICE", "TrustedInstaller"),
    ("", "S-1-5-83-0", "NT VIRTUAL MACHINE", "Virtual Machines"),
    ("", "S-1-5-90-0", "Window Manager", "Window Manager Group"),
    ("", "S-1-5-93-2-1", "User Manager", "ContainerAdministrator"),
    ("", "S-1-5-93-2-2", "User Manager", "ContainerUser"),
    ("AC", "S-1-15-2-1", _APP, "ALL APPLICATION PACKAGES"),
    ("", "S-1-15-2-2", _APP, "ALL RESTRICTED APPLICATION PACKAGES"),
    ("", "S-1-15-3-1", _APP, "Your Internet connection"),
    ("", "S-1-16-0", _LABEL, "Untrusted Mandatory Level"),
    ("LW", "S-1-16-4096", _LABEL, "Low Mandatory Level"),
    ("ME", "S-1-16-8192", _LABEL, "Medium Mandatory Level"),
    ("MP", "S-1-16-8448", _LABEL, "Medium Plus Mandatory Level"),
    ("HI", "S-1-16-12288", _LABEL, "High Mandatory Level"),
    ("SI", "S-1-16-16384", _LABEL, "System Mandatory Level"),
    ("", "S-1-16-20480", _LABEL, "Protected Process Mandatory Level"),
    ("AS", "S-1-18-1", "", "Authentication authority asserted identity"),
    ("SS", "S-1-18-2", "", "Service asserted identity"),
))
"""Accounts with the same SID on every machine. ``alias`` is what SDDL writes for it."""

RELATIVE_ALIASES: dict[str, tuple[int, str]] = {
    "LA": (500, "the local Administrator account"), "LG": (501, "the local Guest account"),
    "RO": (498, "Enterprise Read-only Domain Controllers"), "DA": (512, "Domain Admins"),
    "DU": (513, "Domain Users"), "DG": (514, "Domain Guests"), "DC": (515, "Domain Computers"),
    "DD": (516, "Domain Controllers"), "CA": (517, "Cert Publishers"), "SA": (518, "Schema Admins"),
    "EA": (519, "Enterprise Admins"), "PA": (520, "Group Policy Creator Owners"),
    "CN": (522, "Cloneable Domain Controllers"), "AP": (525, "Protected Users"), "KA": (526, "Key Admins"),
    "EK": (527, "Enterprise Key Admins"), "RS": (553, "RAS and IAS Servers"),
}
"""SDDL aliases that mean a different SID in every domain or on every machine: alias to RID and words."""

CREATOR_OWNER, CREATOR_GROUP, OWNER_RIGHTS = Sid(3, (0,)), Sid(3, (1,)), Sid(3, (4,))
EVERYONE, SYSTEM, AUTHENTICATED_USERS = Sid(1, (0,)), Sid(5, (18,)), Sid(5, (11,))
ADMINISTRATORS, USERS = Sid(5, (32, 544)), Sid(5, (32, 545))
TRUSTED_INSTALLER = Sid(5, (80, 956008885, 3418522649, 1831038044, 1853292631, 2271478464))
CONTAINER_ADMINISTRATOR, CONTAINER_USER = Sid(5, (93, 2, 1)), Sid(5, (93, 2, 2))


def account_name(sid: Sid) -> str:
    """``BUILTIN\\Administrators`` for a well-known SID, else the SID's own text."""
    known = _by_sid().get(sid)
    return known.full_name() if known else str(sid)


def alias(sid: Sid) -> str:
    """The two letters that SDDL writes for a SID, or its text when it has none."""
    known = _by_sid().get(sid)
    return known.alias if known and known.alias else str(sid)


def from_alias(letters: str, domain: Sid | None = None) -> Sid | None:
    """The SID behind two letters of SDDL in any case; those of :data:`RELATIVE_ALIASES` need the ``domain``'s SID."""
    upper = letters.upper()
    if upper in RELATIVE_ALIASES and domain is not None:
        return Sid(domain.authority, (*domain.subs, RELATIVE_ALIASES[upper][0]))
    return _by_alias().get(upper)


def find_account(text: str) -> Sid | None:
    """The SID that people mean by ``text``, or ``None`` when it is not one of the same on every machine.

    Understood, in any case: ``BUILTIN\\Users``, ``Users``, ``S-1-5-32-545`` and ``*S-1-5-32-545`` (as icacls wants),
    ``BU``, ``NT SERVICE\\anything`` and ``IIS APPPOOL\\anything`` (their SIDs are made from the name).
    """
    text = text.strip()
    if text[:3].upper() == "S-1" or text[:4].upper() == "*S-1":
        try:
            return Sid.parse(text.removeprefix("*"))
        except FormatError:
            return None
    domain, separator, name = text.rpartition("\\")
    found = _by_name().get((domain.upper(), name.upper()))
    if found is None and separator and name and domain.upper() in ("NT SERVICE", "IIS APPPOOL"):
        return service_sid(name) if domain.upper() == "NT SERVICE" else app_pool_sid(name)
    if found is None and not separator:
        return from_alias(text)
    return found


def service_sid(name: str) -> Sid:
    """The SID of ``NT SERVICE\\name``: S-1-5-80 and the SHA-1 of the name in upper case ("sc showsid")."""
    return _hashed(80, name.upper())


def app_pool_sid(name: str) -> Sid:
    """The SID of ``IIS APPPOOL\\name``: S-1-5-82 and the SHA-1 of the name in lower case."""
    return _hashed(82, name.lower())


def _hashed(kind: int, name: str) -> Sid:
    import hashlib

    digest = hashlib.sha1(name.encode("utf-16-le", "surrogatepass"), usedforsecurity=False).digest()
    return Sid(5, (kind, *(int.from_bytes(digest[at:at + 4], "little") for at in range(0, 20, 4))))


@lru_cache(maxsize=1)
def _by_sid() -> dict[Sid, Known]:
    return {known.sid: known for known in WELL_KNOWN}


@lru_cache(maxsize=1)
def _by_alias() -> dict[str, Sid]:
    return {known.alias: known.sid for known in WELL_KNOWN if known.alias}


@lru_cache(maxsize=1)
def _by_name() -> dict[tuple[str, str], Sid]:
    """By domain and name in upper case, and by the name alone."""
    names = {("", known.name.upper()): known.sid for known in WELL_KNOWN}
    names.update({(known.domain.upper(), known.name.upper()): known.sid for known in WELL_KNOWN})
    return names
