# SPDX-License-Identifier: Apache-2.0
"""What to warn of when an index is made, whatever host it is for: the same rules, asked of known hosts.

The day that counts is the one of the table of releases, so that equal input gets equal warnings on every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..oci.descriptor import Platform
from ..oci.manifest import Index
from ..oci.versions import Trap, is_image, traps
from ..windows.facts.host import HostFacts
from ..windows.releases import UPDATED
from .engine import Engine, parse_engine
from .grid import known_hosts
from .picks import pick

ENGINES = ("docker-28", "containerd-1.7.6", "containerd-2.1")
"""An engine of each way to choose that people have today."""


def index_traps(index: Index) -> tuple[Trap, ...]:
    """What engines would trip over in an index: what its order and its entries do (:func:`..oci.versions.traps`), and
    where an engine takes an entry that does not run although another one would."""
    platforms = [entry.platform if is_image(entry) else Platform("unknown", "unknown") for entry in index.manifests]
    digests = [str(entry.digest) for entry in index.manifests]
    out = list(traps(index))
    for taken, better, hosts in wrong_picks(platforms):
        out.append(Trap("wrong-pick", f"{_shown(platforms[taken])} is what {hosts} would take, where it does not run; "
                        f"{_shown(platforms[better])} would", (digests[taken], digests[better])))
    return tuple(out)


def wrong_picks(entries: Sequence[Platform | None]) -> Iterator[tuple[int, int, str]]:
    """The entry taken, the one that would run, and who takes it (``Windows Server 2022 with docker 28``), once for each
    pair of entries. Hosts are those that get updates, containers are process-isolated."""
    windows = [entry for entry in entries if entry is not None and entry.os == "windows"]
    if len(windows) < 2:
        return
    engines = tuple(map(parse_engine, ENGINES))
    who: dict[tuple[int, int], list[str]] = {}
    for architecture in sorted({entry.architecture for entry in windows}):
        for host in known_hosts(UPDATED):
            for engine in engines:
                found = _wrong(entries, replace(host, architecture=architecture), engine)
                if found is not None:
                    who.setdefault(found, []).append(f"{host.name} with {engine.kind} {engine.version[0]}")
    for (taken, better), names in who.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield taken, better, names[0] + more


def _wrong(entries: Sequence[Platform | None], host: HostFacts, engine: Engine) -> tuple[int, int] | None:
    found = pick(entries, host, engine, isolation="process")
    if found.place is None or found.better is None or found.runs != "no":
        return None
    return found.place, found.better


def _shown(platform: Platform | None) -> str:
    return str(platform) if platform else "an entry without platform"
