# SPDX-License-Identifier: Apache-2.0
"""Networks of the kernel, used by plain Linux programs; skipped, with what the kernel said, where it refuses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from support import networking
from support.networking import PYTHON, A, B, C, alive, eventually, networks, program_in, real_kernel, resolver, run_in

from imagebuild.dockerapi import shapes
from imagebuild.engine.interfaces import Published, Wanted
from imagebuild.engine.networks.collection import Networks
from imagebuild.engine.networks.kernel import Carried, Link
from imagebuild.engine.networks.process import AgentKernel, nameservers
from imagebuild.errors import ToolError
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.port import Namespace

ROOT = Path(__file__).resolve().parents[4]
SERVER = "import http.server as h; h.ThreadingHTTPServer(('0.0.0.0', 80), h.SimpleHTTPRequestHandler).serve_forever()"


@pytest.fixture(scope="module")
def kernel() -> Iterator[AgentKernel]:
    with real_kernel() as made:
        yield made


@pytest.fixture
def net(tmp_path: Path, kernel: AgentKernel) -> Iterator[Networks]:
    made = networks(tmp_path, kernel)
    yield made
    for container in (A, B, C):
        made.detach(container)
    for network in made.all():
        number = made._bridges.get(network.id)
        if number is not None:
            kernel.unbridge(number)


def space(net: Networks, container: str, name: str, *wanted: Wanted, ports: tuple[Published, ...] = ()) -> Namespace:
    found = net.attach(container, name, wanted or (Wanted("nat"),), ports).namespace
    assert found
    return found


def fetched(url: str) -> bytes:
    found = b""

    def there() -> bool:
        nonlocal found
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found = answer.read()
        except OSError:
            return False
        return True

    eventually(there)
    return found


def test_a_server_in_one_container_is_found_by_name_from_another_and_from_outside(net: Networks) -> None:
    web = space(net, A, "web", Wanted("nat", ("www",)), ports=(Published(80),))
    with program_in(web, PYTHON, "-c", SERVER):
        port = net.attachment(A).published[0].host_port  # type: ignore[union-attr]
        assert b"Directory listing" in fetched(f"http://127.0.0.1:{port}/")
        client = space(net, B, "client")
        assert run_in(client, PYTHON, "-c", resolver("WEB", "172.28.0.1")) == "0 172.28.0.2\n"
        assert run_in(client, PYTHON, "-c", resolver("www", "172.28.0.1")) == "0 172.28.0.2\n"
        assert run_in(client, PYTHON, "-c", resolver(A[:12], "172.28.0.1")) == "0 172.28.0.2\n"
        assert run_in(client, PYTHON, "-c", resolver("web", "172.28.0.1", 28)) == "0\n"
        assert run_in(client, PYTHON, "-c", resolver("nobody", "172.28.0.1")) == "3\n"
        page = run_in(client, PYTHON, "-c", "import urllib.request as u; print(u.urlopen('http://172.28.0.2/').read())")
        assert "Directory listing" in page


def test_a_container_sees_its_own_interfaces_only(net: Networks) -> None:
    inside = space(net, A, "web")
    assert run_in(inside, PYTHON, "-c", "import socket; print(sorted(n for _, n in socket.if_nameindex()))") == \
        "['eth0', 'lo']\n"
    outside = space(net, B, "b", Wanted("none"))
    assert "'eth0'" not in run_in(outside, PYTHON, "-c", "import socket; print(socket.if_nameindex())")
    assert run_in(outside, PYTHON, "-c", "import socket; s = socket.create_server(('127.0.0.1', 80)); "
                  "socket.create_connection(('127.0.0.1', 80)); print('ok')") == "ok\n"


def test_programs_without_any_right_may_listen_on_every_port_and_ping(net: Networks) -> None:
    """Boxes are in a user namespace of their own, where nobody is root of the network's."""
    for wanted in (Wanted("nat"), Wanted("none")):
        inside = space(net, A, "web", wanted)
        assert run_in(inside, "unshare", "--user", PYTHON, "-c", "import socket as s; s.create_server(('', 80)); "
                      "s.socket(s.AF_INET, s.SOCK_DGRAM, s.IPPROTO_ICMP); print('ok')") == "ok\n"


