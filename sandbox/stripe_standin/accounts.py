"""Accounts: the deployment's own and those connected to it, and what opens, closes or restricts them."""

import re

from sandbox.stripe_standin import methods
from sandbox.stripe_standin.errors import JsonObject, application_fee_abroad, charges_disabled
from sandbox.stripe_standin.world import Books, ControlError, World

HOME = "AU"
NO_FEES_FROM_ABROAD = frozenset({"BR", "IN", "MX", "MY", "SG", "TH"})
"""Where a platform of another country gets no application fees, as Stripe lists them to its users:
https://groups.google.com/a/lists.stripe.com/g/api-discuss/c/-Ezjn3roCiI."""


def open_account(
    world: World,
    *,
    account_id: str | None,
    name: str,
    currency: str,
    is_platform: bool,
    connected: bool = True,
    country: str = HOME,
) -> Books:
    """Open an account that can charge; raises ControlError when its id is taken, or that is no country's code."""
    require_country(country)
    account_id = account_id or world.new_id("acct", 16)
    if account_id in world.books:
        message = f"the account {account_id!r} exists already"
        raise ControlError(message)
    account = new_account(account_id, name, currency, world.timestamp())
    account["country"] = country
    books = Books(account, is_platform, authorized=connected)
    world.books[account_id] = books
    return books


def new_account(account_id: str, name: str | None, currency: str, created: int) -> JsonObject:
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {"name": name, "url": None},
        "business_type": "company",
        "capabilities": methods.capabilities(active=True),
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": HOME,
        "created": created,
        "default_currency": currency,
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": requirements(restricted=False),
        "settings": {
            "branding": {}, "card_payments": {}, "dashboard": {"display_name": name, "timezone": "Etc/UTC"},
            "payments": {},
        },
        "type": "standard",
    }  # fmt: skip


def requirements(*, restricted: bool) -> JsonObject:
    asked = ["business_profile.url"] if restricted else []
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": asked,
        "disabled_reason": "requirements.past_due" if restricted else None,
        "errors": [],
        "eventually_due": asked,
        "past_due": asked,
        "pending_verification": [],
    }


def set_charges_enabled(world: World, books: Books, *, enabled: bool) -> None:
    account = books.account
    if account["charges_enabled"] == enabled:
        return
    account["charges_enabled"] = enabled
    account["requirements"] = requirements(restricted=not enabled)
    world.announce(books, "account.updated", account, previous={"charges_enabled": not enabled})


def set_country(world: World, books: Books, country: str) -> None:
    """Let the account be of another country, which Stripe's own never become; raises ControlError."""
    require_country(country)
    account, before = books.account, books.account["country"]
    if before == country:
        return
    account["country"] = country
    world.announce(books, "account.updated", account, previous={"country": before})


def require_country(country: str) -> None:
    if not re.fullmatch(r"[A-Z]{2}", country):
        message = f"{country!r} is not a country's code of two capital letters"
        raise ControlError(message)


def require_fees_from(world: World, books: Books) -> None:
    """Refuse as Stripe does (400) where the platform gets no application fees: across a border, or of an account."""
    platform, country = str(world.platform.account["country"]), str(books.account["country"])
    if not books.takes_fees or (platform != country and country in NO_FEES_FROM_ABROAD):
        raise application_fee_abroad(platform, country)


def require_charges(books: Books) -> None:
    """Refuse as Stripe does (400) when the account may not take payments."""
    if not books.account["charges_enabled"]:
        raise charges_disabled()


def name_of(books: Books) -> str:
    """Give what a page calls the account, which may not have said its name yet."""
    return str(books.account["business_profile"]["name"] or "New account")


def is_controlled(books: Books) -> bool:
    """Say whether the platform controls the account: https://docs.stripe.com/connect/platform-controls-for-standard-accounts."""
    return bool(books.account["controller"].get("is_controller"))


def deauthorize(world: World, books: Books) -> None:
    """End the platform's access, as the owner can; raises ControlError where the owner cannot."""
    if books.is_platform or not books.authorized:
        message = f"{books.account_id!r} is not a connected account"
        raise ControlError(message)
    if is_controlled(books):
        message = f"{books.account_id!r} is controlled by the platform: its owner cannot disconnect it"
        raise ControlError(message)
    end_access(world, books)


def end_access(world: World, books: Books) -> None:
    """Send one last event; then 403 for every call, and no more events of this account. It is its owner's alone."""
    world.announce(books, "account.application.deauthorized", application(world))
    books.authorized = False
    books.account.update(controller={"type": "account"}, type="standard")


def authorize(world: World, books: Books) -> None:
    """Give the platform access to a connected account again."""
    if books.authorized:
        message = f"{books.account_id!r} is authorized already"
        raise ControlError(message)
    connect(world, books)


def connect(world: World, books: Books) -> None:
    """Give the platform access, and announce it each time that the owner agrees."""
    books.authorized = True
    world.announce(books, "account.application.authorized", application(world))


def application(world: World) -> JsonObject:
    return {
        "id": world.application_id,
        "object": "application",
        "name": world.platform.account["business_profile"]["name"],
    }
