# SPDX-License-Identifier: Apache-2.0
"""Platforms as text, and which of them match, as containerd has it: ``windows(10.0.17763+win32k)/amd64``.

Docker, BuildKit, containerd and nerdctl all read and match platforms with one package, containerd/platforms; this is
the same in Python, of its version v1.0.0-rc.4 (``platforms.go``, ``database.go``, ``compare.go``,
``platform_windows_compat.go`` @09756f5). Earlier ones knew no features and no escapes, and matched by OS, version and
machine alone: give those candidates without features.

How two *Windows versions* compare changed from release to release and is not decided here: the matchers take a callable
``accepts(requested, candidate)`` that gets both texts as they are (either may be empty or nonsense) and is asked only
where both sides are Windows. :func:`same_build` is used where nobody gives another.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from ..errors import FormatError, quoted
from ..oci import Platform
from .rules.generations import parts as numbers

Accepts = Callable[[str, str], bool]
Machine = tuple[str, str]
"""Architecture and variant, normalised."""

OSES = frozenset({"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl",
                  "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"})
ARCHITECTURES = frozenset({
    "386", "amd64", "amd64p32", "arm", "arm64", "arm64be", "armbe", "loong64", "mips", "mips64", "mips64le",
    "mips64p32", "mips64p32le", "mipsle", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc",
    "sparc64", "wasm"})
"""What a word that stands alone may be (``database.go``, from Go's ``syslist.go``). In pairs anything goes."""

_OS = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?")
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_LEVEL = re.compile(r"v?([+-]?[0-9]{1,18})")
_ESCAPES = str.maketrans({"%": "%25", "+": "%2B", "(": "%28", ")": "%29", "/": "%2F"})
_VARIANTS = {"amd64": {"v1": ""}, "arm64": {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9",
                                            "v9.0": "v9"},
             "arm": {"": "v7", "7": "v7", "5": "v5", "6": "v6", "8": "v8"}}
_HIGHEST = 99
"""No architecture has a hundred levels; a request for more is matched as this one, so that nonsense takes no time."""


def parse(specifier: str, default_architecture: str = "amd64", default_os: str = "windows") -> Platform:
    """Read ``OS[(VERSION+FEATURE…)][/ARCHITECTURE[/VARIANT]]``, or an architecture alone.

    Names are normalised (``x86_64`` is ``amd64``), the version and the features may have ``%2B`` and the like. Where
    containerd takes what is missing from the machine it runs on, the defaults count. FormatError for everything else,
    and for an escape that is none, or whose bytes are no UTF-8 (containerd keeps those).
    """
    parts = specifier.split("/")
    if "*" in specifier:
        raise _wrong(specifier, "wildcards have no meaning here")
    found = _OS.fullmatch(parts[0])
    if found is None:
        raise _wrong(specifier, f"{quoted(parts[0][:60])} is no OS with a version in parentheses")
    for part in parts[1:]:
        if not _PART.fullmatch(part):
            raise _wrong(specifier, f"{quoted(part[:60])} is no architecture and no variant")
    if len(parts) > 3:
        raise _wrong(specifier, "a variant is the last that can follow")
    version = _decoded(found[2] or "", specifier)
    features = tuple(_decoded(word, specifier) for word in (found[3] or "").split("+")[1:])
    os = _os(found[1])
    if len(parts) == 1:
        if os in OSES:
            return Platform(os, default_architecture, version, features)
        architecture, variant = _machine(parts[0], "")
        if architecture not in ARCHITECTURES:
            raise _wrong(specifier, "there is no such OS and no such architecture")
        return Platform(default_os, architecture, variant="" if (architecture, variant) == ("arm", "v7") else variant)
    architecture, variant = _machine(parts[1], parts[2] if len(parts) == 3 else "")
    if len(parts) == 2 and (architecture, variant) == ("arm", "v7"):
        variant = ""
    elif len(parts) == 3 and (architecture, variant) == ("arm64", ""):
        variant = "v8"
    return Platform(os, architecture, version, features, variant)


def format(platform: Platform) -> str:
    """Write a platform as engines print it: features sorted and once, ``unknown`` where there is no OS.

    ``parse`` reads it back, unless a name has characters that have no place in one. (A part that is ``.`` or ``..`` is
    written too; engines clean it away as if it were a path.)
    """
    if not platform.os:
        return "unknown"
    features = sorted({feature for feature in platform.os_features if feature})
    options = "+".join(text.translate(_ESCAPES) for text in (platform.os_version, *features))
    os = f"{platform.os}({options})" if options else platform.os
    return "/".join(part for part in (os, platform.architecture, platform.variant) if part)


def normalize(platform: Platform) -> Platform:
    """The same platform with the names that Go has: OS, architecture and variant; features sorted and once.

    An empty OS stays empty (containerd puts its own there).
    """
    architecture, variant = _machine(platform.architecture, platform.variant)
    return replace(platform, os=_os(platform.os), architecture=architecture, variant=variant,
                   os_features=tuple(sorted(set(platform.os_features))))


def same_build(requested: str, candidate: str) -> bool:
    """Whether two Windows versions have one build: equal major, minor and build, or nothing asked or offered.

    Read as containerd does: what is no version asks for nothing, and is nothing that could be taken.
    """
    asked = numbers(requested)
    return asked == (0, 0, 0) or not candidate or numbers(candidate) == asked


def only(requested: Platform, candidate: Platform, *, accepts: Accepts = same_build) -> bool:
    """Whether an engine that was asked for one platform takes another: the same, or what the same machine runs too
    (386 on amd64, arm/v7 on arm64 …). ``Only`` of containerd, which pulls and builds use."""
    return rank(requested, candidate, accepts=accepts) is not None


def rank(requested: Platform, candidate: Platform, *, accepts: Accepts = same_build) -> int | None:
    """How near a candidate is to what was asked for: 0 is the very machine, higher is worse, ``None`` no match.

    Engines take the lowest, of those the one with the most ``os.features``, of those the first.
    """
    asked, offered = normalize(requested), normalize(candidate)
    machines = machines_of(asked)
    machine = (offered.architecture, offered.variant)
    if machine not in machines or not _same_os(asked, offered, accepts, strip=True):
        return None
    return machines.index(machine)


def only_strict(requested: Platform, candidate: Platform, *, accepts: Accepts = same_build) -> bool:
    """Whether a candidate is the platform that was asked for, in whatever spelling (``OnlyStrict``)."""
    asked, offered = normalize(requested), normalize(candidate)
    return (asked.architecture, asked.variant) == (offered.architecture, offered.variant) and \
        _same_os(asked, offered, accepts, strip=True)


def only_os(requested: Platform, candidate: Platform, *, accepts: Accepts = same_build) -> bool:
    """Whether a candidate has the OS, version and features that were asked for, on whatever machine (``OnlyOS``).

    Here ``win32k`` counts like every feature; the other matchers let it pass.
    """
    return _same_os(normalize(requested), normalize(candidate), accepts, strip=False)


def machines_of(platform: Platform) -> tuple[Machine, ...]:
    """Every machine whose programs a machine runs, the nearest first (``platformVector``). Of a variant of arm64 that
    containerd does not know there is none."""
    architecture, variant = _machine(platform.architecture, platform.variant)
    return tuple(dict.fromkeys(_machine(*machine) for machine in _vector(architecture, variant)))


def _vector(architecture: str, variant: str) -> list[Machine]:
    own = (architecture, variant)
    level = min(int(found[1]), _HIGHEST) if (found := _LEVEL.fullmatch(variant)) else 0
    if architecture == "amd64":
        return [own, *((architecture, f"v{lower}") for lower in range(level - 1, 0, -1)), ("386", "")]
    if architecture == "arm":
        return [own, *((architecture, f"v{lower}") for lower in range(level - 1, 4, -1))]
    if architecture != "arm64":
        return [own]
    found = re.fullmatch(r"v(?:8(?:\.([0-9]))?|9(?:\.([0-7]))?)", variant or "v8")
    if found is None:
        return []
    minor = int(found[1] or found[2] or 0)
    eighth = minor if variant[:2] != "v9" else min(minor + 5, 9)  # armv9.x has all of armv8.(x+5)
    ninth = [f"v9.{lower}" for lower in range(minor, -1, -1)] if variant[:2] == "v9" else []
    return [*(("arm64", name) for name in (*ninth, *(f"v8.{lower}" for lower in range(eighth, -1, -1)))),
            *_vector("arm", "v8")]


def _same_os(asked: Platform, offered: Platform, accepts: Accepts, *, strip: bool) -> bool:
    if asked.os != offered.os:
        return False
    windows = asked.os == "windows"
    if windows and not accepts(asked.os_version, offered.os_version):
        return False
    needed = set(offered.os_features) - ({"win32k"} if windows and strip else set())
    return needed <= set(asked.os_features)


def _os(name: str) -> str:
    lower = name.lower()
    return "darwin" if lower == "macos" else lower


def _machine(architecture: str, variant: str) -> Machine:
    architecture, variant = architecture.lower(), variant.lower()
    match architecture:
        case "i386":
            return "386", ""
        case "x86_64" | "x86-64":
            architecture = "amd64"
        case "aarch64":
            architecture = "arm64"
        case "armhf":
            return "arm", "v7"
        case "armel":
            return "arm", "v6"
    return architecture, _VARIANTS.get(architecture, {}).get(variant, variant)


def _decoded(text: str, specifier: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise _wrong(specifier, f"{quoted(text[:60])} has a % that is no escape")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _wrong(specifier, f"{quoted(text[:60])} is no text once it is unescaped") from None


def _wrong(specifier: str, why: str) -> FormatError:
    return FormatError(f"cannot read {quoted(specifier[:60])} as a platform", why=why,
                       hint="expected like windows/amd64, windows(10.0.20348)/amd64 or linux/arm64/v8")
