"""Meta's webhooks: the handshake, and the changes, which are stored in the inbox before Meta gets its response (`GET`
and `POST /webhooks`). A sensor processes them later."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from meta_pipeline.bootstrap import Runtime
from meta_pipeline.records import Change, ConfigError, StoreError
from meta_pipeline.store.coordination.heartbeat import beat_once, beating
from meta_pipeline.store.webhooks import receivers
from meta_pipeline.store.webhooks.inbox import Inbox
from meta_pipeline.webhooks.payload import PayloadError, TooManyChangesError, changes_in
from meta_pipeline.webhooks.signature import is_signature, is_verify_token, verify_signature

PATH = "/webhooks"
MOST_BYTES = 16 * 1024 * 1024  # a body of this length is refused
# A body that is too long is read before it is refused, but only up to this length; then the connection is closed.
MOST_DISCARDED = 4 * MOST_BYTES
# Of all bodies together that are being received: a stranger can send as many as there are connections.
MOST_RECEIVED_AT_ONCE = 4 * MOST_BYTES
LONGEST_CHALLENGE = 256
LONGEST_COMMIT_S = 5.0
_READ_IN_THREAD = 64 * 1024  # a longer body is checked and parsed in a thread, so that the event loop is not blocked

_LOG = logging.getLogger("meta_pipeline.web")


class _RefusedError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(kw_only=True)
class Receiver:
    """Receives webhooks. Changes of requests that arrive together are committed together: a commit of many takes as
    long as a commit of one. It has its own threads, because those of the pages may all wait for Meta."""

    runtime: Runtime
    _waiting: list[tuple[Sequence[Change], asyncio.Future[None]]] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None
    _bytes: int = 0
    _threads: CapacityLimiter | None = None

    async def answer(self, request: Request) -> Response:
        """Answer a request of Meta's, or of somebody who pretends to be Meta."""
        try:
            if request.method == "POST":
                return await self._receive(request)
            return self._shake_hands(request)
        except _RefusedError as refused:
            return JSONResponse({"error": str(refused)}, refused.status)
        except ConfigError as error:
            return JSONResponse({"error": f"webhooks are not received: {error}"}, 503)
        except (StoreError, TimeoutError) as error:
            _LOG.error("webhooks could not be stored: %s", type(error).__name__)
            return JSONResponse({"error": "the changes could not be stored: send them again"}, 503)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # a bug in our code; its text may hold parts of the request
            _LOG.error("a webhook failed: %s", type(error).__name__)
            return JSONResponse({"error": "internal error: send it again"}, 500)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Record that a receiver is up for as long as the app is, if webhooks are received at all."""
        if self.runtime.settings.webhook_verify_token is None:
            yield
            return
        beat = lambda: receivers.beat(self.runtime.engine, now=self.runtime.now())
        await to_thread.run_sync(beat_once, beat)
        with beating(beat, every_s=receivers.BEAT_S):
            yield

    def _shake_hands(self, request: Request) -> Response:
        """Return the challenge if the sender knows the verify token."""
        verify_token = self.runtime.settings.require("webhook_verify_token")
        query = request.query_params
        challenge = query.get("hub.challenge", "")
        if not is_verify_token(query.get("hub.verify_token", ""), verify_token=verify_token):
            raise _RefusedError(403, "the verify token is wrong")
        is_text = challenge.isprintable() and 0 < len(challenge) <= LONGEST_CHALLENGE
        if query.get("hub.mode") != "subscribe" or not is_text:
            raise _RefusedError(400, "the request is not a handshake")
        return PlainTextResponse(challenge)

    async def _receive(self, request: Request) -> Response:
        settings = self.runtime.settings
        settings.require("webhook_verify_token")
        app_secret = settings.require("app_secret")
        signature = request.headers.get("x-hub-signature-256")
        if signature is None or not is_signature(signature):
            raise _RefusedError(403, "the request has no signature in X-Hub-Signature-256")
        body = await self._body(request)
        try:
            if len(body) > _READ_IN_THREAD:
                changes = await self._in_thread(_read, body, signature, app_secret)
            else:
                changes = _read(body, signature, app_secret)
        finally:
            self._bytes -= len(body)
        del body
        if changes:
            async with asyncio.timeout(LONGEST_COMMIT_S):
                await self._store(changes)
        return JSONResponse({"success": True})

    async def _body(self, request: Request) -> bytes:
        """Return the body; its length stays counted in `_bytes`. Discard and refuse a body that is too long."""
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > MOST_DISCARDED:
            raise _RefusedError(413, "the body is too long")
        chunks, size, is_too_long = list[bytes](), 0, False
        received = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size >= MOST_BYTES:
                    is_too_long = True
                    chunks.clear()
                    self._bytes, received = self._bytes - received, 0
                    if size > MOST_DISCARDED:
                        break
                if is_too_long:
                    continue
                if self._bytes + len(chunk) > MOST_RECEIVED_AT_ONCE:
                    raise _RefusedError(503, "too much is being received: send it again")
                self._bytes, received = self._bytes + len(chunk), received + len(chunk)
                chunks.append(chunk)
            if is_too_long:
                raise _RefusedError(413, "the body is too long")
        except BaseException:
            self._bytes -= received
            raise
        return b"".join(chunks)

    async def _store(self, changes: Sequence[Change]) -> None:
        """Return when the changes are committed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((changes, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._commit_all())
        await future

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            changes = [change for each, _ in batch for change in each]
            try:
                await self._in_thread(self._commit, changes)
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    def _commit(self, changes: Sequence[Change]) -> None:
        Inbox(self.runtime.engine).append(changes, now=self.runtime.now())

    async def _in_thread(self, call: Any, *arguments: Any) -> Any:
        if self._threads is None:
            self._threads = CapacityLimiter(4)
        return await to_thread.run_sync(call, *arguments, limiter=self._threads)


def _read(body: bytes, signature: str, app_secret: str) -> list[Change]:
    if not verify_signature(body, signature, app_secret=app_secret):
        raise _RefusedError(403, "the signature does not match the body")
    try:
        return changes_in(body, key=app_secret)
    except TooManyChangesError as error:
        raise _RefusedError(413, str(error)) from None
    except PayloadError as error:
        raise _RefusedError(400, str(error)) from None
