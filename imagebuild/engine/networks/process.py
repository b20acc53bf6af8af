# SPDX-License-Identifier: Apache-2.0
"""The kernel's side of networks in a process of ours (:mod:`..netagent`): started with the engine, gone with it.

The process is in a user namespace of the account that boxes run as; a box is put into its container's network by the
files of ``/proc`` that :class:`~...runtime.port.Namespace` names. ``pasta`` (package passt), where it is there and
allowed, gives the containers a way out as that account's own connections.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from typing import IO, Any

from ...errors import ToolError
from ...runtime.linux.account import Account, choose
from ...runtime.linux.starter import Starter
from ...runtime.port import Namespace
from .kernel import Carried, KernelFacts, Link

ANSWER_SECONDS = 30.0
"""The kernel answers within milliseconds; a machine that is stopped and goes on takes longer."""
PASTA_SECONDS = 5.0
_MESSAGE = 1 << 17
_START = "import sys; sys.path.append(sys.argv[1]); from netagent.agent import main; main(*map(int, sys.argv[2:]))"


class AgentKernel:
    """See :class:`~.kernel.Kernel`. ``outbound`` false leaves pasta alone."""

    def __init__(self, account: Account | None = None, *, outbound: bool = True) -> None:
        self._account = account or choose()
        self._outbound = outbound
        self._lock = threading.Lock()
        self._starter = Starter()
        self._process: subprocess.Popen[bytes] | None = None
        self._pasta: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._facts: KernelFacts | None = None
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by close

    # --- beginning and end

    def start(self) -> KernelFacts:
        """See :meth:`.kernel.Kernel.start`."""
        with self._lock:
            if self._facts is None:
                try:
                    self._starter.call(self._begin)
                    self._ask("probe")
                    self._facts = KernelFacts(True)
                except (OSError, ToolError) as error:
                    why = error.why if isinstance(error, ToolError) else error.strerror or str(error)
                    self._facts = KernelFacts(False, why, False, "there are no networks")
                    self._end()
                else:
                    why = self._open_way_out()
                    self._facts = replace(self._facts, outbound=not why, why_no_outbound=why)
            return self._facts

    def facts(self) -> KernelFacts:
        """See :meth:`.kernel.Kernel.facts`."""
        facts = self._facts or KernelFacts(False, "not started", False, "not started")
        if facts.works and (self._process is None or self._process.poll() is not None):
            return KernelFacts(False, "the process that held the networks has ended", False, "there are no networks")
        if facts.outbound and self._pasta is not None and self._pasta.poll() is not None:
            return replace(facts, outbound=False, why_no_outbound="pasta has ended")
        return facts

    def close(self) -> None:
        """See :meth:`.kernel.Kernel.close`."""
        with self._lock:
            self._end()
            self._said.close()
        self._starter.close()

    def _begin(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        account = self._account
        who = [account.uid, account.gid] if account.drop else [-1, -1]
        with theirs:
            # It gives root up by itself, after Python has read what root may read and the account perhaps not.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, str(Path(__file__).parents[1]),
                 *map(str, (theirs.fileno(), os.getpid(), *who))],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._said, env={}, cwd="/",
                pass_fds=[theirs.fileno()])
        ours.settimeout(ANSWER_SECONDS)
        self._channel = ours
        self._answer("start the networks' process")

    def _end(self) -> None:
        if self._channel:
            self._channel.close()
            self._channel = None
        for process in (self._pasta, self._process):
            if process:
                with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed in the next line
                    process.wait(0 if process is self._pasta else 2)
                process.kill()
                process.wait()

    # --- a way out

    def _open_way_out(self) -> str:
        """Start pasta; empty when it works, else why it does not."""
        if not self._outbound:
            return "switched off"
        program = shutil.which("pasta", path="/usr/local/bin:/usr/bin:/bin")
        if not program:
            return "pasta is not installed (package passt)"
        assert self._process is not None
        space = f"/proc/{self._process.pid}/ns"
        # -t none and its like: no port of the machine is opened; --no-map-gw: the machine's loopback stays its own.
        argv = [program, "--foreground", "--quiet", "--ipv4-only", "--config-net", "--no-map-gw", "--tcp-ports", "none",
                "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none", "--userns", f"{space}/user",
                "--netns", f"{space}/net"]
        with tempfile.TemporaryFile() as said:
            try:
                self._pasta = self._starter.call(lambda: subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env={}, cwd="/",
                    **self._account.popen()))
            except OSError as error:
                return f"pasta: {error.strerror}"
            end = time.monotonic() + PASTA_SECONDS
            while time.monotonic() < end:
                if self._ask("way_out")["found"]:
                    return self._forward_names()
                if self._pasta.poll() is not None:
                    return f"pasta: {_line(said, 0) or self._pasta.returncode}"
                time.sleep(0.01)
            self._pasta.kill()
            return f"pasta: no route after {PASTA_SECONDS:g} s"

    def _forward_names(self) -> str:
        resolvers = nameservers(Path("/etc/resolv.conf"))
        if resolvers:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
                self._ask("forward", [outside.fileno()], resolvers=resolvers)
        return ""

    # --- networks and containers

    def bridge(self, number: int, gateway: IPv4Interface, outbound: bool) -> None:
        """See :meth:`.kernel.Kernel.bridge`."""
        with self._lock:
            self._ask("bridge", network=number, address=str(gateway), outbound=outbound)

    def unbridge(self, number: int) -> None:
        """See :meth:`.kernel.Kernel.unbridge`."""
        with self._lock:
            self._ask("unbridge", network=number)

    def attach(self, container: str, links: Sequence[Link], ports: Sequence[Carried]) -> Namespace:
        """See :meth:`.kernel.Kernel.attach`."""
        try:
            with self._lock:
                answer = self._ask("attach", [port.listener.fileno() for port in ports], container=container,
                                   links=[_document(link) for link in links],
                                   ports=[{"protocol": port.protocol, "address": port.address, "port": port.port}
                                          for port in ports])
                return self._space(answer)
        finally:
            for port in ports:
                port.listener.close()

    def listen(self, container: str, address: str, port: int) -> socket.socket:
        """See :meth:`.kernel.Kernel.listen`."""
        with self._lock:
            descriptors: list[int] = []
            self._ask("listen", received=descriptors, container=container, address=address, port=port)
            return socket.socket(fileno=descriptors[0])

    def share(self, container: str, other: str) -> Namespace:
        """See :meth:`.kernel.Kernel.share`."""
        with self._lock:
            return self._space(self._ask("share", container=container, other=other))

    def link(self, container: str, link: Link) -> None:
        """See :meth:`.kernel.Kernel.link`."""
        with self._lock:
            self._ask("link", container=container, **_document(link))

    def unlink(self, container: str, number: int) -> None:
        """See :meth:`.kernel.Kernel.unlink`."""
        with self._lock, contextlib.suppress(ToolError):
            self._ask("unlink", container=container, network=number)

    def detach(self, container: str) -> None:
        """See :meth:`.kernel.Kernel.detach`."""
        with self._lock, contextlib.suppress(ToolError):
            self._ask("detach", container=container)

    def _space(self, answer: dict[str, Any]) -> Namespace:
        assert self._process is not None
        proc = Path(f"/proc/{self._process.pid}")
        return Namespace(proc / "fd" / str(answer["descriptor"]), proc / "ns" / "user")

    # --- talking

    def _ask(self, do: str, descriptors: Sequence[int] = (), *, received: list[int] | None = None,
             **what: Any) -> dict[str, Any]:
        """Ask for something; descriptors that come with the answer go into ``received``."""
        if self._channel is None:
            raise ToolError(f"cannot {do}", program="networks", why="there are no networks")
        data = json.dumps({"do": do, **what}).encode()
        try:
            if descriptors:
                socket.send_fds(self._channel, [data], list(descriptors))
            else:
                self._channel.send(data)
        except OSError as error:
            raise ToolError(f"cannot {do}", program="networks", why=f"its process: {error.strerror}") from error
        return self._answer(do, received)

    def _answer(self, doing: str, received: list[int] | None = None) -> dict[str, Any]:
        assert self._channel is not None
        try:
            data, descriptors, _unused, _unused = socket.recv_fds(self._channel, _MESSAGE, 1)
            if received is not None:
                received += descriptors
        except OSError as error:
            self._channel.close()  # an answer that comes too late would be taken for the next one
            self._channel = None
            raise ToolError(f"cannot {doing}", program="networks", why=f"no answer: {error}") from error
        if not data:
            raise ToolError(f"cannot {doing}", program="networks", why=_line(self._said, -1) or "its process has ended")
        answer: dict[str, Any] = json.loads(data)
        if "error" in answer:
            raise ToolError(f"cannot {doing}", program="networks", why=answer["error"], code=answer["code"])
        return answer


def _document(link: Link) -> dict[str, Any]:
    return {"network": link.number, "address": str(link.interface), "gateway": link.gateway, "mac": link.mac,
            "names": list(link.names), "links": dict(link.links)}


def _line(file: IO[bytes], which: int) -> str:
    file.seek(0)
    lines = [line.strip() for line in file.read().decode("utf-8", "replace").split("\n") if line.strip()]
    return lines[which] if lines else ""


def nameservers(path: Path) -> list[str]:
    """The IPv4 addresses of the resolvers that a resolv.conf names."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [word[1] for word in words if len(word) > 1 and word[0] == "nameserver" and ":" not in word[1]][:3]
