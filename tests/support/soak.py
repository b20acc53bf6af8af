# SPDX-License-Identifier: Apache-2.0
"""A tunnel over WinRM under faults, for as long as is asked: what became of each request?"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.streams import STDERR, STDOUT
from imagebuild.errors import WcowError
from imagebuild.host.tunnel import Tunnel
from imagebuild.hostd.winrm.trouble import Trouble

from . import scripted_engines, tunnels
from .exec_engine import engine, said

FAULTS = (
    Trouble("latency", "0.3", "", 2), Trouble("latency", "1", "receive", 1), Trouble("drop", "", "receive", 1),
    Trouble("drop", "", "send", 1), Trouble("drop", "", "command", 1), Trouble("drop", "", "create", 1),
    Trouble("http", "503", "", 1), Trouble("http", "401", "", 1), Trouble("wsman", "operation-quota", "command", 1),
    Trouble("wsman", "shell-quota", "create", 1), Trouble("wsman", "timed-out", "receive", 2),
    Trouble("wsman", "timed-out", "send", 1), Trouble("wsman", "no-shell", "receive", 1))
PATIENCE = 120.0
"""Seconds in which a request must have ended, well or not."""


@dataclass
class Soaked:
    """What came of it: requests by their kind, those that failed or whose output was cut, what the tunnel ``told`` of
    requests it lost, the faults that were met, and the longest time of a request."""

    asked: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    faults: int = 0
    again: int = 0
    slowest: float = 0.0

    @property
    def silent(self) -> int:
        """Requests that were lost without a word of the tunnel about them."""
        return max(0, len(self.failed) - len(self.told))


def soak(folder: Path, seconds: float, *, clients: int = 4, seed: int = 1) -> Soaked:
    """Ask an engine through a tunnel from many threads while faults come, and look at every answer."""
    result, lock, chance = Soaked(), threading.Lock(), random.Random(seed)

    def say(line: str) -> None:
        with lock:
            if ": lost, " in line:
                result.told.append(line)
            else:
                result.again += 1

    def work(number: int, address: str) -> None:
        mine, at = random.Random(f"{seed}.{number}"), 0
        with Client.at(address, version="1.45", timeout=PATIENCE, deadline=PATIENCE, silence=PATIENCE) as client:
            while time.monotonic() < end:
                at += 1
                kind, begun = mine.choice(("ping", "inspect", "exec", "exec", "load")), time.monotonic()
                try:
                    why = _ask(client, kind, f"e{number}x{at}", mine)
                except (WcowError, OSError) as error:
                    why = f"{kind}: {error}"
                with lock:
                    result.asked[kind] += 1
                    result.slowest = max(result.slowest, time.monotonic() - begun)
                    if why:
                        result.failed.append(why)

    end = time.monotonic() + seconds
    with (scripted_engines.on_unix(folder / "engine.sock", engine),
          tunnels.winrm_host(folder, engine=f"unix://{folder}/engine.sock") as (host, served),
          Tunnel(host.dialer, folder / "t" / "t.sock", say=say) as tunnel):
        threads = [threading.Thread(target=work, args=(number, tunnel.address)) for number in range(clients)]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.2, 1.0))
            served.loop.call_soon_threadsafe(served.service.troubles.add, chance.choice(FAULTS))
            result.faults += 1
        served.loop.call_soon_threadsafe(served.service.troubles.clear)
        for thread in threads:
            thread.join(PATIENCE * 2)
            assert not thread.is_alive(), "a request never ended"
        with Client.at(tunnel.address) as client:
            client.ping()  # it goes on
    return result


def _ask(client: Client, kind: str, name: str, chance: random.Random) -> str:
    """One request; what was wrong with its answer, empty when it was right."""
    if kind == "ping":
        client.json("GET", "/version")
    elif kind == "inspect":
        if client.json("GET", f"/exec/{name}/json")["ExitCode"] != 0:
            return "inspect: another answer"
    elif kind == "load":
        body = chance.randbytes(300_000)
        found = client.json("POST", "/images/load", body=body)["stream"]
        assert found == hashlib.sha256(body).hexdigest(), "a body arrived changed"
    else:
        streams: dict[int, bytes] = {STDOUT: b"", STDERR: b""}
        with client.attach(f"/exec/{name}/start", body={"Detach": False, "Tty": False}) as stream:
            for piece in stream.pieces():
                streams[piece.stream] += piece.data
        out, err = said(name)
        assert out.startswith(streams[STDOUT]) and err.startswith(streams[STDERR]), "output of another"
        if (streams[STDOUT], streams[STDERR]) != (out, err):
            return f"exec {name}: its output was cut"
    return ""