def test_who_joins_a_container_reaches_it_by_loopback_and_outlives_it(net: Networks) -> None:
    web = space(net, A, "web")
    joined = net.join(B, "db", A).namespace
    assert joined and joined.net != web.net
    count = "import socket; print(len(socket.if_nameindex()))"
    with program_in(web, PYTHON, "-c", SERVER):
        get = "import urllib.request as u; print(len(u.urlopen('http://127.0.0.1/').read()) > 0)"
        eventually(lambda: "True" in run_in(joined, PYTHON, "-c", f"try:\n {get}\nexcept OSError: print('no')"))
    assert run_in(joined, PYTHON, "-c", count) == "2\n"
    net.detach(A)
    other = space(net, C, "other")  # takes the descriptor that A had
    eventually(lambda: run_in(joined, PYTHON, "-c", count) == "1\n")
    assert run_in(other, PYTHON, "-c", count) == "2\n"


CONNECTS = "import socket, sys; s = socket.socket(); s.settimeout(0.7); print(s.connect_ex(('{}', 80)))"


def test_networks_do_not_reach_each_other_unless_a_container_is_in_both(net: Networks) -> None:
    net.create(shapes.NetworkCreate(name="other"))
    web = space(net, A, "web")
    other = space(net, B, "b", Wanted("other"))
    with program_in(web, PYTHON, "-c", SERVER):
        eventually(lambda: run_in(web, PYTHON, "-c", CONNECTS.format("127.0.0.1")) == "0\n")
        assert run_in(other, PYTHON, "-c", CONNECTS.format("172.28.0.2")) != "0\n"
        assert run_in(other, PYTHON, "-c", resolver("web", "172.28.16.1")) == "3\n"
        net.connect(B, Wanted("nat"))
        assert run_in(other, PYTHON, "-c", CONNECTS.format("172.28.0.2")) == "0\n"
        assert run_in(other, PYTHON, "-c", resolver("web", "172.28.16.1")) == "0 172.28.0.2\n"
        net.disconnect(B, "nat")
        assert run_in(other, PYTHON, "-c", CONNECTS.format("172.28.0.2")) != "0\n"


def test_the_way_out_moves_to_the_network_that_is_left(net: Networks) -> None:
    net.create(shapes.NetworkCreate(name="other"))
    inside = space(net, A, "web")
    net.connect(A, Wanted("other"))
    net.disconnect(A, "nat")
    routes = run_in(inside, PYTHON, "-c", "print(open('/proc/net/route').read())")
    assert next(line.split()[:3] for line in routes.splitlines()[1:] if line) == ["eth1", "00000000", "01101CAC"]


def test_udp_is_published_both_ways(net: Networks) -> None:
    echo = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 53))\n"
            "while True:\n d, a = s.recvfrom(9999); s.sendto(d.upper(), a)")
    inside = space(net, A, "web", ports=(Published(53, "udp"),))
    with program_in(inside, PYTHON, "-c", echo), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)

        def answered() -> bool:
            client.sendto(b"hello", ("127.0.0.1", net.attachment(A).published[0].host_port))  # type: ignore[union-attr]
            try:
                return client.recv(100) == b"HELLO"
            except TimeoutError:
                return False

        eventually(answered)


def test_an_address_goes_to_the_next_container_at_once(net: Networks) -> None:
    client = space(net, B, "client")
    for round_ in range(3):
        web = space(net, A, "web", Wanted("nat", address="172.28.0.9"))
        with program_in(web, PYTHON, "-c", SERVER):
            eventually(lambda: run_in(client, PYTHON, "-c", CONNECTS.format("172.28.0.9")) == "0\n")
        net.detach(A)
        assert run_in(client, PYTHON, "-c", CONNECTS.format("172.28.0.9")) != "0\n", round_


