# SPDX-License-Identifier: Apache-2.0
"""The first verdict: does Microsoft support it?

What its tables say where they have a row, the newest table first; where none has, what their rule would say, marked as
inferred. The tables' rule, over all their rows: Hyper-V isolation takes images that are not newer than the host;
process isolation takes equal builds, and from 20348 on what :func:`~.generations.accepts` says of G3. The rows that
differ are listed in the documentation.
"""

from __future__ import annotations

from functools import lru_cache

from ...windows.facts.host import Product
from ...windows.releases import release
from ..verdict import Reason, Verdict
from .generations import accepts
from .pair import Pair, unlisted
from .particulars import CLIENT_PROCESS, STATEMENTS
from .tables import Cell, Table, lookup


def support_verdict(found: Pair) -> Verdict:
    """What Microsoft says of the pair."""
    host, image = found.host_build, found.image_build
    if host is None:
        return Verdict("unknown", "none", (Reason("host-version-unknown"),))
    if image is None:
        return Verdict("unknown", "none", (Reason("image-version-unknown", (found.image.os_version[:40],)),))
    if found.image_windows != found.host_windows:
        return Verdict("no", "inferred", (_other_windows(found),))
    stated = next((row for row in STATEMENTS if (row.host_build, row.image_build) == (host, image)), None)
    if stated is not None and found.isolation == "process":
        return Verdict("yes", "documented", (
            Reason("stated", (found.image_name, found.host_name), stated.source),))
    rows = _rows(host, found.host.product, image)
    unknown = unlisted(found)
    if rows and not unknown:
        return _listed(found, rows)
    fits = image <= host if found.isolation == "hyperv" else accepts("G3", host, image)
    return Verdict("likely" if fits else "no", "inferred", (
        Reason("not-listed", (found.image_name, found.host_name, found.isolation)), *unknown))


@lru_cache(4096)
def _rows(host: int, product: Product, image: int) -> tuple[tuple[Table, Cell], ...]:
    """The rows of all tables. Of a host that may be server or client, a server when such a release exists."""
    if not product:
        known = release(host)
        product = "server" if known is not None and known.server else "client"
    return lookup(host, product, image)


def _listed(found: Pair, rows: tuple[tuple[Table, Cell], ...]) -> Verdict:
    if (found.image_build or 0) > (found.host_build or 0):
        # Today's row for Windows 10 names no version, and so says yes of hosts older than the image; tables that name
        # the version deny it.
        rows = tuple(row for row in rows if not (row[1].hyperv or row[1].process)) or rows
    table, cell = rows[0]
    says = cell.hyperv if found.isolation == "hyperv" else cell.process
    reasons = [Reason("supported" if says else "not-supported",
                      (found.image_name, found.host_name, found.isolation), table.source(cell))]
    if table.id != "ms-compat":
        reasons.append(Reason("older-table", (table.published,)))
    opposite = [older for older, other in rows[1:]
                if (other.hyperv if found.isolation == "hyperv" else other.process) != says]
    if opposite:
        reasons.append(Reason("table-says-otherwise", (opposite[0].published,)))
    if not says and found.isolation == "process" and found.host.product == "client" and \
            found.host_build == found.image_build and cell.first <= CLIENT_PROCESS <= (found.host_build or 0):
        reasons.append(Reason("client-process-works"))
    return Verdict("yes" if says else "no", "documented", tuple(reasons))


def _other_windows(found: Pair) -> Reason:
    return Reason("other-windows", ("{}.{}".format(*found.image_windows), "{}.{}".format(*found.host_windows)))
