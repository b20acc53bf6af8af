# SPDX-License-Identifier: Apache-2.0
"""Images to and from a registry that fails in every way it can: nothing lost, nothing half-named, one error at most."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import plain_images as images
from support.registry_double import (
    Auth,
    RegistryDouble,
    Seen,
    answer,
    corrupt,
    cut,
    done_then_cut,
    forget,
    partly,
    promise,
    rotate,
    stall,
)

from imagebuild.errors import RegistryError, WcowError
from imagebuild.images.copy import copy
from imagebuild.oci import Descriptor, Digest, Image, Index, parse
from imagebuild.stores import (
    FixedCredentials,
    LayoutStore,
    Login,
    MemoryStore,
    RegistryClient,
    Retries,
    Store,
    Timeouts,
    put_bytes,
)

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Connections that a registry cut are let go of here, where nobody minds, and not in the middle of another test."""
    yield
    gc.collect()


CHUNK = 4_000
SHARED = bytes(range(256)) * 60
"""A layer of several chunks that all images have; their own is smaller than one."""

HONEST: dict[str, Callable[[], Any]] = {
    "cut before the answer": cut,
    "cut in the answer": lambda: cut(after=7_001),
    "cut in the request": lambda: partly(5_001),
    "cut before the first byte of the request": lambda: partly(0),
    "done, then cut": done_then_cut,
    "busy": lambda: answer(503),
    "too many": lambda: answer(429, {"Retry-After": "3"}),
    "too many, with a date": lambda: answer(429, {"Retry-After": "Tue, 24 Nov 2026 09:00:00 GMT"}),
    "uploads dropped": forget,
    "tokens rotated": rotate,
}
LIES: dict[str, Callable[[], Any]] = {
    "silence": stall, "silence on the way": lambda: stall(after=900),
    "more promised": lambda: promise(5), "less promised": lambda: promise(-5),
    "changed": lambda: corrupt(lambda data: data[:-1] + b"?"), "emptied": lambda: corrupt(lambda data: b""),
    "longer": lambda: corrupt(lambda data: data + b"?"), "gone": lambda: answer(404), "refused": lambda: answer(403),
    "not JSON": lambda: answer(500, {"Content-Type": "application/json"}, b"{"),
    "created without doing it": lambda: answer(201), "a circle": lambda: answer(307, {"Location": "/v2/"}),
    "nowhere": lambda: answer(202, {"Location": "http://["}),
}


def client_of(double: RegistryDouble, attempts: int, *, read: float = 20) -> RegistryClient:
    login = FixedCredentials.of(double.host, Login(double.auth.user, double.auth.password))
    return RegistryClient(credentials=login, chunk_size=CHUNK, sleep=lambda seconds: None, timeouts=Timeouts(5, read),
                          retries=Retries(attempts=attempts, budget=10**6))


def image_of(number: int) -> tuple[Image, tuple[bytes, ...]]:
    layers = (SHARED, f"layer of {number}".encode() * 50)
    return images.sample(*layers), layers


def verify(store: Store, tags: Sequence[str]) -> None:
    """Every name leads to a document whose blobs are all there, with the digests they should have."""
    for tag in tags:
        descriptor = store.resolve(tag)
        document = parse(store.manifest(descriptor), descriptor.media_type)
        assert not isinstance(document, Index)
        for blob in (document.config, *document.layers):
            with store.open_blob(blob) as stream:
                assert Digest.of(stream.read()) == blob.digest


def verify_double(double: RegistryDouble) -> list[str]:
    """The same, looking into the registry itself; gives its tags."""
    assert all(Digest.of(data) == digest for digest, data in double.blobs.items())
    tags = [name for _, name in double.manifests if ":" not in name]
    for _, data in double.manifests.values():
        document = parse(data)
        assert not isinstance(document, Index)
        assert all(blob.digest in double.blobs for blob in (document.config, *document.layers))
    return tags


