"""The questions that an intake leaves unanswered, as data: each with the key that answers it and the reason to ask."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from meta_pipeline.intake.intake import Intake


@dataclass(frozen=True, slots=True)
class Question:
    """A question: `key`, where its answer belongs; `text`: the question; `reason`: what needs the answer."""

    key: str
    text: str
    reason: str


# The keys are the attributes of `Intake` too.
_OF_US = (
    Question("business", "Which business portfolio is ours?", "clients share with its id"),
    Question("name", "Under which name do customers know us?", "invitations say who asks"),
    Question(
        "is_business_admin", "Are we an admin of our business portfolio?",
        "only admins add partners and system users",
    ),
    Question(
        "start_with", 'Do we start with people\'s tokens ("user") or with a system user ("system_user")?',
        "a person's consent has to be renewed, a system user's token need not expire",
    ),
    Question(
        "scopes", "Which permissions do we request in App Review?",
        "without Advanced Access Meta grants a permission to people with a role in the app only",
    ),
    Question(
        "operators", "Who may operate this pipeline? Addresses of people.",
        "they sign in with personal links, and the shared password ends",
    ),
    Question("app.is_live", "Is the app in live mode?", "until then only people with a role in the app can log in"),
    Question("app.domains", "Which domains does the app allow?", "Meta redirects to them only"),
    Question(
        "app.redirect_uris", "Which redirect addresses does the app allow?", "Meta compares them letter by letter"
    ),
    Question("data.stored_in", "Where may data be stored?", "a contract may name a region"),
    Question("data.encryption", "How must data be encrypted?", "the disks must be set up accordingly"),
    Question(
        "data.logging", "What must be logged, and for how long?", "META_PIPELINE_AUDIT_DAYS follows from it"
    ),
    Question("tenants", "Who are the customers?", "each gets a file, a page and invitations"),
)
# The keys are the attributes of `Tenant` too, except for the name.
_OF_A_TENANT = (
    Question("name", "What is the customer's name?", "its page and invitations show it"),
    Question("businesses", "Which business portfolios are the customer's?", "what they own is the customer's"),
    Question(
        "nodes", "Which ad accounts, Pages, Instagram accounts, pixels and catalogs are wanted?",
        "an invitation says what is missing",
    ),
    Question(
        "shares", 'Who shares: the customer with us ("with_us"), we with the customer ("with_them"), or "both"?',
        "partners can be added in either direction, and only one of them lets us read",
    ),
    Question("tasks", "Which tasks were agreed, by kind?", 'reading needs "ANALYZE"'),
    Question(
        "uses_conversions_api", "Does the customer send events through the Conversions API?",
        "its pixels are then datasets",
    ),
    Question("viewers", "Who may view the customer's page and file?", "viewers sign in with personal links"),
    Question(
        "retention_floor_days", "For how many days must raw data be kept at least?", "it does not expire earlier"
    ),
    Question(
        "retention_ceiling_days", "For how many days may raw data be kept at most?",
        "invitations say how long data is kept",
    ),
)


def open_questions(intake: Intake) -> Iterator[Question]:
    """Yield the questions that the intake does not answer: about ourselves, then about each customer."""
    yield from (question for question in _OF_US if not _has_answer(intake, question.key))
    for tenant in intake.tenants:
        for question in _OF_A_TENANT:
            if not _has_answer(tenant, "title" if question.key == "name" else question.key):
                yield Question(f"tenants.{tenant.name}.{question.key}", question.text, question.reason)
        reachable = {contact.business for contact in tenant.contacts if contact.email}
        for business in sorted(tenant.businesses - reachable):
            yield Question(
                f"tenants.{tenant.name}.contacts.{business}.email", f"Who administers business {business}?",
                "only its admins can share its accounts and Pages",
            )


def _has_answer(record: Any, path: str) -> bool:
    """Return whether the attribute at a dotted path has a value. False and 0 are values."""
    value = functools.reduce(getattr, path.split("."), record)
    return value is not None and (isinstance(value, bool | int) or bool(value))
