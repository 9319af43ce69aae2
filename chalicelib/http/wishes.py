"""What a body asks for: read into the domain's wishes and edits, with every problem of the body in one answer.

Where a field cannot be read, the rules of the domain are asked about the others all the same: an author should not have
to mend a body one problem at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.by_hand import RefundWish
from chalicelib.domain.edits import ABSENT, Absent, ParticipantEdit, SessionEdit
from chalicelib.domain.sessions import (
    Fee,
    InvalidSessionError,
    ParticipantWish,
    Problem,
    Role,
    SessionWish,
    participant_problems,
    text_problems,
    window_problems,
    wish_problems,
)
from chalicelib.domain.teams import Team
from chalicelib.flows.connect import How
from chalicelib.http import times
from chalicelib.http.exchange import Request
from chalicelib.http.json_body import json_object
from chalicelib.http.preferences import is_strict
from chalicelib.http.schemas import (
    ChargeAgainIn,
    ConnectIn,
    ParticipantEditIn,
    ParticipantIn,
    RefundIn,
    SessionEditIn,
    SessionIn,
    SessionOut,
    WaiveIn,
)
from chalicelib.http.shape_reading import Values, read_as
from chalicelib.http.times import InvalidTimeError, TimeFormat

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SESSION_FIELDS = frozenset(SessionOut.__struct_fields__)


def session_wish(request: Request, team: Team, now: datetime) -> tuple[SessionWish, TimeFormat]:
    """The session to schedule, and how its times were written. Raises HttpError 400, 413, 415; InvalidSessionError."""
    known = frozenset[str]() if is_strict(request) else None
    values, problems = read_as(SessionIn, json_object(request), known=known)
    body = _Body(values, problems)
    start_time, end_time = body.moment("start_time"), body.moment("end_time")
    wish = SessionWish(
        start_time=start_time or now,
        end_time=end_time or now,
        name=body.text("session_name"),
        picture=body.picture(),
        feature_flags=body.flags() or (),
        participants=tuple(_participants(values.get("participants") or (), problems)),
    )
    if problems:
        window = window_problems(start_time, end_time, now) if start_time and end_time else []
        _refuse(problems, [*window, *wish_problems(wish, team)])
    return wish, body.form


def participant_wish(request: Request, team: Team) -> ParticipantWish:
    """The participant to add. Raises HttpError 400, 413, 415; InvalidSessionError."""
    values, problems = read_as(ParticipantIn, json_object(request))
    wish = _wish(values, "", problems)
    if problems:
        _refuse(problems, participant_problems(wish, team, ""))
    return wish


def session_edit(request: Request, now: datetime) -> tuple[SessionEdit, TimeFormat]:
    """What to change, and how its times were written. Raises HttpError 400, 413, 415; InvalidSessionError."""
    known = _SESSION_FIELDS if is_strict(request) else None
    values, problems = read_as(SessionEditIn, json_object(request), known=known)
    body = _Body(values, problems)
    start_time, end_time, ended_at = (body.moment(name) for name in ("start_time", "end_time", "actual_end_time"))
    name, picture, flags = body.text("session_name"), body.picture(), body.flags()
    if problems:
        window = window_problems(start_time, end_time, now) if start_time and end_time else []
        _refuse(problems, [*window, *text_problems(name, picture, flags or ())])
    edit = SessionEdit(
        name=body.sent("session_name", name),
        picture=body.sent("picture", picture),
        feature_flags=ABSENT if flags is None else flags,
        start_time=start_time or ABSENT,
        end_time=end_time or ABSENT,
        actual_end_time=ended_at or ABSENT,
    )
    return edit, body.form


def participant_edit(request: Request, team: Team) -> tuple[ParticipantEdit, TimeFormat]:
    """What to change, and how `created` was written, if it was sent back. Raises as the others do."""
    content = json_object(request)
    values, problems = read_as(ParticipantEditIn, content)
    wish = _wish(values, "", problems)
    if problems:
        _refuse(problems, participant_problems(wish, team, ""))
    body = _Body(values, [])
    edit = ParticipantEdit(
        role=wish.role if values.get("role") else ABSENT,
        display_name=body.sent("display_name", wish.display_name),
        picture=body.sent("picture", wish.picture),
        state=body.sent("state", wish.state),
        email=body.sent("email", wish.email),
        phone=body.sent("phone", wish.phone),
        fee=wish.fee,
    )
    return edit, _form_of(values.get("created"))


def refund_wish(request: Request) -> RefundWish:
    """What to give back; all that is left where there is no body. Raises as the others do."""
    values, problems = read_as(RefundIn, json_object(request) if request.body.strip() else {})
    reason = _Body(values, problems).text("reason")
    if problems:
        _refuse(problems, [])
    return RefundWish(values.get("amount"), reason, values.get("charge") or None)


def connect_wish(request: Request) -> How | None:
    """Which account is to be connected; None where nothing is said. Raises as the others do."""
    values, problems = read_as(ConnectIn, json_object(request) if request.body.strip() else {})
    named = values.get("account")
    if not problems and named not in {None, *How}:
        problems = [Problem("account", f"must be one of: {', '.join(How)}")]
    if problems:
        _refuse(problems, [])
    return How(named) if named is not None else None


def waiver_reason(request: Request) -> str:
    """Why nothing is to be paid. Raises as the others do."""
    return _reason_in(WaiveIn, request)


def charge_again_reason(request: Request) -> str:
    """Why the fee is asked for once more. Raises as the others do."""
    return _reason_in(ChargeAgainIn, request)


def _reason_in(shape: type[ChargeAgainIn | WaiveIn], request: Request) -> str:
    values, problems = read_as(shape, json_object(request))
    reason = _Body(values, problems).text("reason")
    if problems:
        _refuse(problems, [])
    return reason or ""


def _refuse(problems: Sequence[Problem], more: Iterable[Problem]) -> None:
    """A field that could not be read at all is told of once."""
    named = {one.field for one in problems}
    raise InvalidSessionError((*problems, *(one for one in more if one.field not in named)))


def _form_of(written: object) -> TimeFormat:
    try:
        return times.read(written)[1] if isinstance(written, str) else TimeFormat.ISO_8601
    except InvalidTimeError:
        return TimeFormat.ISO_8601


# --- participants ---------------------------------------------------------------------------------------------------


def _participants(read: Sequence[Values | None], problems: list[Problem]) -> Iterable[ParticipantWish]:
    for index, values in enumerate(read):
        yield _wish(values or {}, f"participants[{index}].", problems)


def _wish(values: Values, path: str, problems: list[Problem]) -> ParticipantWish:
    body = _Body(values, problems, path)
    return ParticipantWish(
        role=body.role(),
        display_name=body.text("display_name"),
        picture=body.picture(),
        state=values.get("state"),
        email=body.text("email"),
        phone=body.text("phone"),
        fee=_fee(values.get("fee"), f"{path}fee.", problems),
    )


def _fee(values: Values | None, path: str, problems: list[Problem]) -> Fee | None:
    if values is None:
        return None
    body = _Body(values, problems, path)
    return Fee(values["amount"], values["currency"].lower(), body.text("description"), body.named("payee"))


# --- fields ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Body:
    """The fields of one object, read one by one; what is wrong with them is added to `problems`."""

    values: Values
    problems: list[Problem]
    path: str = ""
    forms: set[TimeFormat] = field(default_factory=set)

    @property
    def form(self) -> TimeFormat:
        """RFC 1123 if all times were written so: every client can read what it writes itself."""
        return TimeFormat.RFC_1123 if self.forms == {TimeFormat.RFC_1123} else TimeFormat.ISO_8601

    def sent(self, name: str, value: str | None) -> str | Absent | None:
        return value if name in self.values else ABSENT

    def moment(self, name: str) -> datetime | None:
        written = self.values.get(name)
        if written is None:
            return None
        try:
            moment, form = times.read(written)
        except InvalidTimeError as error:
            self._wrong(name, str(error))
            return None
        self.forms.add(form)
        return moment

    def text(self, name: str) -> str | None:
        """Without control characters, which nobody types and terminals obey; all others are kept as they are."""
        text: str | None = self.values.get(name)
        return None if text is None else self._plain(name, text)

    def named(self, name: str) -> str | None:
        """What names another thing: typed clients send empty text for none."""
        return self.values.get(name) or None

    def flags(self) -> tuple[str, ...] | None:
        flags: list[str] | None = self.values.get("feature_flags")
        if flags is None:
            return None
        return tuple(self._plain(f"feature_flags[{index}]", flag) for index, flag in enumerate(flags))

    def picture(self) -> str | None:
        """Existing clients send `false` for none."""
        if self.values.get("picture") is True:
            self._wrong("picture", "must be text, null, or false for none")
        return self.text("picture") if isinstance(self.values.get("picture"), str) else None

    def role(self) -> Role:
        """Any case in; a participant without a role is a guest."""
        try:
            return Role((self.values.get("role") or Role.GUEST).upper())
        except ValueError:
            self._wrong("role", f"must be one of: {', '.join(Role)}")
            return Role.GUEST

    def _plain(self, name: str, text: str) -> str:
        found = _CONTROL.search(text)
        if found:
            self._wrong(name, f"must not hold control characters; U+{ord(found[0]):04X} was sent")
        return text

    def _wrong(self, name: str, message: str) -> None:
        self.problems.append(Problem(self.path + name, message))
