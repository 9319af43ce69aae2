"""The command `stripe setup`: what the deployment needs at Stripe, compared with what is there; makes or mends it.

A signing secret that Stripe shows once goes into the secrets' parameter at once, or is printed where there is none.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator

from chalicelib.flows.connect import callback_url
from chalicelib.gateways.stripe_endpoints import Endpoint, NewEndpoint, StripeEndpoints, Wanted, wanted_endpoints
from ops.commands import RESTART, RefusedError
from ops.environment import Deployment

SETUP_SECONDS = 60


def set_up_stripe(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.within(SETUP_SECONDS)
    yield f"Stripe, {'live' if ctx.settings.livemode else 'test'} mode, for {ctx.settings.public_url}"
    there, left, is_new = StripeEndpoints(ctx.stripe).all(ctx.deadline), 0, False
    for wanted in wanted_endpoints(ctx.settings):
        yield ""
        yield wanted.url
        yield f"  events       {', '.join(wanted.events)}"
        found = [one for one in there if one.url == wanted.url]
        made = None if found or asked.check else StripeEndpoints(ctx.stripe).create(wanted, ctx.deadline)
        if made is not None:
            is_new = True
            yield from _made(deployment, wanted, made)
            continue
        if len(found) > 1:
            yield f"  there are    {len(found)}, which is one too many: delete the others at Stripe"
        for endpoint in found:
            yield from _compared(deployment, wanted, endpoint, mends=not asked.check)
        left += _left(wanted, found, mends=not asked.check)
        if not found:
            yield "  missing      there is no such endpoint"
    yield from _platform(deployment)
    if is_new:
        yield RESTART
    if left:
        message = f"{left} thing(s) are not as they should be" + (
            "; without --check they are mended" if asked.check else ""
        )
        raise RefusedError(message)


def _made(deployment: Deployment, wanted: Wanted, made: NewEndpoint) -> Iterator[str]:
    yield f"  created      {made.endpoint.endpoint_id}, API version {wanted.api_version}"
    if deployment.secrets is None:
        yield from _shown(wanted, made)
        return
    try:
        written = json.loads(deployment.secrets.read())
        written[wanted.secrets_entry] = [*written.get(wanted.secrets_entry, []), made.secret]
        deployment.secrets.write(json.dumps(written))
    except Exception:
        yield f"  NOT KEPT     {deployment.secrets.name} could not be written"
        yield from _shown(wanted, made)
        raise
    yield f"  secret       added to {wanted.secrets_entry} in {deployment.secrets.name}"


def _shown(wanted: Wanted, made: NewEndpoint) -> Iterator[str]:
    yield f"  {wanted.secrets_entry}  {made.secret}"
    yield "  The secret is shown this once: put it into the secrets now."


def _compared(deployment: Deployment, wanted: Wanted, endpoint: Endpoint, *, mends: bool) -> Iterator[str]:
    ctx = deployment.ctx.within(SETUP_SECONDS)
    lacks = endpoint.lacks(wanted)
    yield f"  there is     {endpoint.endpoint_id}"
    if not wanted.has_secret:
        yield f"  no secret    {wanted.secrets_entry} is empty, so all that it sends is refused: put its secret there,"
        yield "               as Stripe's dashboard shows it, or delete the endpoint at Stripe and run this again."
    if lacks:
        yield f"  lacks        {', '.join(lacks)}"
    if not endpoint.is_enabled:
        yield "  is off       Stripe sends it nothing"
    if mends and (lacks or not endpoint.is_enabled):
        StripeEndpoints(ctx.stripe).mend(endpoint, wanted, ctx.deadline)
        yield "  mended"
    if endpoint.api_version != wanted.api_version:
        its = endpoint.api_version or "that of the account"
        yield f"  API version  {its}; what is read here is {wanted.api_version}."
        yield "               It cannot be changed: delete the endpoint at Stripe, and run this again."
    if endpoint.kind not in {None, wanted.kind}:
        yield f"  is for       {endpoint.kind} accounts: delete it at Stripe, and run this again."
    if endpoint.kind is None:
        yield f"  made by hand Stripe does not say whether it is for {wanted.kind} accounts; look there."


def _left(wanted: Wanted, found: list[Endpoint], *, mends: bool) -> int:
    """What is not as it should be, and what of it was not mended."""
    if not found:
        return 1
    unmended = [one for one in found if not mends and (one.lacks(wanted) or not one.is_enabled)]
    others = [one for one in found if one.api_version != wanted.api_version or one.kind not in {None, wanted.kind}]
    return len(unmended) + len(others) + len(found) - 1 + (not wanted.has_secret)


def _platform(deployment: Deployment) -> Iterator[str]:
    """What only Stripe's dashboard can do."""
    settings = deployment.ctx.settings
    if not settings.is_platform:
        return
    yield ""
    if settings.has_oauth:
        yield "In Stripe's dashboard, Settings, Connect, OAuth: this must be among the redirect URIs:"
        yield f"  {callback_url(deployment.ctx)}"
    else:
        yield "Clinics cannot connect accounts that they have: the secrets hold no stripe_client_id (OAuth)."
