# SPDX-License-Identifier: Apache-2.0
"""The filter, read back by an interpreter of its own; what the kernel does with it is in test_escapes.py."""

from __future__ import annotations

import errno
import struct

from hypothesis import given
from hypothesis import strategies as st

from imagebuild.runtime.linux import seccomp

X86_64 = 0xC000003E
ALLOW = 0x7FFF0000


def evaluate(number: int, *arguments: int, arch: int = X86_64, entering: bool = False) -> int:
    """What classic BPF answers for a call: linux/filter.h, the instructions that a seccomp filter may have."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code = list(struct.iter_unpack("<HBBI", seccomp.program(entering=entering)))
    at = accumulator = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x06:
            return int(value)
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
            continue
        holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
        at += yes if holds else no


def denied(code: int) -> int:
    return 0x50000 | code


@given(st.sampled_from(sorted(seccomp.DENIED.values())), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_a_denied_call_is_eperm_whatever_its_arguments(number: int, arguments: list[int]) -> None:
    assert evaluate(number, *arguments) == denied(errno.EPERM)


def test_what_enters_may_make_two_calls_more_and_no_other() -> None:
    allowed = {name for name, number in seccomp.DENIED.items() if evaluate(number, entering=True) == ALLOW}
    assert allowed == {"setns", "chroot"}
    assert evaluate(56, 0x10000000, entering=True) == evaluate(165, arch=3, entering=True) == denied(errno.EPERM)


@given(st.sampled_from(sorted(seccomp.MODES)), st.integers(0, 0o7777))
def test_a_file_gets_no_mode_that_runs_it_as_its_owner(name: str, mode: int) -> None:
    number, argument = seccomp.MODES[name]
    answer = evaluate(number, *[0] * argument, mode)
    assert answer == (denied(errno.EPERM) if mode & 0o6000 else ALLOW)


@given(st.integers(0, 500).filter(lambda number: number not in {*seccomp.DENIED.values(), 16, 41, 53, 56, 435}))
def test_every_other_call_is_allowed(number: int) -> None:
    assert evaluate(number) == ALLOW


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1).filter(lambda arch: arch != X86_64))
def test_other_architectures_and_x32_are_refused(number: int, arch: int) -> None:
    assert evaluate(number, arch=arch) == denied(errno.EPERM)
    assert evaluate(number | 0x40000000) == denied(errno.EPERM)


@given(st.integers(0, 2**32 - 1))
def test_clone_is_refused_just_with_a_new_user_namespace(flags: int) -> None:
    assert (evaluate(56, flags) == denied(errno.EPERM)) == bool(flags & 0x10000000)


def test_clone3_does_not_exist() -> None:
    assert evaluate(435) == denied(errno.ENOSYS)


@given(st.integers(0, 60))
def test_a_socket_is_refused_just_for_its_family(family: int) -> None:
    wanted = denied(errno.EAFNOSUPPORT) if family in seccomp.FAMILIES.values() else ALLOW
    assert evaluate(41, family, 1) == evaluate(53, family, 1) == wanted


@given(st.integers(0, 2**32 - 1) | st.sampled_from([0x5412, 0x541C]), st.integers(0, 2**32 - 1))
def test_an_ioctl_is_refused_just_for_its_request_also_with_high_bits_that_the_kernel_drops(request: int, high: int
                                                                                            ) -> None:
    wanted = denied(errno.EPERM) if request in seccomp.TERMINAL_REQUESTS.values() else ALLOW
    assert evaluate(16, 0, request | high << 32) == wanted


def test_the_program_is_the_same_each_time_and_short_enough() -> None:
    assert seccomp.program() == seccomp.program()
    assert len(seccomp.program()) // 8 <= 4096
