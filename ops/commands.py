"""What each command does: call one flow or load one thing, and say it in lines. Errors are told by `main.py`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator

from chalicelib.config import secrets_from
from chalicelib.domain.books import operator
from chalicelib.domain.links import MASTER_KEY_BYTES
from chalicelib.flows import revoke
from chalicelib.flows.sweep import SWEEP_SECONDS
from chalicelib.flows.sweep import sweep as sweep_due
from chalicelib.storage.stores import NotFoundError
from ops import link_keys, pictures
from ops.environment import Deployment, SecretsParameter
from ops.pictures import Scene

Command = Callable[[Deployment, Namespace], Iterator[str]]


class RefusedError(Exception):
    """The command does not do that. The message says why, and what to do instead."""


class AskedWronglyError(Exception):
    """The arguments make no sense together. The message says why."""


# --- sessions -------------------------------------------------------------------------------------------------------


def show_session(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    yield from pictures.session_lines(_scene(deployment, asked.team_id, asked.session_id))


def show_participant(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    session_id, number = asked.participant
    scene = _scene(deployment, asked.team_id, session_id)
    participant = scene.session.participant(number)
    if participant is None:
        message = f"no such participant in session {session_id}"
        raise NotFoundError(message)
    yield from pictures.participant_lines(scene, participant)


def _scene(deployment: Deployment, team_id: str, session_id: str) -> Scene:
    ctx = deployment.ctx
    session = ctx.sessions.get(team_id, session_id)
    return Scene(session, ctx.teams.get(team_id), ctx.entries.of(team_id, session_id), ctx.clock())


def revoke_link(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    session_id, number = asked.participant
    url = revoke.revoke(deployment.ctx.acting_for(operator(asked.by)), asked.team_id, session_id, number)
    yield "The old link is void at once. The new one, for this participant alone:"
    yield url


def sweep(deployment: Deployment, _asked: Namespace) -> Iterator[str]:
    swept = sweep_due(deployment.ctx.within(SWEEP_SECONDS))
    yield f"sessions taken up  {swept.sessions}"
    yield f"acts carried out   {swept.acts}"
    yield f"failed             {swept.failed}"
    if swept.failed:
        yield "What failed is tried again by itself, in 15 minutes at the latest; the log above names it."
    if swept.unfinished:
        yield "The time was up before everything was done; run it again, or leave it to the scheduled function."


# --- link keys ------------------------------------------------------------------------------------------------------

RESTART = """\
Running functions read their secrets once, when they start. A deployment that changes nothing restarts none of them; a
change of a function's configuration does. For each of the stack's functions (APIHandler, Sweep and Reconcile):
  aws lambda update-function-configuration --function-name NAME --description "link keys read anew"
Left alone, Lambda replaces them within hours, at a time of its own choosing."""


def rotate_link_key(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    parameter = _parameter(deployment)
    text, key_id = link_keys.with_key(parameter.read(), deployment.ctx.entropy(MASTER_KEY_BYTES))
    if asked.at_once:
        text = link_keys.with_current(text, key_id)
    parameter.write(text)
    yield f"Link key {key_id} is kept in {parameter.name}; {_current(text)}. Links made so far stay good."
    if not asked.at_once:
        yield "It is not used yet, since a function that has not read it would refuse its links."
        yield "Restart the functions, then:"
        yield f"  python -m ops link-key use {key_id}"
    yield RESTART


def use_link_key(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    parameter = _parameter(deployment)
    text = link_keys.with_current(parameter.read(), asked.key_id)
    parameter.write(text)
    yield f"New links are made with key {asked.key_id} by every function that starts from now on."
    yield "Those that run already go on with the former key, which is as good while all of them know both."
    yield RESTART


def retire_link_key(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    parameter = _parameter(deployment)
    text = link_keys.without_key(parameter.read(), asked.key_id)
    if not asked.yes:
        message = (
            f"every session scheduled while key {asked.key_id} was current would lose its links, and the way back from "
            "Checkout. Sessions start at most 18 months ahead, so 18 months after its last use none is left. "
            "If you mean it, add --yes"
        )
        raise RefusedError(message)
    parameter.write(text)
    yield f"Link key {asked.key_id} is gone from {parameter.name}; {_current(text)}."
    yield "Links made with it are void for every function that starts from now on."
    yield RESTART


def _current(text: str) -> str:
    return f"key {secrets_from(text).link_keys.current} is the current one"


def _parameter(deployment: Deployment) -> SecretsParameter:
    if deployment.secrets is None:
        message = (
            "this deployment's secrets are not in a parameter: the local stack makes new keys at each start "
            "(Ctrl-C, then: make run), and secrets in ANTEROOM_SECRETS_JSON are changed where that is set"
        )
        raise RefusedError(message)
    return deployment.secrets
