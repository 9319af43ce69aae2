"""Stripe's OAuth host: who agreed to connect, the code that says so, what it is exchanged for, and how access ends.

https://docs.stripe.com/connect/oauth-reference. Of the tokens only `stripe_user_id` is of use here: the stand-in knows
the platform's own key with `Stripe-Account`, and no others. Idempotency keys are documented for the API alone, so they
are not heeded here: a request that is sent again finds its code used.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from sandbox.stripe_standin import accounts
from sandbox.stripe_standin import oauth_errors as errors
from sandbox.stripe_standin.errors import JsonObject, StripeError
from sandbox.stripe_standin.forms import Form, decoded
from sandbox.stripe_standin.world import Books, ControlError, Grant, World

CODE_LIVES = int(timedelta(minutes=5).total_seconds())
SCOPE = "read_write"
Endpoint = Callable[[World, Form], JsonObject]


# --- the two endpoints ----------------------------------------------------------------------------------------------


def require_key(given: str | None, secret_key: str) -> None:
    """Let only the platform itself in; raises OAuthError 401."""
    if given is None:
        raise errors.no_credentials()
    if given != secret_key:
        raise errors.no_such_key(given)


def read_form(encoded: bytes) -> Form:
    """Parameters that are not known are let pass (RFC 6749, section 3.2); raises OAuthError for what is no form."""
    try:
        return decoded(encoded)
    except StripeError as error:
        raise errors.invalid_request(error.message) from error


def token(world: World, form: Form) -> JsonObject:
    """Exchange a code, which connects its account; raises OAuthError 400."""
    grant_type = required(form, "grant_type")
    if grant_type != "authorization_code":
        raise errors.unsupported_grant_type(grant_type)
    books = redeem(world, required(form, "code"))
    accounts.connect(world, books)
    return tokens(world, books.account_id)


def redeem(world: World, code: str) -> Books:
    """Use a code up, and give whose it was."""
    grant = world.grants.get(code)
    if grant is None:
        raise errors.code_unknown(code)
    if grant.used:
        raise errors.code_used()
    if grant.expires_at <= world.timestamp():
        raise errors.code_expired(code)
    grant.used = True
    return world.books[grant.account_id]


def tokens(world: World, account_id: str) -> JsonObject:
    mode = "live" if world.livemode else "test"
    return {
        "access_token": world.new_id(f"sk_{mode}"),
        "livemode": world.livemode,
        "refresh_token": world.new_id("rt", 48),
        "token_type": "bearer",
        "stripe_publishable_key": world.new_id(f"pk_{mode}"),
        "stripe_user_id": account_id,
        "scope": SCOPE,
    }


def deauthorize(world: World, form: Form) -> JsonObject:
    """End the access to an account at the platform's wish; raises OAuthError: 401 where there is none to end."""
    client_id, account_id = required(form, "client_id"), required(form, "stripe_user_id")
    if client_id != world.application_id:
        raise errors.no_such_application(client_id)
    books = world.books.get(account_id)
    if books is None or books.is_platform or not books.authorized:
        raise errors.not_connected(account_id)
    accounts.end_access(world, books)
    return {"stripe_user_id": account_id}


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/oauth/token"): token,
    ("POST", "/oauth/deauthorize"): deauthorize,
}


def required(form: Form, name: str) -> str:
    given = form.get(name)
    if not isinstance(given, str) or not given:
        raise errors.missing(name)
    return given


# --- who agrees -----------------------------------------------------------------------------------------------------


def grant(world: World, books: Books) -> str:
    """Let the account's owner press Connect; gives the code. One that is connected already may connect again."""
    if books.is_platform or accounts.is_controlled(books):
        message = f"{books.account_id!r} cannot be connected by OAuth: it is the platform's own, or controlled by it"
        raise ControlError(message)
    code = world.new_id("ac", 32)
    world.grants[code] = Grant(books.account_id, world.timestamp() + CODE_LIVES)
    return code


def candidates(world: World) -> list[Books]:
    """Give the accounts whose owners could press Connect, those that are not connected first."""
    able = [one for one in world.books.values() if not one.is_platform and not accounts.is_controlled(one)]
    return sorted(able, key=lambda one: one.authorized)
