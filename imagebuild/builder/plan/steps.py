# SPDX-License-Identifier: Apache-2.0
"""One instruction after another: words expanded, the config followed, and what is left to do as a step."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from ...dockerfile import expand_instruction, exposed_ports
from ...dockerfile import instructions as I
from ...dockerfile.instructions import Instruction
from ...dockerfile.mounts import MountType
from ...dockerfile.text import bounds
from ...errors import DockerfileError, FormatError, UnsupportedError, WcowError
from ...fetch import is_git_url, redact, scrub
from ...fetch.redact import HIDDEN
from ...oci import RunConfig
from ...windows.names import join, parse_path
from ...windows.sid import find_account
from ...windows.upcase import fold
from ..context.changes import Components
from ..request import BuildRequest
from . import runconfig
from .mounts import run_mount
from .plan import (
    Clone,
    Configure,
    Download,
    Execute,
    Files,
    Here,
    Inline,
    MakeFolder,
    Note,
    Origin,
    RunMount,
    Source,
    Step,
    Transfer,
)
from .scope import Scope, at
from .secrets import SecretMount, secret_mount

_T = TypeVar("_T", bound=Instruction)
_SECRET = re.compile(r"(?i)(?:_|\b)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|\b)")


class Interpreter:
    """Follows the instructions of one stage. ``run`` is the config so far, ``scope`` the variables."""

    def __init__(self, request: BuildRequest, scope: Scope, run: RunConfig, globals_: Scope, args: Mapping[str, str],
                 used_args: set[str], origin: Callable[[Instruction, str], Origin]) -> None:
        self.scope = scope
        self.run = run
        self.author = ""
        self._request = request
        self._globals = globals_
        self._args = args
        self._used_args = used_args
        self._origin = origin
        self._cmd_set = False
        self._seen: dict[str, str] = {}  # what ARG gave, which RUN has in its environment
        self._size = 0
        self._notes: list[Note] = []

    def take_notes(self) -> list[Note]:
        """What was noticed since the last call."""
        notes, self._notes = self._notes, []
        return notes

    def step(self, instruction: Instruction) -> list[Step]:
        """The steps of one instruction; none for those that only set a variable for the build. DockerfileError, too,
        when what it makes of the image is larger than it may be."""
        steps = self._step(instruction)
        self._size += sum(len(step.text) for step in steps)
        with at(instruction):
            bounds.check(self._size, bounds.CONFIG, "the history of the image has too many characters")
            bounds.check(len(self.run.env), bounds.VARIABLES, "the image has too many variables")
            bounds.check(len(self.run.labels), bounds.VARIABLES, "the image has too many labels")
        return steps

    def _step(self, instruction: Instruction) -> list[Step]:
        if isinstance(instruction, I.Arg):
            return [self._arg(instruction)]
        done = self._expanded(instruction)
        match done:
            case I.Copy() | I.Add():
                return [self._transfer(done, instruction)]
            case I.Workdir():
                return [self._workdir(done)]
            case I.Run():
                return [self._execute(done, instruction)]
        text = self._configure(done)
        return [Configure(instruction=instruction, text=text, run=self.run)]

    def _execute(self, done: I.Run, instruction: Instruction) -> Step:
        words, escaped = runconfig.command_line(self.run, done.command, json=done.json, original=done.script)
        env = {fold(item.partition("=")[0]) for item in self.run.env}
        variables = tuple(f"{name}={value}" for name, value in self._seen.items() if fold(name) not in env)
        words_of_text = set(_NO_LETTERS.split(instruction.text.casefold()))
        if fold("PATH") in env and "path" in words_of_text and not _MACHINE_WRITERS.isdisjoint(words_of_text):
            self._note(instruction, "path-of-env", "this writes PATH into the registry, but the PATH of an ENV hides "
                                                   "it from every program of the image: change the ENV")
        network = self._request.network if done.network == "default" else done.network
        return Execute(instruction=instruction, text=instruction.text, run=self.run, words=words, escaped=escaped,
                       variables=variables, mounts=self._mounts(done), secrets=self._secrets(done), network=network,
                       security=done.security, way=self._request.run)

    def _mounts(self, done: I.Run) -> tuple[RunMount, ...]:
        try:
            return tuple(run_mount(mount, self.run.working_dir, done, lambda name: self._origin(done, name))
                         for mount in done.mounts if mount.type is not MountType.SECRET)
        except DockerfileError:
            raise
        except WcowError as error:
            raise done.error(error.what, why=error.why, hint=error.hint) from None

    def _secrets(self, done: I.Run) -> tuple[SecretMount, ...]:
        try:
            return tuple(secret_mount(mount, self.run.working_dir) for mount in done.mounts
                         if mount.type is MountType.SECRET)
        except WcowError as error:
            raise done.error(error.what, why=error.why, hint=error.hint) from None

    def _expanded(self, instruction: _T) -> _T:
        try:
            found = expand_instruction(instruction, self.scope.lookup)
        except UnsupportedError as error:  # PATH of a registry that cannot be read
            raise instruction.error(error.what, why=error.why, hint=error.hint) from None
        for name in sorted(found.unset):
            if not isinstance(instruction, I.Run):
                self._note(instruction, "undefined-variable", f"${{{name}}} has no value and becomes empty")
        assert isinstance(found.instruction, type(instruction))
        return found.instruction

    def _arg(self, instruction: I.Arg) -> Step:
        words: list[str] = []
        for arg in instruction.args:
            value: str | None = None
            if arg.name in self._args:
                value = self._args[arg.name]
                self._used_args.add(arg.name)
            elif arg.default is not None:
                value = self.scope.expand(instruction, arg.default)
                for name in self.scope.take_unset():
                    self._note(instruction, "undefined-variable", f"${{{name}}} has no value and becomes empty")
            else:
                value = self._globals.lookup(arg.name)
            if value is not None:
                self.scope.define(instruction, arg.name, value)
                self._seen[arg.name] = value
            words.append(arg.name if value is None else f"{arg.name}={_shown(arg.name, value)}")
        return Configure(instruction=instruction, text="ARG " + " ".join(words), run=self.run)

    def _configure(self, done: Instruction) -> str:
        """Apply an instruction that changes only the config; what the history says of it."""
        run = self.run
        match done:
            case I.Env():
                pairs = [(pair.key, pair.value) for pair in done.pairs]
                for name, value in pairs:
                    self.scope.define(done, name, value)
                self.run = runconfig.with_env(run, pairs)
                return "ENV " + " ".join(f"{name}={value}" for name, value in pairs)
            case I.Label():
                pairs = [(pair.key, pair.value) for pair in done.pairs]
                self.run = runconfig.with_labels(run, pairs)
                return "LABEL " + " ".join(f"{name}={value}" for name, value in pairs)
            case I.Cmd():
                self._warn_mixed(done, run.entrypoint)
                self._cmd_set = True
                self.run = runconfig.with_cmd(run, done.command, json=done.json, original=_original(done))
            case I.Entrypoint():
                self._warn_mixed(done, run.cmd if self._cmd_set else None)
                self.run = runconfig.with_entrypoint(run, done.command, json=done.json, original=_original(done),
                                                     cmd_set=self._cmd_set)
            case I.Shell():
                self.run = runconfig.with_shell(run, done.command)
            case I.HealthCheck():
                self.run = runconfig.with_health(run, none=done.none, command=done.command, json=done.json,
                                                 interval=done.interval, timeout=done.timeout, retries=done.retries,
                                                 start_period=done.start_period, start_interval=done.start_interval)
            case I.User():
                self.run = replace(run, user=done.user)
                return f"USER {done.user}"
            case I.Expose():
                try:
                    ports = exposed_ports(done.ports)
                except FormatError as error:
                    raise done.error(error.what, why=error.why, hint=error.hint) from None
                self.run = replace(run, exposed_ports=(*run.exposed_ports, *ports))
                return "EXPOSE " + " ".join(ports)
            case I.Volume():
                if not all(done.paths):
                    raise done.error("an empty path", hint="VOLUME C:\\data")
                self.run = replace(run, volumes=(*run.volumes, *done.paths))
                return "VOLUME " + " ".join(done.paths)
            case I.StopSignal():
                self.run = replace(run, stop_signal=done.signal)
                return f"STOPSIGNAL {done.signal}"
            case I.OnBuild():
                self.run = replace(run, on_build=(*run.on_build, done.expression))
            case I.Maintainer():
                self.author = done.name
        return done.text

    def _warn_mixed(self, done: I.CommandLine, other: tuple[str, ...] | None) -> None:
        if runconfig.mixes_forms(self.run, json=done.json, other=other):
            self._note(done, "mixed-command-forms", "CMD and ENTRYPOINT are in different forms (JSON and shell), and "
                                                    "Windows keeps one ArgsEscaped for both: the command line will "
                                                    "not be what it seems")

    def _workdir(self, done: I.Workdir) -> Step:
        if not done.path:
            raise done.error("no path", hint="WORKDIR C:\\app")
        path = self._path(done, done.path)
        self.run = replace(self.run, working_dir=join(path))
        return MakeFolder(instruction=done, text=f"WORKDIR {join(path)}", run=self.run, path=path)

    def _path(self, done: Instruction, word: str) -> Components:
        """A path of the image, relative to the working folder."""
        try:
            return parse_path(word, parse_path(self.run.working_dir))
        except WcowError as error:
            raise done.error(error.what, why=error.why, hint=error.hint) from None

    def _transfer(self, done: I.Copy | I.Add, written: Instruction) -> Step:
        if done.chmod:
            raise done.error("--chmod cannot be kept", why="Windows files have no mode bits, they have ACLs",
                             hint="leave it out, or give an ACL with --acl PATH=SDDL; --chown makes an account the "
                                  "owner")
        owner = done.chown.partition(":")[0]
        if owner and find_account(owner) is None:
            raise done.error(f"--chown={done.chown} names no account", why="only built-in accounts and SIDs are known "
                             "without the machine that has the account", hint="--chown=ContainerUser, "
                             "--chown=ContainerAdministrator or --chown=S-1-5-…")
        if ":" in done.chown:
            self._note(done, "chown-group", f"the group in --chown={done.chown} is not used: the owner counts")
        sources = self._sources(done)
        path = self._path(done, done.destination)
        raw = done.destination.replace("\\", "/")
        many = sum(len(s.patterns) if isinstance(s, Files) else 1 for s in sources) > 1
        into = many or raw in ("", ".", "..") or raw.endswith(("/", "/.", "/..")) or raw[1:] == ":"
        words = [*(redact(word) if _is_address(word) else word for word in done.sources),
                 *(f"<<{doc.name}" for doc in done.inline), done.destination]
        flags = ([f"--from={done.source_stage}"] if isinstance(done, I.Copy) and done.source_stage else [])
        flags += [f"--chown={done.chown}"] if done.chown else []
        flags += [f"--exclude={pattern}" for pattern in done.excludes]
        flags += ["--parents"] if isinstance(done, I.Copy) and done.parents else []
        flags += ["--link"] if done.link else []
        unpack = isinstance(done, I.Add) and done.unpack is not False
        return Transfer(instruction=written, text=" ".join([done.keyword, *flags, *words]), run=self.run,
                        sources=tuple(sources), destination=path, into=into, owner=owner, excludes=done.excludes,
                        parents=isinstance(done, I.Copy) and done.parents, unpack=unpack)

    def _sources(self, done: I.Copy | I.Add) -> list[Source]:
        sources: list[Source] = [Inline(doc.name, doc.content.encode()) for doc in done.inline]
        files: list[str] = []
        checksum = done.checksum if isinstance(done, I.Add) else ""
        for word in done.sources:
            git, url = is_git_url(word), _is_url(word)
            if (git or url) and isinstance(done, I.Copy):
                raise done.error(f"{redact(word)} is an address",
                                 why="COPY takes files of the context, a stage or an image", hint="use ADD")
            if git:
                sources.append(Clone(word, checksum, done.keep_git_dir if isinstance(done, I.Add) else None))
            elif url:
                sources.append(Download(word, checksum))
            else:
                files.append(word)
        if checksum and (files or len(sources) != 1):
            raise done.error("--checksum does not fit", why="it goes with exactly one URL or git address")
        if files:
            origin = self._origin(done, done.source_stage) if isinstance(done, I.Copy) and done.source_stage else Here()
            sources.insert(0, Files(origin, tuple(files)))
        return sources

    def _note(self, instruction: Instruction, code: str, text: str) -> None:
        self._notes.append(Note(code, text, instruction.line))


_NO_LETTERS = re.compile(r"[^a-z]+")
_MACHINE_WRITERS = frozenset({"setx", "setenvironmentvariable"})
"""Words of commands that keep a variable in the registry."""


def _is_url(word: str) -> bool:
    return word.startswith(("http://", "https://"))


def _is_address(word: str) -> bool:
    """Whether a source is fetched: then its name may carry credentials, and history and progress show it without."""
    return _is_url(word) or is_git_url(word)


def _shown(name: str, value: str) -> str:
    """The value of an ARG for the history, which everybody who has the image can read: not where the name says that it
    is secret (the names that BuildKit's check SecretsUsedInArgOrEnv knows), and no credentials of an address."""
    return HIDDEN if _SECRET.search(name) else scrub(value)


def _original(done: I.CommandLine) -> str:
    """The command as it stands in the file, which is what a shell form stores."""
    return done.command[0] if done.command and not done.json else ""
