# SPDX-License-Identifier: Apache-2.0
"""Calls that reach for registries: pull (and the import that Windows refuses), push, distribution, login."""

from __future__ import annotations

from functools import partial

from ...dockerapi import faults, respond
from ...dockerapi.http.request import Request
from ...dockerapi.http.routing import Route
from ...dockerapi.respond import Response
from ...dockerapi.shapes import AuthConfig, Authenticated
from ...errors import AuthError, UsageError, WcowError
from ...oci import Digest, Reference
from ...stores import FixedCredentials, NoCredentials
from ...stores.credentials import DOCKER_HUB_KEY, host_of
from ..gotext import quoted
from ..images.collection import Images
from ..images.host import parse_platform
from ..images.names import any_reference, named, repo_tag, repository_of, tag_or_digest
from ..images.owner import ImageOwner
from ..images.transfer import pull as image_pull
from ..images.transfer import push as image_push
from ..images.transfer.registry import credentials_in, login_of
from ..images.transfer.stream import stream

AUTH = "x-registry-auth"


async def create_image(request: Request, engine: ImageOwner) -> Response:
    """``docker pull``, and ``docker import``: a Windows engine makes no image of a plain tar."""
    platform = parse_platform(request.text("platform")) if request.version.at_least("1.32") else None
    image, tag = request.text("fromImage"), request.text("tag")
    if not image:
        repo_tag(request.text("repo"), tag)
        raise faults.Internal("importing an image is not supported on this platform")
    name = named(image.removesuffix(":"))
    if tag:
        name = tag_or_digest(name, tag)
    if repository_of(name) == "scratch":
        raise faults.Forbidden("'scratch' is a reserved name")
    wanted = image_pull.Wanted(name, credentials_in(request.header(AUTH), name), platform)
    engine.images.listen()
    return await stream(partial(image_pull.pull, engine.images, wanted))


async def push_image(request: Request, engine: ImageOwner) -> Response:
    """``docker push``."""
    name = named(request["name"])
    if request.text("tag"):
        tagged = repo_tag(request["name"], request.text("tag"))
        assert tagged is not None
        name = tagged
    credentials = credentials_in(request.header(AUTH), name)
    engine.images.listen()
    return await stream(partial(image_push.push, engine.images, name, credentials))


async def distribution_info(request: Request, engine: ImageOwner) -> Response:
    """``docker manifest inspect``'s question to the engine."""
    wanted = any_reference(request["name"])
    if isinstance(wanted, Digest):
        raise faults.Internal("no manifest found for full image ID")
    name = wanted.tagged()
    return respond.json(await engine.images.waiting(image_push.distribution, engine.images, name,
                                                    credentials_in(request.header(AUTH), name)))


async def authenticate(request: Request, engine: ImageOwner) -> Response:
    """``docker login``: whether a registry takes the credentials. The engine keeps none."""
    auth = await request.json(AuthConfig)
    await engine.images.waiting(_try_login, engine.images, auth)
    return respond.json(Authenticated(status="Login Succeeded"))


def _try_login(images: Images, auth: AuthConfig) -> None:
    host = host_of(auth.server_address or DOCKER_HUB_KEY)
    place = _registry(host)
    login = login_of(auth)  # without one, moby asks all the same: a registry may want none
    with images.registries.connect(FixedCredentials.of(host, login) if login else NoCredentials()) as client:
        if not client.mirrors.may_push(place):  # moby never logs in at a mirror (registry/service.go)
            raise faults.Internal(f'Get "https://{host}/v2/": only mirrors may be asked, and it is none')
        try:
            client.endpoint(host).ping(f"cannot log in to {host}")
        except AuthError as error:
            raise faults.Unauthorized(f"login attempt to https://{host}/v2/ failed with status: {error.status} "
                                      "Unauthorized") from error
        except WcowError as error:
            raise faults.Internal(f'Get "https://{host}/v2/": {error.why or error.what}') from error


def _registry(host: str) -> Reference:
    """Some repository of a registry. BadRequest for what is no host."""
    try:
        found = Reference.parse(f"{host}/login")
    except UsageError:
        found = None
    if found is None or found.domain != host:
        raise faults.BadRequest(f"unable to parse server address: {quoted(host)} is no host")
    return found


ROUTES: tuple[Route, ...] = (
    Route("POST", "/images/create", create_image, note="pull; import is refused, as by Windows"),
    Route("POST", "/images/{name:.*}/push", push_image),
    Route("GET", "/distribution/{name:.*}/json", distribution_info, since="1.30"),
    Route("POST", "/auth", authenticate),
)
