# SPDX-License-Identifier: Apache-2.0
"""Secrets: where ``--secret`` has them from, and what a RUN gets of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.builder.plan.secrets import MOST_BYTES, Given, SecretMount, Secrets, secret_mount
from imagebuild.builder.run.engine import _give
from imagebuild.dockerapi import faults
from imagebuild.dockerfile.mounts import parse_mount
from imagebuild.errors import DockerfileError, RunError, ToolError, UsageError, WcowError


@pytest.mark.parametrize(("word", "wanted"), [
    ("type=secret,id=token", SecretMount("token", "C:\\run\\secrets\\token")),
    ("type=secret,id=token,required", SecretMount("token", "C:\\run\\secrets\\token", "", True)),
    ("type=secret,id=token,env=TOKEN", SecretMount("token", "", "TOKEN")),
    ("type=secret,id=token,env=TOKEN,target=C:/a.txt", SecretMount("token", "C:\\a.txt", "TOKEN")),
    ("type=secret,target=C:\\dir\\key.pem,mode=0400", SecretMount("key.pem", "C:\\dir\\key.pem")),
    ("type=secret,id=a,target=b.txt", SecretMount("a", "C:\\work\\b.txt"))])
def test_a_mount_says_where_the_secret_is(word: str, wanted: SecretMount) -> None:
    assert secret_mount(parse_mount(word, str), "C:\\work") == wanted


def test_values_come_from_files_and_variables(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"of a file")
    found = Secrets.parse((f"id=a,src={tmp_path}/f", "id=b,env=B", "type=env,id=C", "id=D"),
                          {"B": "of B", "C": "of C", "D": "of D"})
    mounts = tuple(SecretMount(name, f"C:\\{name}", name.upper()) for name in ("a", "b", "C", "D", "none"))
    given = found.given(mounts)
    assert given.files == {"C:\\a": b"of a file", "C:\\b": b"of B", "C:\\C": b"of C", "C:\\D": b"of D"}
    assert given.variables == {"A": "of a file", "B": "of B", "C": "of C", "D": "of D"}
    assert "of a file" not in repr(given) + repr(found)


def test_a_secret_that_has_to_be_there_is_missed() -> None:
    with pytest.raises(RunError, match="the secret a is required and was not given"):
        Secrets().given((SecretMount("a", "C:\\a", required=True),))
    assert not Secrets().given((SecretMount("a", "C:\\a"),))


@pytest.mark.parametrize(("word", "why"), [
    ("id=a,src=/no/file", "there is no file"), ("id=a,env=NO", "the variable NO is not set"), ("src=x", "has no id"),
    ("id=a", "there is no file a"), ("id=a,b=c", "--secret b is not known"), ("a", "--secret a is not known"),
    ("id=a,src=/dev/null,env=A", "has src and env"), ("id=a,type=x", "type=x is not known")])
def test_what_is_no_secret_is_refused(word: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Secrets.parse((word,), {})


def test_one_id_is_given_once_and_a_large_file_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="id=a is given twice"):
        Secrets.parse(("id=a,env=A", "id=a,env=A"), {"A": "1"})
    (tmp_path / "f").write_bytes(bytes(MOST_BYTES + 1))
    with pytest.raises(UsageError, match=f"more than {MOST_BYTES} bytes"):
        Secrets.parse((f"id=a,src={tmp_path}/f",), {}).given((SecretMount("a", "C:\\a"),))
    (tmp_path / "f").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="it is not UTF-8"):
        Secrets.parse((f"id=a,src={tmp_path}/f",), {}).given((SecretMount("a", "", "A"),))


def test_output_shows_no_value() -> None:
    given = Given({"C:\\a": b"first line\r\nsecond line\n"}, {"T": "sesame-open", "SHORT": "ab"})
    assert given.hide("x sesame-open first line ab\n") == "x *** *** ab\n"


def test_a_secret_is_in_no_plan_history_or_key(bench: Bench) -> None:
    plan = bench.plan(f"FROM {NANOSERVER}\nRUN --mount=type=secret,id=token,env=T echo x\n", run="engine")
    ((_stage, step),) = plan.runs()
    assert step.secrets == (SecretMount("token", "", "T"),)
    assert step.mounts == () and not plan.refused()


def test_an_agent_of_ssh_is_refused_with_the_reason(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match="no agent's socket reaches programs in a Windows container"):
        bench.build(f"FROM {NANOSERVER}\nRUN --mount=type=ssh echo x\n", run="engine")


def test_a_target_that_is_none_is_refused_with_its_line(bench: Bench) -> None:
    with pytest.raises(WcowError, match="Dockerfile:2"):
        bench.plan(f"FROM {NANOSERVER}\nRUN --mount=type=secret,id=a,target=C:\\a*b echo x\n", run="engine")


def test_the_network_of_the_command_is_that_of_each_run_that_names_none(bench: Bench) -> None:
    text = f"FROM {NANOSERVER}\nRUN echo a\nRUN --network=none echo b\n"
    assert [step.network for _stage, step in bench.plan(text, run="engine").runs()] == ["default", "none"]
    assert [step.network for _stage, step in bench.plan(text, run="engine", network="none").runs()] == ["none", "none"]


class Foreign:
    """A client of an engine that is not ours."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def call(self, _method: str, path: str, *, body: object) -> None:
        self.heard.append(body)
        raise faults.NotFound("page not found")


def test_an_engine_that_is_not_ours_hears_no_secret() -> None:
    client = Foreign()
    with pytest.raises(ToolError, match="only wcow's own engine takes them"):
        _give(client, "c", Given({r"C:\run\secrets\a": b"hidden"}, {"TOKEN": "hidden"}))  # type: ignore[arg-type]
    assert client.heard == [{}]
