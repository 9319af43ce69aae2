"""Refusals of Stripe's OAuth host, in its own shape: `error` is a word there, not an object. Decides nothing.

Codes: https://docs.stripe.com/connect/oauth-reference, where each has a table. Descriptions as Stripe's users quote
them, and plain words where nobody does.
"""

from typing_extensions import override

from sandbox.stripe_standin.errors import JsonObject, StripeError, redacted


class OAuthError(StripeError):
    """An answer of `/oauth/token` or `/oauth/deauthorize` that is no success (RFC 6749, section 5.2)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, description, sticks=False)
        self.error = error

    @override
    def body(self) -> JsonObject:
        return {"error": self.error, "error_description": self.message}


def no_credentials() -> OAuthError:
    return OAuthError(
        401,
        "invalid_client",
        "No authentication credentials were provided. Send your secret API key in the Authorization header using the "
        "Bearer authentication method",
    )


def no_such_key(key: str) -> OAuthError:
    return OAuthError(401, "invalid_client", f"No such API key: {redacted(key)}")


def no_such_application(client_id: str) -> OAuthError:
    return OAuthError(401, "invalid_client", f"No such application: {client_id}")


def not_connected(account_id: str) -> OAuthError:
    return OAuthError(
        401,
        "invalid_client",
        f"This application is not connected to stripe account {account_id}, or that account does not exist.",
    )


def invalid_request(description: str) -> OAuthError:
    return OAuthError(400, "invalid_request", description)


def missing(param: str) -> OAuthError:
    return invalid_request(f"Missing required parameter: {param}")


def unsupported_grant_type(grant_type: str) -> OAuthError:
    return OAuthError(400, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")


def code_unknown(code: str) -> OAuthError:
    return OAuthError(400, "invalid_grant", f"Authorization code does not exist: {code}")


def code_expired(code: str) -> OAuthError:
    return OAuthError(400, "invalid_grant", f"Authorization code expired: {code}")


def code_used() -> OAuthError:
    return OAuthError(
        400,
        "invalid_grant",
        "This authorization code has already been used. All tokens issued with this code have been revoked.",
    )