def test_a_container_cannot_reach_this_machines_loopback(net: Networks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        inside = space(net, A, "web")
        for address in ("127.0.0.1", "172.28.0.1"):
            line = f"import socket; s = socket.socket(); s.settimeout(0.7); print(s.connect_ex(('{address}', {port})))"
            assert run_in(inside, PYTHON, "-c", line) != "0\n"


def test_a_container_is_attached_in_milliseconds(net: Networks) -> None:
    net.attach(A, "first", [Wanted("nat")], [])
    times = []
    for _ in range(9):
        begin = time.perf_counter()
        net.attach(B, "b", [Wanted("nat")], [])
        times.append(time.perf_counter() - begin)
    assert sorted(times)[4] < 0.25  # 3 ms on an idle machine


def test_what_the_kernel_refuses_is_said_and_undone(kernel: AgentKernel) -> None:
    kernel.bridge(90, IPv4Interface("10.90.0.1/24"), True)
    with pytest.raises(ToolError) as caught:
        kernel.bridge(90, IPv4Interface("10.91.0.1/24"), True)
    assert caught.value.why == "add bridge br90: File exists"
    good = Link(90, IPv4Interface("10.90.0.2/24"), "00:15:5d:5a:00:02", "10.90.0.1", ("x",))
    bad = Link(91, IPv4Interface("10.91.0.2/24"), "00:15:5d:5b:00:02")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with pytest.raises(ToolError, match="No such device"):
        kernel.attach("x", [good, bad], [Carried(listener, "tcp", "10.90.0.2", 80)])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    kernel.attach("x", [good], [])
    kernel.detach("x")
    kernel.detach("x")
    kernel.unlink("x", 90)
    with pytest.raises(ToolError):
        kernel.link("nobody", good)
    kernel.unbridge(90)
    kernel.unbridge(90)
    assert kernel.facts().works


def test_many_containers_come_and_go_without_leaving_descriptors(net: Networks, kernel: AgentKernel) -> None:
    assert kernel._process
    folder = Path(f"/proc/{kernel._process.pid}/fd")

    def once() -> int:
        for name in (A, B, C):
            net.attach(name, name, [Wanted("nat")], [Published(80), Published(80, "udp")])
        for name in (A, B, C):
            net.detach(name)
        return len(list(folder.iterdir()))

    assert once() == once() == once()


def test_facts_say_when_the_process_has_gone_and_containers_are_not_started_without_it(tmp_path: Path) -> None:
    with real_kernel() as kernel:
        net = networks(tmp_path, kernel)
        net.attach(A, "web", [Wanted("nat")], [])
        assert kernel._process
        kernel._process.kill()
        eventually(lambda: not kernel.facts().works)
        assert net.gaps()[0].startswith("No networks: the process that held the networks has ended")
        net.detach(A)
        assert net.attach(B, "b", [Wanted("nat")], []).namespace is None
        net.close()
        net.close()


def test_the_process_ends_by_itself_when_nobody_asks_any_more() -> None:
    with real_kernel() as kernel:
        process = kernel._process
    assert process and process.returncode == 0


ENGINE = """
import sys, time; sys.path.insert(0, sys.argv[1])
import socket
from ipaddress import IPv4Interface
from imagebuild.engine.networks.kernel import Carried, Link
from imagebuild.engine.networks.process import AgentKernel
kernel = AgentKernel(outbound=sys.argv[2] == "out")
facts = kernel.start()
print(facts.works, facts.why or "-", kernel._process.pid, facts.outbound, flush=True)
if facts.works:
    kernel.bridge(1, IPv4Interface("10.90.0.1/24"), True)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    link = Link(1, IPv4Interface("10.90.0.2/24"), "00:15:5d:5a:00:02", "10.90.0.1", ("web",))
    space = kernel.attach("x", [link], [Carried(listener, "tcp", "10.90.0.2", 80)])
    print(port, space.net, space.user, flush=True)
    time.sleep(600)
"""


def engine(*become: str, outbound: str = "-") -> subprocess.Popen[str]:
    python = [sys.executable] if not become else [PYTHON]
    return subprocess.Popen([*become, *python, "-c", ENGINE, str(ROOT), outbound], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd="/")


def test_nothing_is_left_when_the_engine_is_killed() -> None:
    with real_kernel():
        pass
    for _ in range(5):
        with engine() as process:
            assert process.stdout and process.stderr
            works, *_, agent, _ = process.stdout.readline().split()
            port, *_ = process.stdout.readline().split()
            assert works == "True" and alive(int(agent))
            process.send_signal(signal.SIGKILL)
            process.wait()
            eventually(lambda agent=agent: not alive(int(agent)), 2)
            eventually(lambda agent=agent: not mentions(agent), 2)
            eventually(lambda port=port: refused(int(port)), 2)


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def mentions(pid: str) -> list[int]:
    """Processes of this machine that were started for a process's namespaces."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if f"/proc/{pid}/".encode() in line:
                found.append(int(folder.name))
    return found


def test_a_normal_user_has_networks_too() -> None:
    """As the account ``nobody`` when the tests run as root; they run as a normal user anyway otherwise."""
    if os.geteuid() != 0:
        pytest.skip("the other tests of this file are this one: nobody here is root")
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    can = subprocess.run([*become, PYTHON, "-c", f"open({str(ROOT / 'imagebuild/errors.py')!r})"], cwd="/",
                         capture_output=True)
    if can.returncode:
        pytest.skip("nobody may not read this folder")
    with real_kernel():
        pass
    with engine(*become) as process:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        assert line.startswith("True"), line + process.stderr.read()
        _, net, user = process.stdout.readline().split()
        inside = Namespace(Path(net), Path(user))
        assert "eth0" in subprocess.run(
            [*networking.inside(inside, Account(65534, 65534, True)), PYTHON, "-c",
             "import socket; print(socket.if_nameindex())"], capture_output=True, text=True, cwd="/", check=True).stdout
        process.kill()


def test_a_way_out_exists_where_pasta_and_the_machine_allow_it(tmp_path: Path) -> None:
    with real_kernel(outbound=True) as kernel:
        facts = kernel.facts()
        if not facts.outbound:
            pytest.skip(f"no way out: {facts.why_no_outbound} (package passt)")
        net = networks(tmp_path, kernel)
        net.create(shapes.NetworkCreate(name="inner", internal=True))
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
            servers = nameservers(Path("/etc/resolv.conf"))
            if not servers:
                pytest.skip("this machine has no resolver to reach")
            probe.connect((servers[0], 53))
        line = resolver("localhost", servers[0])
        assert run_in(space(net, A, "web"), PYTHON, "-c", line)[0] in "03"
        with pytest.raises(subprocess.CalledProcessError):
            run_in(space(net, B, "b", Wanted("inner")), PYTHON, "-c", line)


def test_resolvers_are_read_from_resolv_conf(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# a comment\nsearch example\nnameserver 192.0.2.53\nnameserver fd00::1\nnameserver\n"
                    "nameserver 127.0.0.53\n")
    assert nameservers(path) == ["192.0.2.53", "127.0.0.53"]
    assert nameservers(tmp_path / "none") == []


def test_without_user_namespaces_the_facts_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.engine.networks.process._START",
                        "import os; os.write(2, b'unshare: no such thing\\n')")
    kernel = AgentKernel()
    assert kernel.start() == kernel.start() == kernel.facts()
    assert (kernel.facts().works, kernel.facts().why) == (False, "unshare: no such thing")
    with pytest.raises(ToolError, match="there are no networks"):
        kernel.bridge(1, IPv4Interface("10.90.0.1/24"), True)
    kernel.detach("x")
    kernel.close()
    kernel.close()
