"""Write a commented intake from the links: it has a line for every question, and the links answer some of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from meta_pipeline.display import printable
from meta_pipeline.intake.file import KEYS_BY_KIND
from meta_pipeline.records import NodeLink

_HEAD = """\
# The intake of Meta Pipeline: META_PIPELINE_TENANTS names this file.
# `meta-pipeline intake check` lists what is not answered yet; `meta-pipeline doctor` compares it with the links.
# A line that begins with # is not answered: remove the # and answer it.

# Our business portfolio at Meta: its id under Business settings → Business info. Customers share with it.
{business}
# Our name, as customers know us.
# name = "Example Agency"
# Whether we administer our portfolio.
# is_business_admin = true
# Whose token is used first: "user" (people consent) or "system_user".
# start_with = "user"
# The permissions to request in App Review.
scopes = {scopes}
# The people who operate this pipeline. Each signs in with a personal link; the operator password ends.
# operators = ["ann@example.com"]

[app]
# Whether the Meta app is in live mode, the domains and the redirect addresses that it allows.
# is_live = true
domains = {domains}
redirect_uris = {redirect_uris}

[data]
# Agreements, in words: where data may be stored, how it is encrypted, what is logged and for how long.
# stored_in = "EU"
# encryption = "encrypted disks; tokens under META_PIPELINE_VAULT_KEYS"
# logging = "calls for 90 days (META_PIPELINE_AUDIT_DAYS)"
"""
_TENANT = """
# {comment}
[tenants.{key}]
name = {title}
# The customer's business portfolios: every node that they own is the customer's.
# businesses = ["{business}"]
# Its nodes by kind; `nodes` accepts ids of any kind.
{nodes}
# Whether its events come through the Conversions API.
# uses_conversions_api = false
# Who shares: the customer with us ("with_us"), we with the customer ("with_them"), or "both"; and the tasks.
# shares = "with_us"
# tasks = {{ ad_account = ["ANALYZE"], page = ["ANALYZE"] }}
# Who may see the customer's page and file, and who may also handle its invitations.
# viewers = ["kim@example.com"]
# operators = ["ann@example.com"]
# Which of them also get what people answered in lead forms, in a separate file.
# lead_viewers = ["kim@example.com"]
# For how many days raw data is kept at least and at most.
# retention_floor_days = 90
# retention_ceiling_days = 1125
# An admin of each of its portfolios:
# [tenants.{key}.contacts.{business}]
# name = "Kim"
# email = "kim@example.com"
"""


def draft_intake(links: Iterable[NodeLink], *, scopes: Sequence[str], redirect_uri: str, domain: str) -> str:
    """Return the text of an intake: a tenant for each business that owns linked nodes (businesses with the same name
    stay separate), and one for nodes whose owner is not known. It is valid without changes."""
    by_owner: dict[str, list[NodeLink]] = {}
    for link in links:
        by_owner.setdefault(link.owner or "", []).append(link)
    text = _HEAD.format(
        business='# business = "1234567890"', scopes=_quoted(scopes), domains=_quoted([domain]),
        redirect_uris=_quoted([redirect_uri]),
    )
    used: set[str] = set()
    for owner, of_owner in sorted(by_owner.items()):
        owner_name = next((link.owner_business for link in of_owner if link.owner_business), owner)
        name = _unused(owner_name, used)
        title = printable(owner_name, limit=200) or "Not known"
        comment = f"Nodes that {title} owns" if owner else "Nodes whose owner Meta does not name"
        text += _TENANT.format(
            comment=comment, key=name, title=json.dumps(title, ensure_ascii=False), nodes=_node_lines(of_owner),
            business=owner if re.fullmatch("[0-9]{1,40}", owner) else "501",
        )
    if not by_owner:
        text += "\n# Nothing is linked yet: run `meta-pipeline connect`, then `meta-pipeline intake new` again.\n"
        text += "# [tenants.example]\n# name = \"Example\"\n# businesses = [\"501\"]\n"
    return text


def _node_lines(links: Sequence[NodeLink]) -> str:
    """Return a list for each kind, with each node's name beside its id."""
    lines = []
    for kind, key in KEYS_BY_KIND.items():
        of_kind = sorted((link for link in links if link.kind == kind), key=lambda link: link.id)
        if not of_kind:
            continue
        lines.append(f"{key} = [")
        for link in of_kind:
            name = f"  # {printable(link.name, limit=100)}" if link.name else ""
            lines.append(f"    {json.dumps(link.id)},{name}")
        lines.append("]")
    return "\n".join(lines)


def _unused(owner: str, used: set[str]) -> str:
    """Return a name for a tenant that can be a folder and that no other tenant has."""
    base = re.sub(r"[^a-z0-9]+", "-", owner.casefold()).strip("-")[:50] or ("business" if owner else "unknown")
    base = base if base not in ("thumbnails", "con", "prn", "aux", "nul") else f"{base}-1"
    name, number = base, 2
    while name in used:
        name, number = f"{base}-{number}", number + 1
    used.add(name)
    return name


def _quoted(values: Iterable[str]) -> str:
    return json.dumps([printable(value) for value in values], ensure_ascii=False)
