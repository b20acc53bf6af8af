# SPDX-License-Identifier: Apache-2.0
"""What dockerd is asked by flags and by daemon.json, against moby's own sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.hostd.docker.dockerd import CONFIG, DaemonConfig, Refused, configure, parse


def config(document: Any = None, *words: str) -> DaemonConfig:
    return configure(parse(words), None if document is None else json.dumps(document).encode())


def refusal(document: Any = None, *words: str) -> str:
    with pytest.raises(Refused) as caught:
        config(document, *words)
    return str(caught.value)


def test_without_a_file_and_flags_it_is_as_docker_begins() -> None:
    assert config() == DaemonConfig() == config({})
    assert configure(parse(()), b"\xef\xbb\xbf{}\r\n") == DaemonConfig()  # what Notepad and PowerShell write


def test_file_and_flags_say_the_same() -> None:
    said = {"hosts": ["npipe:////./pipe/other"], "labels": ["a=b"], "debug": True, "data-root": "D:\\docker",
            "log-driver": "local", "log-opts": {"max-size": "1m"}}
    flags = ("-H", "npipe:////./pipe/other", "--label=a=b", "-D", "--data-root", "D:\\docker", "--log-driver", "local",
             "--log-opt", "max-size=1m")
    assert config(said) == config(None, *flags) == DaemonConfig(
        ("other",), ("a=b",), "D:\\docker", True, "local", {"max-size": "1m"})


@pytest.mark.parametrize(("words", "said"), [
    (("--foo",), "unknown flag: --foo\nSee 'dockerd --help'."),
    (("-x",), "unknown shorthand flag: 'x' in -x\nSee 'dockerd --help'."),
    (("--data-root",), "flag needs an argument: --data-root\nSee 'dockerd --help'."),
    (("--mtu", "x"), 'invalid argument "x" for "--mtu" flag: strconv.ParseInt: parsing "x": invalid syntax\n'
                     "See 'dockerd --help'."),
    (("--debug=x",), 'invalid argument "x" for "--debug" flag: strconv.ParseBool: parsing "x": invalid syntax\n'
                     "See 'dockerd --help'."),
    (("--label", "a"), "bad attribute format: a"),
    (("-l", "loud"), "invalid logging level: loud"),
    (("--log-driver", "x"), "failed to set log opts: logger: no log driver named 'x' is registered"),
    (("--config-file", "C:\\no.json"), "unable to configure the Docker daemon with file C:\\no.json: open C:\\no.json: "
                                       "The system cannot find the file specified."),
    (("--label", "a=1", "--label", "a=2"), "conflict labels for a=2 and a=1"),
])
def test_a_wrong_flag_is_refused(words: tuple[str, ...], said: str) -> None:
    assert refusal(None, *words) == said


@pytest.mark.parametrize(("document", "said"), [
    ({"no": 1, "debug": True}, "the following directives don't match any configuration option: no"),
    ({"debug": "yes"}, "json: cannot unmarshal string into Go struct field Config.debug of type bool"),
    ({"hosts": "x"}, "json: cannot unmarshal string into Go struct field Config.hosts of type []string"),
    ({"mtu": True}, "json: cannot unmarshal bool into Go struct field Config.mtu of type int"),
    ({"labels": [1]}, "json: cannot unmarshal number into Go struct field Config.labels of type string"),
    ([], "json: cannot unmarshal array into Go value of type map[string]interface {}"),
])
def test_a_wrong_file_is_refused(document: Any, said: str) -> None:
    assert refusal(document) == f"unable to configure the Docker daemon with file {CONFIG}: {said}"


def test_what_stands_in_both_places_is_refused() -> None:
    assert refusal({"debug": True, "labels": ["a=b"]}, "-D", "--label", "c=d").endswith(
        "the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, "
        "from file: true), labels: (from flag: [c=d], from file: [a=b])")


@pytest.mark.parametrize(("text", "said"), [
    (b"{", "unexpected EOF"), (b"x", "invalid character 'x' looking for beginning of value"),
    (b"{x", "invalid character 'x' looking for beginning of object key string"),
    (b'{"debug" true}', "invalid character 't' after object key"),
    (b'{"debug": true "tls"}', "invalid character '\"' after object key:value pair")])
def test_a_file_that_is_no_json_is_refused_in_gos_words(text: bytes, said: str) -> None:
    with pytest.raises(Refused) as caught:
        configure(parse(()), text)
    assert str(caught.value).endswith(said)


def test_a_host_that_is_no_pipe_is_refused_in_a_sentence() -> None:
    assert "listens on pipes alone" in refusal(None, "-H", "tcp://0.0.0.0:2375")
    assert refusal(None, "-H", "x") == "error parsing -H x: Invalid bind address format: x"


def test_a_service_is_started_with_the_same_words() -> None:
    made = parse(("--register-service", "--service-name", "docker2", "--data-root=D:\\a b"))
    assert made.service == "docker2"
    assert made.service_line(r"C:\Program Files\docker\dockerd.exe") == (
        r'"C:\Program Files\docker\dockerd.exe" --run-service --service-name docker2 "--data-root=D:\a b"')


@given(st.lists(st.text(max_size=12) | st.sampled_from(["--debug", "-H", "--log-opt", "a=b", "--", "-"]), max_size=5),
       st.binary(max_size=40) | st.none())
def test_whatever_is_said_becomes_a_config_or_a_sentence(words: list[str], text: bytes | None) -> None:
    try:
        assert configure(parse(words), text).pipes
    except Refused as refused:
        assert str(refused)


@given(st.dictionaries(st.sampled_from(["debug", "hosts", "log-opts", "labels", "mtu", "data-root", "features"]),
                       st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                                    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=3), one,
                                                                                            max_size=3))))
def test_whatever_the_file_holds_becomes_a_config_or_a_sentence(document: dict[str, Any]) -> None:
    try:
        config(document)
    except Refused as refused:
        assert str(refused)
