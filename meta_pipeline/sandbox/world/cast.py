"""The objects that exist in every world: the app, its users, portfolios, ad accounts, Pages, pixels and catalogs."""

from __future__ import annotations

from meta_pipeline.sandbox.world.entities import Account, Business, Page, SharedAsset

APP_ID = "900000000000001"
USER_ID = "1020000000000001"
SYSTEM_USER_ID = "1020000000000099"
SYSTEM_USER_NAME = "Northwind ELT (system user)"
OWN_BUSINESS = Business("2000000000001", "Northwind Agency")
CLIENT_BUSINESSES = (Business("2000000000002", "Aroha Outdoor"), Business("2000000000003", "Sakura Beauty"))
_AROHA, _SAKURA = CLIENT_BUSINESSES
BUSINESSES = {business.id: business for business in (OWN_BUSINESS, *CLIENT_BUSINESSES)}


def _own_account(account_id: str, name: str, timezone: str, currency: str) -> Account:
    return Account(id=account_id, name=name, timezone=timezone, currency=currency, business=OWN_BUSINESS)


ACCOUNTS = (
    _own_account("1000000001", "Northwind US", "America/Los_Angeles", "USD"),
    _own_account("1000000002", "Northwind Europe", "Europe/Berlin", "EUR"),
    _own_account("1000000003", "Northwind UK", "Europe/London", "GBP"),
    _own_account("1000000004", "Northwind Japan", "Asia/Tokyo", "JPY"),
    Account(id="1000000005", name="Aroha Outdoor NZ", timezone="Pacific/Auckland", currency="NZD", business=_AROHA),
    Account(
        id="1000000006", name="Northwind Brazil (new)", timezone="America/Sao_Paulo", currency="BRL",
        business=OWN_BUSINESS, is_delivering=False,
    ),
)
PAGES = (
    Page(
        id="3000000000001", name="Northwind", business=OWN_BUSINESS, instagram_id="17841400000000001",
        instagram_name="northwind",
    ),
    Page(
        id="3000000000002", name="Aroha Outdoor", business=_AROHA, instagram_id="17841400000000002",
        instagram_name="aroha.outdoor",
    ),
    Page(
        id="3000000000003", name="Sakura Beauty", business=_SAKURA, instagram_id="17841400000000003",
        instagram_name="sakura.beauty",
    ),
)
# Nodes that clients own and have not shared yet: they are requested, and wait for the clients' admins.
PENDING_ACCOUNTS = (
    Account(
        id="1000000801", name="Sakura Beauty Japan", timezone="Asia/Tokyo", currency="JPY", business=_SAKURA,
        is_delivering=False,
    ),
)
PENDING_PAGES = (
    Page(
        id="3000000000004", name="Aroha Trails", business=_AROHA, instagram_id="17841400000000004",
        instagram_name="aroha.trails",
    ),
)
PIXELS = (
    SharedAsset("5000000000001", "Northwind shop", OWN_BUSINESS),
    SharedAsset("5000000000002", "Aroha Outdoor shop", _AROHA),
)
CATALOGS = (
    SharedAsset("6000000000001", "Northwind products", OWN_BUSINESS),
    SharedAsset("6000000000003", "Sakura products", _SAKURA),
)


def more_accounts(count: int) -> list[Account]:
    """Return further accounts like the first four, for a world as large as an agency's."""
    accounts = []
    for n in range(count):
        model = ACCOUNTS[n % 4]
        name = f"{model.name} {2 + n // 4}"
        accounts.append(_own_account(str(1000000007 + n), name, model.timezone, model.currency))
    return accounts
