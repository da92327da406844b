"""Meta's callbacks: a person has removed the app, or wants everything about them to be erased."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from meta_pipeline.consent.signed_request import SignedRequest
from meta_pipeline.records import MetaPipelineError
from meta_pipeline.status.token_health import APP_REMOVED, DEAUTHORIZED
from meta_pipeline.store.leaving import erasures, signed_requests
from meta_pipeline.store.leaving.erasures import SubjectKind
from meta_pipeline.vault.vault import Vault

DEAUTHORIZE, DATA_DELETION = "deauthorize", "data-deletion"
PEOPLE = ("user", "system_user")


class RepeatedError(MetaPipelineError):
    """A signed request that was processed before."""

    def __init__(self) -> None:
        super().__init__("this signed request was used before")


def deauthorize(request: SignedRequest, *, tokens: Vault, engine: sa.Engine, now: dt.datetime) -> int:
    """Retire every token of the person at once, and the Page tokens through them; return how many were in use.

    Raise RepeatedError for a request that was processed before: the person may have connected again since."""
    if signed_requests.find(engine, DEAUTHORIZE, request.digest):
        raise RepeatedError
    count = retire_person(request.user_id, tokens=tokens)
    # Recorded last: after a kill in between, Meta sends it again, and retiring twice changes nothing.
    if not signed_requests.record(engine, DEAUTHORIZE, request.digest, code=None, now=now):
        raise RepeatedError
    return count


def retire_person(user_id: str, *, tokens: Vault) -> int:
    """Retire every token of a person and the Page tokens through them; return how many were in use."""
    refs = tokens.refs(replaced=True)
    people = {ref.id for ref in refs if ref.subject_id == user_id and ref.kind in PEOPLE}
    theirs = [ref.id for ref in refs if {ref.id, ref.parent_ref} & people]
    count = sum(tokens.retire(ref_id, DEAUTHORIZED, subcode=APP_REMOVED) for ref_id in theirs)
    tokens.erase_retired()
    return count


def request_deletion(request: SignedRequest, *, tokens: Vault, engine: sa.Engine, now: dt.datetime) -> str:
    """Retire the person's tokens, queue the erasure, and return its confirmation code. A repeated request returns the
    same code."""
    if received := signed_requests.find(engine, DATA_DELETION, request.digest):
        return str(received.code)
    retire_person(request.user_id, tokens=tokens)
    code = request_erasure("person", request.user_id, DATA_DELETION, tokens=tokens, engine=engine, now=now)
    if not signed_requests.record(engine, DATA_DELETION, request.digest, code=code, now=now):
        received = signed_requests.find(engine, DATA_DELETION, request.digest)
        return str(received.code if received else code)
    return code


def request_erasure(
    kind: SubjectKind, subject: str, origin: str, *, tokens: Vault, engine: sa.Engine, now: dt.datetime
) -> str:
    """Queue an erasure and return its confirmation code."""
    return erasures.request(
        engine, kind=kind, subject_digest=tokens.signing_key().digest(f"{kind}:{subject}"),
        seal=lambda code: tokens.seal_text(subject, subject=code), origin=origin, now=now,
    )
