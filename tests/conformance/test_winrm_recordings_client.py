# SPDX-License-Identifier: Apache-2.0
"""What Windows answered, read by our client: commands of the remote shell run against the recordings in pypsrp's source
package, and every answer and fault of all recordings is understood. They are not part of this repository."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tarfile
import threading
from collections import defaultdict, deque
from importlib import metadata
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from support import programs

from imagebuild.errors import HostError
from imagebuild.host import HostAddress
from imagebuild.host.command import Lost
from imagebuild.host.wsman import answer, names, shell
from imagebuild.host.wsman.envelope import sender
from imagebuild.host.wsman.transport import Refused, Transports

pytestmark = pytest.mark.slow

ADDRESS = HostAddress("winrm", "server2016", 5986, "vagrant")
ACTION = re.compile(r"Action[^>]*>[^<]*/(\w+)<")
STREAM = re.compile(r'<rsp:Stream(?=[^>]* Name="(\w+)")[^>]*>([^<]*)</rsp:Stream>')
CODE = re.compile(r"<rsp:ExitCode>(-?\d+)</rsp:ExitCode>")
FAULT = re.compile(r'<f:WSManFault[^>]* Code="(\d+)"')
Messages = list[tuple[str, str]]


@pytest.fixture(scope="module")
def recorded() -> dict[str, Messages]:
    """Requests and answers of each file, read where pip puts the package."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    version = metadata.version("pypsrp")
    folder = programs.user_cache() / "downloads"
    package = folder / f"pypsrp-{version}.tar.gz"
    if not package.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                   "--no-deps", "--no-binary", ":all:", "--dest", str(folder), f"pypsrp=={version}"]
        subprocess.run(command, capture_output=True, check=False, timeout=300)
    with programs.skipping():
        if not package.exists():
            raise programs.Unavailable("pypsrp's source package, which holds the recordings, did not come from PyPI")
    out = {}
    with tarfile.open(package) as archive:
        for member in archive.getmembers():
            if re.search(r"/responses/test_\w+\.yml$", member.name):
                file = archive.extractfile(member)
                assert file is not None
                said = yaml.load(file.read(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["messages"]
                out[Path(member.name).stem] = [(one["request"], one["response"]) for one in said if one.get("response")]
    return out


class Windows:
    """A transport at whose end a recording answers: to each action what Windows answered it, in its order."""

    def __init__(self, messages: Messages) -> None:
        self._left: dict[str, deque[tuple[str, str]]] = defaultdict(deque)
        self.asked: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        for request, response in messages:
            found = ACTION.search(request)
            assert found is not None
            self._left[found[1]].append((request, response))

    def exchange(self, envelope: bytes, seconds: float) -> ElementTree.Element:
        text = envelope.decode()
        found = ACTION.search(text)
        assert found is not None
        if found[1] == "Receive" and self._left["Send"]:
            self._ended.wait(20)  # the program says something when it has had its input
        if b'End="true"' in envelope:
            self._ended.set()
        with self._lock:
            if not self._left[found[1]]:
                raise HostError(f"the recording has no more {found[1]}")
            request, response = self._left[found[1]].popleft()
            self.asked.append((found[1], text, request))
        root = answer.parse(response.encode())
        refused = answer.fault(root)
        if refused is not None:
            raise Refused(refused, 500)
        return root

    def take(self) -> Windows:
        return self

    def give(self, transport: Any) -> None:
        pass

    def close(self) -> None:
        pass


def start(windows: Windows) -> shell.WinrmCommand:
    return shell.start("a program", r"C:\a.exe", cast(Transports, windows), sender(ADDRESS.url), ADDRESS, chunk=1000)


def test_commands_run_against_what_windows_answered(recorded: dict[str, Messages]) -> None:
    ran = 0
    for name, messages in recorded.items():
        actions = [found[1] for request, _ in messages if (found := ACTION.search(request))]
        answers = "".join(response for request, response in messages if "/Receive<" in request)
        if not name.startswith("test_winrs") or "Command" not in actions or not CODE.search(answers) \
                or name == "test_winrs_no_cmd_shell":
            continue
        want = {"stdout": b"", "stderr": b""}
        for stream, data in STREAM.findall(answers):
            want[stream] += base64.b64decode(data)
        windows = Windows(messages)
        with start(windows) as running:
            running.silent(20)
            for _ in range(actions.count("Send") - 1):
                running.send(b"input")
            if "Send" in actions:
                running.end()
            out = b""
            while data := running.receive(1 << 20):
                out += data
            assert (out, running.errors) == (want["stdout"], want["stderr"]), name
            assert running.wait(20) == int(CODE.findall(answers)[-1]) & 0xFFFFFFFF, name
        running.settle(20)
        assert [action for action, *_ in windows.asked if action in ("Create", "Command", "Signal", "Delete")] == [
            "Create", "Command", "Signal", "Delete"], name
        for action, ours, theirs in windows.asked:
            body = [re.search(r"<[\w-]+:Body>\s*<(?:\w+:)?(\w+)|Body/>", text) for text in (ours, theirs)]
            assert (body[0] and body[0][1]) == (body[1] and body[1][1]), (name, action)
        ran += 1
    assert ran >= 8


def test_a_bare_name_and_a_command_that_is_gone_are_errors_with_windows_number(recorded: dict[str, Messages]) -> None:
    with pytest.raises(HostError) as caught:
        start(Windows(recorded["test_winrs_no_cmd_shell"]))
    assert (caught.value.code, caught.value.facts["cause"]) == (names.NOT_FOUND, "program-missing")
    with start(Windows(recorded["test_winrs_bad_cmd_id"])) as running:
        running.silent(20)
        with pytest.raises(Lost) as lost:
            running.receive(1)
    assert isinstance(lost.value.error, HostError) and lost.value.error.code


def test_every_answer_of_windows_is_understood(recorded: dict[str, Messages]) -> None:
    assert len(recorded) >= 60
    answers = faults = 0
    for name, messages in recorded.items():
        for request, response in messages:
            root = answer.parse(response.encode())
            found, code = answer.fault(root), FAULT.search(response)
            action = asked[1] if (asked := ACTION.search(request)) else ""
            assert (found is not None) == ("Fault>" in response), name
            if found is not None:
                assert found.message and (code is None or found.code), (name, found)
                faults += 1
            elif action == "Create":
                assert re.search(answer.shell_id(root), response, re.IGNORECASE)
            elif action == "Command":
                assert answer.command_id(root) in response
            elif action == "Receive":
                answer.output(root)
            answers += 1
    assert answers > 400 and faults >= 10


@pytest.mark.parametrize("kilobytes", [150, 500, 4096])
def test_the_length_of_envelopes_is_read_of_windows_configuration(
        recorded: dict[str, Messages], kilobytes: int) -> None:
    (response,) = [response for request, response in recorded[f"test_wsman_update_envelope_size_{kilobytes}"]
                   if "MaxEnvelopeSizekb" in response]
    assert answer.envelope_size(answer.parse(response.encode())) == kilobytes << 10
