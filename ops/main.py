"""Run one command: parse, connect, print its lines; and turn whatever goes wrong into one sentence and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.config import SettingsError
from chalicelib.domain.accounts import UnknownAccountError
from chalicelib.domain.teams import TeamSettingError
from chalicelib.flows.change import ContendedError
from chalicelib.flows.change_team import TeamDeletedError
from chalicelib.flows.enrol import TooManySecretsError
from chalicelib.flows.revoke import NoMoreLinksError
from chalicelib.flows.subdomains import SubdomainTakenError
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.storage.stores import ConflictError, NotFoundError, StoreError, StoreUnavailableError
from ops.arguments import parser
from ops.commands import AskedWronglyError, RefusedError
from ops.environment import Deployment, NoDeploymentError
from ops.link_keys import LinkKeyError

DONE, REFUSED, ASKED_WRONGLY, NO_ANSWER = 0, 1, 2, 3

HINTS = {
    "is not set": "for the local stack, start it with: make run",
    "NoCredentialsError": "no AWS credentials were found; for the local stack, start it with: make run",
    "PartialCredentialsError": "the AWS credentials are incomplete",
    "ProfileNotFound": "AWS_PROFILE names a profile that is not there",
    "ExpiredTokenException": "the AWS credentials have expired",
    "UnrecognizedClientException": "AWS does not know these credentials",
    "AccessDeniedException": "these AWS credentials may not do that",
    "ParameterNotFound": "there is no such parameter; is ANTEROOM_SECRETS right, and AWS_REGION?",
    "ResourceNotFoundException": "there is no such table; are ANTEROOM_TABLE_PREFIX and AWS_REGION right?",
    "EndpointConnectionError": "nothing answers there; is the address right, is the local stack running?",
}


class Connect(Protocol):
    """Gives the deployment to work on; asked only once the arguments are sound."""

    def __call__(self, *, local: bool) -> Deployment: ...


def main(argv: Sequence[str], connect: Connect, out: TextIO, err: TextIO) -> int:
    """Do what `argv` says; gives the exit code. Raises SystemExit for help, and arguments that make no sense."""
    asked = parser().parse_args(argv)
    try:
        for line in asked.run(connect(local=asked.local), asked):
            print(line, file=out)
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        print(f"{_sentence(error)}{_hint(error)}", file=err)
        return code
    return DONE


def _code(error: Exception) -> int | None:
    """None: a fault of ours, whose traceback is the message."""
    match error:
        case StoreUnavailableError() | StripeError() | BotoCoreError() | ClientError():
            return NO_ANSWER
        case NoDeploymentError() | SettingsError() | TeamSettingError() | AskedWronglyError():
            return ASKED_WRONGLY
        case (
            StoreError()
            | ContendedError()
            | NoMoreLinksError()
            | RefusedError()
            | LinkKeyError()
            | TooManySecretsError()
            | UnknownAccountError()
            | SubdomainTakenError()
        ):
            return REFUSED
        case _:
            return None


def _sentence(error: Exception) -> str:
    match error:
        case ClientError():
            return f"AWS refused: {_reason(error)}"
        case StripeError():
            return f"Stripe did not answer well: {error}"
        case BotoCoreError():
            return f"AWS cannot be reached: {_reason(error)}"
        case ConflictError() | ContendedError():
            return f"{error}; nothing was changed, run the command again"
        case TeamDeletedError():
            return str(error)
        case UnknownAccountError():
            return "the team has no such account connected; see: python -m ops team show"
        case SubdomainTakenError():
            return "another team has that subdomain; choose another one"
        case NotFoundError():
            return f"{error}; is it of this team, and of this deployment?"
        case NoMoreLinksError():
            return "this participant's link was revoked as often as it can be; add them to the session anew"
        case _:
            return str(error)


def _reason(error: ClientError | BotoCoreError) -> str:
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else type(error).__name__


def _hint(error: Exception) -> str:
    told = _reason(error) if isinstance(error, (ClientError, BotoCoreError)) else str(error)
    return next((f" ({hint})" for code, hint in HINTS.items() if code in told), "")
