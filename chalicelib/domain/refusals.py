"""A definite refusal of Stripe's: nothing was made, and by what Stripe says it can be told whose it is to mend.

Codes, never Stripe's own texts: these may quote what was sent. Source: https://docs.stripe.com/api/errors.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Stripe says of a request that it refused (400 to 404); None where it says nothing.

    `code` and `param` are Stripe's names, `kind` the error's type (`invalid_request_error`), `request_id` (`req_…`)
    finds the request in Stripe's dashboard.
    """

    code: str | None = None
    param: str | None = None
    kind: str | None = None
    request_id: str | None = None
