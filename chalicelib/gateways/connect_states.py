"""What goes with a clinic's staff through Stripe's pages and comes back: who began to connect, and until when.

A state (RFC 6749, section 10.12) names the team and the API client that asked; whoever comes back with it acts for that
team alone. One of OAuth has an id, since it may be used once; one of onboarding names the account that is filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.gateways.signed_tokens import InvalidTokenError, minted, verified

_OAUTH = "anteroom connect"
_ONBOARDING = "anteroom onboarding"


@dataclass(frozen=True, slots=True)
class ConnectState:
    """`state_id`: unguessable. `account_id`: of an account that the platform made; None: OAuth says which."""

    team_id: str
    client_id: str
    state_id: str
    expires_at: datetime
    account_id: str | None = None


def mint_state(key: bytes, state: ConnectState, now: datetime) -> str:
    """The state as a text, in whole seconds."""
    claims = {
        "team_id": state.team_id,
        "jti": state.state_id,
        "exp": int(state.expires_at.timestamp()),
        **({"account": state.account_id} if state.account_id else {}),
    }
    return minted(key, _ONBOARDING if state.account_id else _OAUTH, claims, state.client_id, now)


def verified_state(keys: Sequence[bytes], token: str, now: datetime) -> ConnectState:
    """Of OAuth. Raises InvalidTokenError, which says whether it has expired."""
    return _verified(keys, token, _OAUTH, now)


def verified_onboarding(keys: Sequence[bytes], token: str, now: datetime) -> ConnectState:
    """Of an account that the platform made. Raises InvalidTokenError, which says whether it has expired."""
    return _verified(keys, token, _ONBOARDING, now)


def _verified(keys: Sequence[bytes], token: str, audience: str, now: datetime) -> ConnectState:
    claims = verified(keys, token, audience, ["exp", "sub", "jti", "team_id"])
    expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    if expires_at <= now:
        raise InvalidTokenError(expired=True)
    account = claims.get("account")
    return ConnectState(
        str(claims["team_id"]), str(claims["sub"]), str(claims["jti"]), expires_at, str(account) if account else None
    )
