"""The keys of the links, inside the text of the deployment's secrets: one more, another current one, one fewer.

Text in, text out: nothing is read or written here, and no key is ever shown. What else the text holds stays as it is.
"""

from __future__ import annotations

import base64
import json

from chalicelib.config import secrets_from
from chalicelib.domain.links import LAST_KEY_ID


class LinkKeyError(Exception):
    """It cannot be done with the keys there are. Messages name keys by id."""


def with_key(text: str, key: bytes) -> tuple[str, int]:
    """The secrets with one more key, not yet used for links, and its id: the next one after the highest."""
    secrets_from(text)
    written = json.loads(text)
    taken = {int(key_id) for key_id in written["link_keys"]}
    after = [*range(max(taken) + 1, LAST_KEY_ID + 1), *range(max(taken))]
    free = next((key_id for key_id in after if key_id not in taken), None)
    if free is None:
        message = f"all {LAST_KEY_ID + 1} key ids are taken; retire old ones first"
        raise LinkKeyError(message)
    written["link_keys"][str(free)] = base64.b64encode(key).decode()
    return json.dumps(written), free


def with_current(text: str, key_id: int) -> str:
    """The secrets with another key for new links. Raises LinkKeyError for a key that is not there."""
    _check_known(text, key_id)
    return json.dumps(json.loads(text) | {"link_key": key_id})


def without_key(text: str, key_id: int) -> str:
    """The secrets without a key. Raises LinkKeyError for the current one, and one that is not there."""
    _check_known(text, key_id)
    if secrets_from(text).link_keys.current == key_id:
        message = f"key {key_id} is the current one: new links are made with it; make another key current first"
        raise LinkKeyError(message)
    written = json.loads(text)
    written["link_keys"] = {name: key for name, key in written["link_keys"].items() if int(name) != key_id}
    return json.dumps(written)


def _check_known(text: str, key_id: int) -> None:
    known = sorted(secrets_from(text).link_keys.keys)
    if key_id not in known:
        message = f"there is no link key {key_id}; there are: {', '.join(map(str, known))}"
        raise LinkKeyError(message)
