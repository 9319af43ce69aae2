"""Accounts that the platform creates, and the hosted pages on which their owners finish them.

https://docs.stripe.com/api/accounts/create, https://docs.stripe.com/api/account_links/create,
https://docs.stripe.com/connect/hosted-onboarding. The owner's account has Stripe's full dashboard, and pays Stripe's
fees and losses itself: the only kind that Anteroom has a use for.
"""

import re
from datetime import timedelta

from sandbox.stripe_standin import accounts, currencies, errors, methods
from sandbox.stripe_standin.errors import JsonObject, StripeError
from sandbox.stripe_standin.world import Books, Setup, World, copied

LINK_LIVES = int(timedelta(minutes=5).total_seconds())
ASKED = ("business_profile.url", "business_type", "external_account", "tos_acceptance.date", "tos_acceptance.ip")
DEFAULT_NAME = "Connected Clinic"
CONTROLLER = {
    "fees": {"payer": "account"},
    "losses": {"payments": "stripe"},
    "requirement_collection": "stripe",
    "stripe_dashboard": {"type": "full"},
}
HOME_CURRENCY = {
    "AT": "eur", "AU": "aud", "BE": "eur", "CA": "cad", "CH": "chf", "DE": "eur", "DK": "dkk", "ES": "eur", "FI": "eur",
    "FR": "eur", "GB": "gbp", "HK": "hkd", "IE": "eur", "IT": "eur", "JP": "jpy", "LU": "eur", "NL": "eur", "NO": "nok",
    "NZ": "nzd", "PT": "eur", "SE": "sek", "SG": "sgd", "US": "usd",
}  # fmt: skip


class UnknownLinkError(LookupError):
    """There never was such a link."""


class LinkClosedError(Exception):
    """The link was used, is late, or its account is out of reach: whoever followed it is sent to `refresh_url`."""

    def __init__(self, refresh_url: str) -> None:
        super().__init__(refresh_url)
        self.refresh_url = refresh_url


# --- the account ----------------------------------------------------------------------------------------------------


def create(world: World, books: Books, params: JsonObject) -> JsonObject:
    """Create a connected account that has submitted nothing yet; raises StripeError."""
    require_platform(books)
    require_controller(params.get("controller"))
    country = str(params.get("country", books.account["country"]))
    account = accounts.new_account(
        world.new_id("acct", 16),
        params.get("business_profile", {}).get("name"),
        currency_of(country, params.get("default_currency")),
        world.timestamp(),
    )
    account.update(country=country, email=params.get("email"), metadata=params.get("metadata", {}))
    account.update(empty_handed())
    world.books[account["id"]] = Books(account, is_platform=False)
    return account


def require_platform(books: Books) -> None:
    """Refuse a connected account what only the platform can do."""
    if not books.is_platform:
        raise errors.only_platforms()


def require_controller(asked: JsonObject | None) -> None:
    """Take the one kind of account that is simulated: what is not said is so by default."""
    if asked is None:
        raise StripeError(400, "The Stripe stand-in does not simulate accounts without a controller.", param="type")
    for name, value in asked.items():
        if value != CONTROLLER[name]:
            said = "".join(f"[{key}]={one}" for key, one in value.items()) if isinstance(value, dict) else f"={value}"
            raise errors.parameter_not_simulated(f"controller[{name}]{said}")


def currency_of(country: str, asked: str | None) -> str:
    if not re.fullmatch(r"[A-Z]{2}", country):
        message = (
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, such as 'US', "
            "'EG', or 'GB'."
        )
        raise errors.parameter_invalid(message, "country", "country_unsupported")
    if asked is None and country not in HOME_CURRENCY:
        raise errors.parameter_not_simulated(f"country={country}")
    currency = HOME_CURRENCY[country] if asked is None else asked.lower()
    if currency not in currencies.SUPPORTED:
        raise errors.invalid_currency(currency, currencies.SUPPORTED, "default_currency")
    return currency


def empty_handed() -> JsonObject:
    """Give what a new account is, before its owner has told Stripe anything."""
    return {
        "business_type": None,
        "capabilities": {**methods.capabilities(active=False), "transfers": "inactive"},
        "charges_enabled": False,
        "controller": {"type": "application", "is_controller": True, **copied(CONTROLLER)},
        "details_submitted": False,
        "payouts_enabled": False,
        "requirements": {
            **accounts.requirements(restricted=True),
            **{name: list(ASKED) for name in ("currently_due", "eventually_due", "past_due")},
        },
        "type": "none",
    }


def finish(world: World, books: Books) -> None:
    """Submit everything that Stripe asks for; nothing happens where everything is there already."""
    account = books.account
    if account["details_submitted"]:
        return
    before = {name: account[name] for name in ("charges_enabled", "details_submitted", "payouts_enabled")}
    name = account["business_profile"]["name"] or DEFAULT_NAME
    account["business_profile"]["name"] = account["settings"]["dashboard"]["display_name"] = name
    account.update(dict.fromkeys(before, True))
    account.update(
        business_type="company",
        capabilities=methods.capabilities(active=True),
        requirements=accounts.requirements(restricted=False),
    )
    world.announce(books, "account.updated", account, previous=before)


# --- the link -------------------------------------------------------------------------------------------------------


def create_link(world: World, books: Books, params: JsonObject, secret_key: str) -> JsonObject:
    """Make a link to the hosted page; raises StripeError 403 for an account that the platform has no access to."""
    require_platform(books)
    if params["type"] != "account_onboarding":
        raise errors.parameter_not_simulated(f"type={params['type']}")
    account = onboarded(world, params["account"], secret_key)
    token, created = world.new_id("alu", 24).removeprefix("alu_"), world.timestamp()
    expires_at = created + LINK_LIVES
    world.setups[token] = Setup(account.account_id, params["refresh_url"], params["return_url"], expires_at)
    return {
        "object": "account_link",
        "created": created,
        "expires_at": expires_at,
        "url": f"{world.public_url}/setup/s/{account.account_id}/{token}",
    }


def onboarded(world: World, account_id: str, secret_key: str) -> Books:
    account = world.books.get(account_id)
    if account is None or not account.authorized:
        raise errors.account_invalid(secret_key, account_id)
    if account.is_platform:
        raise errors.no_client_application()
    if not accounts.is_controlled(account):
        message = "The Stripe stand-in makes account links only for accounts that the platform created."
        raise StripeError(400, message, param="account")
    return account


def open_link(world: World, account_id: str, token: str) -> str:
    """Follow a link, which works once and in time; gives the account's name.

    Raises UnknownLinkError, LinkClosedError.
    """
    setup = find_setup(world, account_id, token)
    books = world.books[account_id]
    if setup.opened or setup.expires_at <= world.timestamp() or not books.authorized:
        raise LinkClosedError(setup.refresh_url)
    setup.opened = True
    return accounts.name_of(books)


def leave(world: World, account_id: str, token: str, *, finished: bool) -> str:
    """Leave the page that a link opened, however late; gives where that leads.

    Raises UnknownLinkError, LinkClosedError.
    """
    setup = find_setup(world, account_id, token)
    books = world.books[account_id]
    if not setup.opened or setup.left or not books.authorized:
        raise LinkClosedError(setup.refresh_url)
    setup.left = True
    if finished:
        finish(world, books)
    return setup.return_url


def find_setup(world: World, account_id: str, token: str) -> Setup:
    setup = world.setups.get(token)
    if setup is None or setup.account_id != account_id:
        raise UnknownLinkError(token)
    return setup
