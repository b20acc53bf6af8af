# SPDX-License-Identifier: Apache-2.0
"""What an engine answers when it refuses: a status and one sentence, ``{"message": "…"}``.

A server's handler raises a fault and the client at the other end raises the same one. Texts are moby's (26.1:
``daemon/errors.go``, ``daemon/names.go``, ``daemon/delete.go``, ``image/store.go``, ``volume/service/errors.go``,
``libnetwork/error.go``, ``api/server/middleware/version.go``), because programs search them.
"""

from __future__ import annotations

from typing import ClassVar

from .. import errors

#: How moby writes the rule for container and volume names (``daemon/names/names.go``).
NAME_CHARACTERS = "[a-zA-Z0-9][a-zA-Z0-9_.-]"


class Fault(errors.DaemonError):
    """A request that an engine refused; ``status`` is the HTTP status, ``message`` the sentence on the wire.

    ``line_code`` is the ``code`` of ``errorDetail`` where the fault ends a stream of documents: the exit code of a
    build's command. Clients take 0 for none.
    """

    code: ClassVar[int] = 500
    line_code: int = 0

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message, status=status or self.code)
        self.status = status or self.code

    @property
    def message(self) -> str:
        """The sentence as it goes over the wire."""
        return self.what


class NotModified(Fault):
    """304: what was asked for is so already (start of a running container). It has no body, so the text is lost."""

    code = 304


class BadRequest(Fault):
    """400: the request itself is wrong."""

    code = 400


class Unauthorized(Fault):
    """401: a registry wants other credentials."""

    code = 401


class Forbidden(Fault):
    """403: understood, and never done."""

    code = 403


class NotFound(Fault, errors.NotFoundError):
    """404: no such container, image, network, volume, exec or page."""

    code = 404


class Conflict(Fault):
    """409: not in the state things are in now."""

    code = 409


class Internal(Fault):
    """500: the engine failed."""

    code = 500


class NotImplemented(Fault):
    """501: this engine does not do that."""

    code = 501


class Unavailable(Fault):
    """503: not now."""

    code = 503


_BY_STATUS: dict[int, type[Fault]] = {
    kind.code: kind for kind in (NotModified, BadRequest, Unauthorized, Forbidden, NotFound, Conflict, Internal,
                                 NotImplemented, Unavailable)}


def of_status(status: int, message: str) -> Fault:
    """The fault that a client makes of an answer; a status that has no class of its own stays in ``status``."""
    return _BY_STATUS.get(status, Fault)(message, status=status)


def of_error(error: BaseException) -> Fault:
    """The fault that stands for any error a handler let out: our tree by its meaning, all else 500."""
    if isinstance(error, Fault):
        return error
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, errors.NotFoundError):
        return NotFound(text)
    if isinstance(error, errors.AuthError):
        return Unauthorized(text)
    if isinstance(error, errors.InputError | errors.UsageError):
        return BadRequest(text)
    return Internal(text)


# --- not there -------------------------------------------------------------------------------------------------------

def page_not_found() -> NotFound:
    """No route has this method and path."""
    return NotFound("page not found")


def no_such_container(name: str) -> NotFound:
    """``name`` as the client wrote it."""
    return NotFound(f"No such container: {name}")


def no_such_image(reference: str) -> NotFound:
    """``reference`` with its tag (``app:latest``), or the id that was asked for."""
    return NotFound(f"No such image: {reference}")


def no_such_exec(identifier: str) -> NotFound:
    """An exec that was never made, or whose container is gone."""
    return NotFound(f"No such exec instance: {identifier}")


def no_such_network(name: str) -> NotFound:
    """A network that does not exist."""
    return NotFound(f"network {name} not found")


def no_such_volume(name: str, *, doing: str = "get") -> NotFound:
    """``doing`` is moby's verb: ``get``, ``remove``, ``create``."""
    return NotFound(f"{doing} {name}: no such volume")


def no_such_file(path: str, container: str) -> NotFound:
    """A path that the archive calls did not find."""
    return NotFound(f"Could not find the file {path} in container {container}")


# --- not now ---------------------------------------------------------------------------------------------------------

def not_running(identifier: str) -> Conflict:
    """Exec, attach, top or kill of a container that does not run."""
    return Conflict(f"container {identifier} is not running")


def is_restarting(identifier: str) -> Conflict:
    """A container between two runs."""
    return Conflict(f"Container {identifier} is restarting, wait until the container is running")


def is_paused(identifier: str) -> Conflict:
    """Exec in a paused container."""
    return Conflict(f"Container {identifier} is paused, unpause the container before exec")


def name_in_use(name: str, identifier: str) -> Conflict:
    """``name`` is written with its slash, as moby keeps names."""
    name = name if name.startswith("/") else f"/{name}"
    return Conflict(f'Conflict. The container name "{name}" is already in use by container "{identifier}". You have to '
                    "remove (or rename) that container to be able to reuse that name.")


def must_be_stopped(name: str, state: str = "running") -> Conflict:
    """Removal of a container that runs; a paused one has to be unpaused first."""
    name = name if name.startswith("/") else f"/{name}"
    what = ("and must be unpaused first" if state == "paused"
            else ": stop the container before removing or force remove")
    glue = " " if state == "paused" else ""
    return Conflict(f'cannot remove container "{name}": container is {state}{glue}{what}')


def volume_in_use(name: str, containers: tuple[str, ...]) -> Conflict:
    """``containers`` are the ids that have the volume."""
    return Conflict(f"remove {name}: volume is in use - [{', '.join(containers)}]")


def network_in_use(name: str, identifier: str) -> Forbidden:
    """A network with containers in it."""
    return Forbidden(f"error while removing network: network {name} id {identifier} has active endpoints")


def predefined_network(name: str, doing: str = "removed") -> Forbidden:
    """``nat`` and ``none`` are always there."""
    return Forbidden(f"{name} is a pre-defined network and cannot be {doing}")


# --- wrong -----------------------------------------------------------------------------------------------------------

def bad_container_name(name: str) -> BadRequest:
    """A name outside the rule."""
    return BadRequest(f"Invalid container name ({name}), only {NAME_CHARACTERS} are allowed")


def bad_volume_name(name: str) -> BadRequest:
    """A volume name outside the rule."""
    return BadRequest(f'"{name}" includes invalid characters for a local volume name, only "{NAME_CHARACTERS}" are '
                      "allowed. If you intended to pass a host directory, use absolute path")


def bad_json(why: str) -> BadRequest:
    """A body that is not the JSON it should be; ``why`` in the words of Go's decoder."""
    return BadRequest(f"invalid JSON: {why}")


def bad_filter(name: str = "", values: tuple[str, ...] | None = None) -> BadRequest:
    """A filter that the call does not know, or a value it cannot take."""
    said = "" if not name else f" '{name}'" if values is None else f" '{name}=[{' '.join(values)}]'"
    return BadRequest(f"invalid filter{said}")


def client_too_old(version: str, minimum: str) -> BadRequest:
    """Below the oldest version that is served."""
    return BadRequest(f"client version {version} is too old. Minimum supported API version is {minimum}, please "
                      "upgrade your client to a newer version")


def client_too_new(version: str, maximum: str) -> BadRequest:
    """Above the newest version that is served."""
    return BadRequest(f"client version {version} is too new. Maximum supported API version is {maximum}")


def route_too_new(route: str, minimum: str) -> BadRequest:
    """A call that came into the API after the version the client speaks; ``route`` as ``POST /build/prune``."""
    return BadRequest(f"{route} requires minimum API version {minimum}")
