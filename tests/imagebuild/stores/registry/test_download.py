# SPDX-License-Identifier: Apache-2.0
"""Blobs out of registries and mirrors that cut, stall, lie and go away."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from support.registry_double import RegistryDouble, answer, corrupt, cut, meanwhile, promise, rotate, stall

from imagebuild.errors import IntegrityError, NotFoundError, RegistryError
from imagebuild.oci import Descriptor, Digest
from imagebuild.stores import (
    FixedCredentials,
    Login,
    MemoryStore,
    Mirrors,
    RegistryClient,
    RegistryStore,
    Retries,
    Timeouts,
    copy_blob,
)

DATA = bytes(range(256)) * 4000
BLOB = Descriptor("application/x-data", Digest.of(DATA), len(DATA))
OTHER = DATA[:-1] + b"?"


class Lab:
    """Two registries, of which the first may stand in for the second, and a client whose waits are noted."""

    def __init__(self, first: RegistryDouble, second: RegistryDouble) -> None:
        self.first, self.second = first, second
        self.waits: list[float] = []
        self.now = 0.0
        self.clients: list[RegistryClient] = []

    def store(self, *, mirror: str = "", only: bool = False) -> RegistryStore:
        """The repository ``app`` of the second registry; ``mirror`` (by default nobody) is asked before it."""
        rules = [f"{self.second.host}={mirror}"] if mirror else []
        client = RegistryClient(
            credentials=FixedCredentials.of(self.second.host, Login(self.second.auth.user, self.second.auth.password)),
            mirrors=Mirrors.parse(rules, only=only), sleep=self.waits.append, clock=lambda: self.now,
            timeouts=Timeouts(connect=2, read=0.2), retries=Retries(attempts=4, first=1, longest=3))
        self.clients.append(client)
        return client.repository(f"{self.second.host}/app")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with RegistryDouble() as first, RegistryDouble() as second:
        made = Lab(first, second)
        second.put_blob(DATA)
        yield made
        for client in made.clients:
            client.close()


def pulled(store: RegistryStore) -> bytes:
    target = MemoryStore()
    assert copy_blob(store, target, BLOB) == "copied"
    return target.blobs[BLOB.digest]


def ranges(double: RegistryDouble) -> list[str]:
    return [seen.headers.get("range", "") for seen in double.seen if "/blobs/" in seen.path]


def test_many_cuts_that_each_bring_bytes_are_mended(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", cut(after=100_000), times=9)
    assert pulled(lab.store()) == DATA
    assert ranges(lab.second) == ["", *(f"bytes={number * 100_000}-" for number in range(1, 10))]
    assert lab.waits == [1] * 9


def test_a_few_bytes_each_time_are_not_progress_for_ever(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", cut(after=10), times=999)
    with pytest.raises(RegistryError, match="cannot read blob"):
        pulled(lab.store())
    assert len(lab.waits) < 40


def test_the_waits_of_one_transfer_have_a_limit(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", answer(429, {"Retry-After": "50"}), times=99)
    with RegistryClient(sleep=lab.waits.append, retries=Retries(attempts=99, budget=120)) as client, \
            pytest.raises(RegistryError, match="429"):
        pulled(client.repository(f"{lab.second.host}/app"))
    assert lab.waits == [50, 50]


@pytest.mark.parametrize("act", [stall(), stall(after=0), stall(after=400_000)])
def test_a_registry_that_falls_silent_is_asked_again(lab: Lab, act: object) -> None:
    lab.second.next("GET", "/blobs/", act)
    assert pulled(lab.store()) == DATA
    assert lab.waits == [1]


def test_a_registry_that_stays_silent_is_one_error(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", stall(after=1000), times=9)
    lab.second.next("GET", "/blobs/", stall(), times=9)
    with pytest.raises(RegistryError, match="no answer in time"), RegistryClient(
            sleep=lab.waits.append, timeouts=Timeouts(2, 0.05), retries=Retries(attempts=2)) as client:
        pulled(client.repository(f"{lab.second.host}/app"))


@pytest.mark.parametrize("difference", [-1, 1, -len(DATA), 10_000])
def test_a_length_that_is_a_lie_is_mended_once_and_an_error_for_ever(lab: Lab, difference: int) -> None:
    lab.second.next("GET", "/blobs/", promise(difference))
    assert pulled(lab.store()) == DATA
    lab.second.next("GET", "/blobs/", promise(difference), times=99)
    if difference < 0:
        with pytest.raises(RegistryError):
            pulled(lab.store())


@pytest.mark.parametrize("reply", [
    answer(206, {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}, DATA),
    answer(206, {"Content-Range": "bytes 400001-400002/3"}, b"xx"),
])
def test_a_rest_that_begins_elsewhere_is_not_taken(lab: Lab, reply: object) -> None:
    lab.second.next("GET", "/blobs/", cut(after=400_000))
    lab.second.next("GET", "/blobs/", reply)
    assert pulled(lab.store()) == DATA


def test_a_registry_that_ignores_ranges_is_read_past_what_we_have(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", cut(after=400_000))
    lab.second.next("GET", "/blobs/", answer(200, body=DATA))
    assert pulled(lab.store()) == DATA


def test_a_rest_of_other_content_is_an_integrity_error_and_nothing_is_kept(lab: Lab) -> None:
    lab.second.next("GET", "/blobs/", cut(after=400_000))
    lab.second.next("GET", "/blobs/", corrupt(lambda rest: rest[:-1] + b"?"), times=99)
    target = MemoryStore()
    with pytest.raises(IntegrityError) as caught:
        copy_blob(lab.store(), target, BLOB)
    assert caught.value.expected == BLOB.digest  # type: ignore[attr-defined]
    assert target.blobs == {}


def test_a_token_that_ends_on_the_way_is_renewed(lab: Lab) -> None:
    lab.second.auth.kind = "bearer"
    store = lab.store()
    lab.second.next("GET", "/blobs/", cut(after=400_000), times=2)
    with store.open_blob(BLOB) as stream:
        head = stream.read(1000)
        lab.second.rotate_tokens()
        assert head + stream.read() == DATA
    lab.second.next("GET", "/blobs/", rotate())
    assert pulled(store) == DATA


def test_answers_in_another_order_than_the_questions_go_to_whom_they_belong(lab: Lab) -> None:
    blobs = [bytes([number]) * 50_000 for number in range(2)]
    descriptors = [Descriptor("x", Digest(lab.second.put_blob(data)), len(data)) for data in blobs]
    answered = threading.Event()
    lab.second.next("GET", descriptors[0].digest, meanwhile(wait=answered))
    lab.second.next("GET", descriptors[1].digest, meanwhile(tell=answered))
    store, target = lab.store(), MemoryStore()
    threads = [threading.Thread(target=copy_blob, args=(store, target, descriptor)) for descriptor in descriptors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert {target.blobs[descriptor.digest] for descriptor in descriptors} == set(blobs)


# --- mirrors ----------------------------------------------------------------------------------------------------------

def test_a_mirror_that_is_down_costs_little_once_and_then_nothing(lab: Lab) -> None:
    store = lab.store(mirror="127.0.0.1:1")
    assert pulled(store) == DATA
    assert sum(lab.waits) <= 0.5
    lab.waits.clear()
    assert pulled(store) == DATA
    assert lab.waits == []


def test_a_mirror_that_was_down_is_asked_again_later(lab: Lab) -> None:
    store = lab.store(mirror=lab.first.host)
    lab.first.next("GET", "/blobs/", cut(), times=2)
    assert pulled(store) == DATA
    lab.first.put_blob(DATA)
    lab.first.seen.clear()
    assert pulled(store) == DATA
    assert lab.first.lines() == []
    lab.now = 61.0
    lab.second.seen.clear()
    assert pulled(store) == DATA
    assert len(lab.first.lines()) == 1
    assert lab.second.lines() == []


def test_the_only_mirror_left_is_waited_for(lab: Lab) -> None:
    lab.first.put_blob(DATA)
    lab.first.next("GET", "/blobs/", cut(), times=3)
    assert pulled(lab.store(mirror=lab.first.host, only=True)) == DATA
    assert lab.waits == [1, 2, 3]


def test_what_a_mirror_began_the_registry_goes_on_with(lab: Lab) -> None:
    lab.first.put_blob(DATA)
    lab.first.next("GET", "/blobs/", cut(after=300_000))
    lab.first.next("GET", "/blobs/", answer(503), times=9)
    assert pulled(lab.store(mirror=lab.first.host)) == DATA
    assert ranges(lab.second) == ["bytes=300000-"]


def test_a_mirror_with_a_corrupt_blob_is_passed_over(lab: Lab) -> None:
    lab.first.blobs[BLOB.digest] = OTHER
    store = lab.store(mirror=lab.first.host)
    assert pulled(store) == DATA
    assert ranges(lab.second) == [""]
    lab.first.seen.clear()
    assert pulled(store) == DATA
    assert lab.first.lines() == [], "it is not asked for that blob again"


def test_a_blob_that_is_corrupt_everywhere_is_one_error(lab: Lab) -> None:
    lab.first.blobs[BLOB.digest] = lab.second.blobs[BLOB.digest] = OTHER
    target = MemoryStore()
    with pytest.raises(IntegrityError, match=str(BLOB.digest)):
        copy_blob(lab.store(mirror=lab.first.host), target, BLOB)
    assert target.blobs == {}


def test_a_mirror_s_login_trouble_is_not_the_end(lab: Lab) -> None:
    lab.first.auth.kind = "basic"
    assert pulled(lab.store(mirror=lab.first.host)) == DATA


def test_a_blob_nobody_has_names_all_who_were_asked(lab: Lab) -> None:
    lab.second.blobs.clear()
    with pytest.raises(NotFoundError) as caught:
        pulled(lab.store(mirror=lab.first.host))
    assert f"asked {lab.first.host}/app, {lab.second.host}/app" in caught.value.hint