def crowd(tmp_path: Path, count: int, *, attempts: int, every: int) -> list[BaseException]:
    """``count`` pushes and pulls at once between one store and one registry of which every so-many-th request fails;
    the errors. What is left verifies."""
    kinds = list(HONEST.values())

    def script(number: int, seen: Seen) -> Any:
        return kinds[number // every % len(kinds)]() if number % every == 0 else None

    errors: list[BaseException] = []
    pulled = [f"remote{number}" for number in range(count // 2)]
    pushed = [f"local{number}" for number in range(count - count // 2)]
    with RegistryDouble(auth=Auth("bearer", token_seconds=3600)) as double:
        store = LayoutStore(tmp_path / "store", create=True)
        with client_of(double, 5) as client:
            remote = client.repository(f"{double.host}/app")
            for number, tag in enumerate(pulled):
                image, layers = image_of(number)
                images.store(remote, image, *layers, tag=tag)
        for number, tag in enumerate(pushed):
            image, layers = image_of(1000 + number)
            images.store(store, image, *layers, tag=tag)
        start = threading.Event()

        def work(source: Store, target: Store, tag: str) -> None:
            start.wait()
            try:
                for _ in copy(source, source.resolve(tag), target, tag=tag, threads=2):
                    pass
            except BaseException as error:
                errors.append(error)

        with client_of(double, attempts) as client:
            remote = client.repository(f"{double.host}/app")
            # Let in once: two hundred at the door with a key that is changed every forty knocks is no case of life.
            remote.resolve(pulled[0])
            put_bytes(remote, b"{}", "application/json")
            double.script = script
            jobs = [(remote, store, tag) for tag in pulled] + [(store, remote, tag) for tag in pushed]
            threads = [threading.Thread(target=work, args=job) for job in jobs]
            for thread in threads:
                thread.start()
            start.set()
            for thread in threads:
                thread.join(300)
        assert not any(thread.is_alive() for thread in threads)
        double.script = None
        there = verify_double(double)
        verify(store, store.tags())
        failed = len(errors)
        # A push whose last answer was cut off has failed as far as we know, and the name is there all the same.
        assert len(set(store.tags()) & set(pulled)) + len(set(there) & set(pushed)) >= count - failed
        assert list((tmp_path / "store/.wcow/tmp").iterdir()) == [], "no draft is left"
    return errors


def test_twenty_at_once_all_arrive(tmp_path: Path) -> None:
    assert crowd(tmp_path, 20, attempts=9, every=5) == []


def test_twenty_at_once_with_little_patience_leave_nothing_half_done(tmp_path: Path) -> None:
    errors = crowd(tmp_path, 20, attempts=1, every=4)
    assert errors, "or this test tests nothing"
    assert all(isinstance(error, WcowError) and len(error.lines()) >= 2 for error in errors), errors


@pytest.mark.slow
@pytest.mark.parametrize(("attempts", "every"), [(9, 4), (1, 6)])
def test_two_hundred_at_once(tmp_path: Path, attempts: int, every: int) -> None:
    errors = crowd(tmp_path, 200, attempts=attempts, every=every)
    assert all(isinstance(error, WcowError) for error in errors)
    if attempts == 1:
        assert errors, "or this test tests nothing"
    else:  # chance can be against one copy nine times; what counts is that the store verified, which crowd() does
        assert len(errors) <= 10, errors


def attempt(source: Store, target: Store, descriptor: Descriptor) -> WcowError | None:
    """A copy, and the one error it may end in."""
    try:
        for _ in copy(source, descriptor, target, tag="1", threads=2):
            pass
    except WcowError as error:
        assert error.lines()[0]
        return error
    return None


FAULTS = st.lists(st.none() | st.sampled_from([*HONEST, *LIES]), max_size=25)


@settings(max_examples=60)
@given(faults=FAULTS, push=st.booleans(), kind=st.sampled_from(["", "bearer"]))
def test_whatever_a_registry_does_it_is_done_or_one_error(faults: list[str | None], push: bool, kind: str) -> None:
    image, layers = image_of(1)
    makers = HONEST | LIES
    with RegistryDouble(auth=Auth(kind)) as double, client_of(double, 3, read=0.05) as client:
        remote, local = client.repository(f"{double.host}/app"), MemoryStore()
        descriptor = images.store(local if push else remote, image, *layers, tag="1")

        def script(number: int, seen: Seen) -> Any:
            name = faults.pop(0) if faults else None
            return makers[name]() if name else None

        double.script = script
        error = attempt(local, remote, descriptor) if push else attempt(remote, local, descriptor)
        double.script = None
        if push:
            # A registry that says it has what it has not cannot be found out; it can only not be believed for long.
            if not any(name in LIES for name in faults) and ("app", "1") in double.manifests:
                assert all(Digest.of(data) == digest for digest, data in double.blobs.items())
        else:
            verify(local, local.tags())
            assert bool(local.tags()) == (error is None)
            assert all(Digest.of(data) == digest for digest, data in local.blobs.items())


@settings(max_examples=40)
@given(faults=st.lists(st.none() | st.sampled_from(sorted(HONEST)), max_size=25), push=st.booleans())
def test_an_honest_registry_that_only_fails_is_complete_or_has_no_name(faults: list[str | None], push: bool) -> None:
    image, layers = image_of(1)
    with RegistryDouble() as double, client_of(double, 4) as client:
        remote, local = client.repository(f"{double.host}/app"), MemoryStore()
        descriptor = images.store(local if push else remote, image, *layers, tag="1")
        double.script = lambda number, seen: (HONEST[name]() if faults and (name := faults.pop(0)) else None)
        error = attempt(local, remote, descriptor) if push else attempt(remote, local, descriptor)
        double.script = None
        verify_double(double)
        if error is None:
            verify(remote if push else local, ["1"])
        else:
            assert isinstance(error, RegistryError) and error.temporary, error
        # Whatever happened: the next try, without faults, ends well and finds nothing in its way.
        assert attempt(local, remote, descriptor) is None if push else attempt(remote, local, descriptor) is None
        verify(remote if push else local, ["1"])
