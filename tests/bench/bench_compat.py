# SPDX-License-Identifier: Apache-2.0
"""Verdicts: one pair, a matrix of 20 hosts by 50 tags, and what importing the room costs.

Each figure is of a process of its own; the pairs are all different, so that nothing is answered from a cache of the
same question. The import is counted beyond the standard library that the room takes.
"""

from __future__ import annotations

import statistics

from support.bench import Report, python

RUNS = 7
_CHECK = """
import json, time
from imagebuild.compat import check, matrix, pick
from imagebuild.compat.documents import Subject
from imagebuild.compat.image import ImageFacts
from imagebuild.oci.descriptor import Platform
from imagebuild.windows.facts.host import HostFacts, WindowsVersion
from imagebuild.windows.releases import RELEASES
builds = [known.build for known in RELEASES]
sides = ("server", "client")
hosts = [HostFacts(WindowsVersion(10, 0, builds[n % len(builds)], n), product=sides[n % 2]) for n in range(20)]
images = [ImageFacts("windows", "amd64", f"10.0.{builds[n % len(builds)]}.{n}") for n in range(50)]
check(hosts[0], images[0])
start = time.perf_counter()
for host in hosts:
    for image in images:
        check(host, image)
pair = (time.perf_counter() - start) / 1000
subjects = [Subject(image.os_version, image) for image in images]
start = time.perf_counter()
matrix(hosts, subjects, isolations=("process",))
plain = time.perf_counter() - start
index = [Platform("windows", "amd64", f"10.0.{build}.1") for build in (26100, 20348, 17763)]
start = time.perf_counter()
for host in hosts * 10:
    pick(index, host)
print(json.dumps([pair, plain, (time.perf_counter() - start) / 200]))
"""
_IMPORT = """
import json, sys, time
start = time.perf_counter()
import dataclasses, datetime, functools, hashlib, itertools, json, pathlib, re, typing
standard = time.perf_counter()
import imagebuild.compat
from imagebuild.compat import check, pick, matrix
print(json.dumps([standard - start, time.perf_counter() - standard]))
"""


def test_verdicts(report: Report) -> None:
    """Seconds of verdicts and of the import."""
    python(_IMPORT)
    figures = [python(_CHECK) for _ in range(RUNS)]
    imports = [python(_IMPORT) for _ in range(RUNS)]
    pair, plain, picked = (statistics.median(run[place] for run in figures) for place in range(3))
    standard, room = (statistics.median(run[place] for run in imports) for place in range(2))
    report.lines("Verdicts (compat)", [
        "| | measured | bar |", "|---|---:|---:|",
        f"| `check` of one image on one host | {pair * 1e6:.0f} µs | 50 µs |",
        f"| matrix of 20 hosts by 50 tags | {plain * 1e3:.0f} ms | 50 ms |",
        f"| `pick` from an index of three, and its verdict | {picked * 1e6:.0f} µs | |",
        f"| importing the room, beyond {standard * 1e3:.0f} ms of the standard library | {room * 1e3:.0f} ms | 30 ms |",
    ])
