# SPDX-License-Identifier: Apache-2.0
"""Schemes, hosts, waits: how a registry host is talked to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import programs
from support.registry_double import RegistryDouble, answer, cut
from support.registry_lab import DATA, LOGIN, Lab, described

from imagebuild.errors import RegistryError, UsageError, WcowError
from imagebuild.oci import Digest
from imagebuild.stores import NoCredentials, RegistryClient, Retries, Tls
from imagebuild.stores.registry.wire.endpoint import Endpoint, Retrier, check_host
from imagebuild.stores.registry.wire.transport import Transport, is_loopback


@pytest.fixture(scope="module")
def secured() -> Iterator[programs.Registry]:
    """A real registry with a certificate nobody knows."""
    with programs.skipping(), programs.registry(tls=True) as server:
        yield server


def client(**options: object) -> RegistryClient:
    return RegistryClient(credentials=NoCredentials(), sleep=lambda seconds: None, **options)  # type: ignore[arg-type]


def test_waits_double_up_to_the_longest() -> None:
    assert [Retries(first=0.5, longest=3).wait(number) for number in range(1, 6)] == [0.5, 1, 2, 3, 3]


def test_a_budget_is_used_up() -> None:
    waited: list[float] = []
    retrier = Retrier(Retries(attempts=3, first=1), waited.append)
    assert [retrier.pause(), retrier.pause(), retrier.pause()] == [True, True, False]
    assert waited == [1, 2]
    assert Retrier(Retries(patience=10), waited.append).pause(10.5) is False


@pytest.mark.parametrize(("host", "yes"), [
    ("localhost", True), ("localhost:5000", True), ("127.0.0.1", True), ("127.9.9.9:1", True), ("[::1]:5000", True),
    ("localhost.example.com", False), ("10.0.0.1", False), ("128.0.0.1", False), ("", False), ("[::2]", False),
    ("127.0.0.1.example.com", False),
])
def test_which_hosts_are_this_machine(host: str, yes: bool) -> None:
    assert is_loopback(host) is yes


@pytest.mark.parametrize(("text", "host"), [
    ("docker.io", "docker.io"), ("https://index.docker.io/", "docker.io"), ("registry-1.docker.io", "docker.io"),
    ("http://localhost:5000", "localhost:5000"), ("mcr.microsoft.com", "mcr.microsoft.com")])
def test_a_registry_that_was_typed(text: str, host: str) -> None:
    assert check_host(text) == host


@pytest.mark.parametrize("text", ["", "a/b", "user:pw@host", "a?b", "a b"])
def test_what_is_no_registry_is_refused_without_showing_a_password(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_host(text)
    assert "pw" not in str(caught.value) or "@" in text


def test_plain_http_is_never_tried_with_other_machines() -> None:
    endpoint = Endpoint("registry.example.com", transport=Transport(), credentials=NoCredentials(), retries=Retries())
    assert endpoint.base() == "https://registry.example.com"
    assert endpoint.url("/v2/") == "https://registry.example.com/v2/"


def test_docker_hub_answers_under_another_name() -> None:
    endpoint = Endpoint("docker.io", transport=Transport(), credentials=NoCredentials(), retries=Retries())
    assert endpoint.base() == "https://registry-1.docker.io"


def test_loopback_needs_no_flag_for_http_nor_for_an_unknown_certificate(secured: programs.Registry) -> None:
    with RegistryDouble() as double, client() as made:
        assert made.endpoint(double.host).base() == double.url
    with client() as made:
        assert made.endpoint(secured.host).base() == secured.url
        assert made.repository(f"{secured.host}/app").tags() == []


def test_a_ca_of_ones_own_is_trusted_and_another_is_not(secured: programs.Registry, tmp_path: object) -> None:
    assert secured.ca is not None
    with client(tls=Tls(ca_file=str(secured.ca))) as made:
        assert made.repository(f"{secured.host}/app").tags() == []
    with programs.registry(tls=True) as other, client(tls=Tls(ca_file=str(other.ca))) as made:
        with pytest.raises(RegistryError) as caught:
            made.endpoint(secured.host, "https").ping("cannot reach it")
        assert caught.value.temporary is False
        assert "--ca" in caught.value.hint
        assert "--insecure" in caught.value.hint


def test_insecure_accepts_any_certificate(secured: programs.Registry) -> None:
    with client(tls=Tls(insecure=True)) as made:
        made.endpoint(secured.host, "https").ping("cannot reach it")


def test_https_asked_of_plain_http_says_what_is_wrong() -> None:
    with RegistryDouble() as double, client() as made, pytest.raises(RegistryError) as caught:
        made.endpoint(double.host, "https").ping("cannot reach it")
    assert "TLS" in caught.value.why or "broke" in caught.value.why


@pytest.mark.parametrize("insecure", [True, False])
def test_a_step_down_from_https_to_http_needs_a_flag(insecure: bool) -> None:
    endpoint = Endpoint("x.example", transport=Transport(tls=Tls(insecure=insecure)), credentials=NoCredentials(),
                        retries=Retries(), scheme="https")
    if insecure:
        assert endpoint.join("https://x.example/a", "http://x.example/b", "w") == "http://x.example/b"
    else:
        with pytest.raises(RegistryError, match="from https to http"):
            endpoint.join("https://x.example/a", "http://x.example/b", "w")


@pytest.mark.parametrize(("target", "joined"), [("/v2/x", "https://x.example/v2/x"), ("c?d=e", "https://x.example/a/c?d=e"),
                                                ("https://y.example/z", "https://y.example/z")])
def test_locations_may_be_relative(target: str, joined: str) -> None:
    endpoint = Endpoint("x.example", transport=Transport(), credentials=NoCredentials(), retries=Retries())
    assert endpoint.join("https://x.example/a/b", target, "w") == joined


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with RegistryDouble() as proxy, client() as made:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        made.endpoint("registry.example", "http").ping("cannot reach it")
        assert proxy.seen[0].path == "http://registry.example/v2/"


def test_netrc_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    with RegistryDouble() as double, client() as made:
        netrc = f"{tmp_path}/netrc"
        with open(netrc, "w") as stream:  # noqa: PTH123
            stream.write("machine 127.0.0.1 login me password hunter22\n")
        monkeypatch.setenv("NETRC", netrc)
        made.endpoint(double.host).ping("cannot reach it")
        assert all("authorization" not in seen.headers for seen in double.seen)


def test_a_cut_while_asking_for_http_or_https_is_not_taken_for_an_answer() -> None:
    with RegistryDouble() as double, client() as made:
        double.next("GET", "^/v2/$", cut())
        assert made.repository(f"{double.host}/app").tags() == []


def test_another_host_never_sees_our_authorization(guarded: Lab) -> None:
    with RegistryDouble() as storage:
        storage.put_blob(DATA)
        guarded.double.put_blob(DATA)
        signed = f"{storage.url}/v2/x/blobs/{Digest.of(DATA)}?X-Amz-Signature=topsecretsignature"
        guarded.double.next("GET", f"/blobs/{Digest.of(DATA)}", answer(307, {"Location": signed}), times=2)
        store = guarded.store(login=LOGIN)
        store.tags()  # so that there is a token to leak
        with store.open_blob(described(DATA)) as stream:
            assert stream.read() == DATA
        assert len(storage.seen) >= 1
        assert all("authorization" not in seen.headers for seen in storage.seen)


def test_a_redirect_that_comes_back_does_not_bring_the_authorization_along(guarded: Lab) -> None:
    with RegistryDouble() as storage:
        guarded.double.put_blob(DATA)
        store = guarded.store(login=LOGIN)
        store.tags()
        guarded.double.next("GET", "/blobs/", answer(307, {"Location": f"{storage.url}/away"}))
        storage.next("GET", "/away", answer(307, {"Location": f"{guarded.double.url}/v2/app/blobs/back"}))
        with pytest.raises(WcowError):
            store.open_blob(described(DATA))
        assert "authorization" not in guarded.double.seen[-1].headers


def test_redirects_in_a_circle_end(lab: Lab) -> None:
    lab.double.next("GET", "/blobs/", answer(307, {"Location": "/v2/app/blobs/x"}), times=99)
    with pytest.raises(RegistryError, match="redirects"):
        lab.store().open_blob(described(DATA))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y", "http://[", "http://host:0/"])
def test_a_redirect_to_what_is_no_url_is_refused(lab: Lab, target: str) -> None:
    lab.double.next("GET", "/blobs/", answer(307, {"Location": target}))
    with pytest.raises(RegistryError):
        lab.store().open_blob(described(DATA))
