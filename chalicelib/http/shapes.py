"""Sessions, participants and payments as answers show them: shapes them, and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.config import Settings
from chalicelib.domain.absences import unseen_of, unseen_on
from chalicelib.domain.concerns import attention
from chalicelib.domain.debits import may_settle_late
from chalicelib.domain.links import LinkClaims, UnknownKeyError, mint
from chalicelib.domain.payments import Standing, standing
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.open_link import OpenedLink
from chalicelib.flows.summary import Summary
from chalicelib.http import times
from chalicelib.http.schemas import (
    AttendeeOut,
    FeeOut,
    LinkOut,
    ParticipantOut,
    PaymentOut,
    SessionOut,
    StripeAccountOut,
    StripeAccountsOut,
    StripeStatusOut,
    SummaryOut,
    TeamOut,
    TeamSettingsOut,
)
from chalicelib.http.shape_charges import charges_out
from chalicelib.http.times import TimeFormat


@dataclass(frozen=True, slots=True)
class View:
    """How a request wants to see things. `with_removed`: participants that were removed, too.

    `team`: whose clinic's staff look; what of its accounts needs them is told at who was offered to pay there.
    """

    settings: Settings
    now: datetime
    form: TimeFormat = TimeFormat.ISO_8601
    with_removed: bool = False
    team: Team | None = None


def session_out(session: Session, view: View) -> SessionOut:
    form = view.form
    canceled_at = _written(session.canceled_at, form)
    return SessionOut(
        session_id=session.session_id,
        team_id=session.team_id,
        client_id=session.client_id,
        session_name=session.name,
        start_time=times.write(session.start_time, form),
        end_time=times.write(session.end_time, form),
        picture=session.picture,
        feature_flags=list(session.feature_flags),
        canceled_at=canceled_at,
        canceled_time=canceled_at,
        actual_end_time=_written(session.actual_end_time, form),
        participants=participants_out(session, view),
    )


def participants_out(session: Session, view: View) -> list[ParticipantOut]:
    return [
        participant_out(session, participant, view)
        for participant in session.participants
        if view.with_removed or participant.deleted_at is None
    ]


def participant_out(session: Session, participant: Participant, view: View) -> ParticipantOut:
    form = view.form
    payment = payment_out(session, participant, form, view.now)
    payment.attention = _with_accounts(payment.attention, participant, view)
    return ParticipantOut(
        participant_id=session.participant_id(participant.number),
        session_id=session.session_id,
        client_id=session.client_id,
        display_name=participant.display_name,
        role=participant.role.value,
        picture=participant.picture,
        state=participant.state,
        email=participant.email,
        phone=participant.phone,
        entry_url=_entry_url(session, participant, view.settings),
        created=times.write(participant.created_at, form),
        deleted_at=_written(participant.deleted_at, form),
        fee=fee_out(participant),
        payment=payment,
    )


def _with_accounts(told: str | None, participant: Participant, view: View) -> str | None:
    unseen = unseen_of(view.team, participant.history) if view.team else ()
    return " ".join(filter(None, (told, *unseen))) or None


def payment_out(session: Session, participant: Participant, form: TimeFormat, now: datetime) -> PaymentOut:
    stands = standing(owing(session, participant), participant.history)
    charge = stands.counted.charge if stands.counted else None
    return PaymentOut(
        status=stands.status.value,
        amount_paid=stands.amount_paid,
        amount_refunded=stands.amount_refunded,
        currency=_currency(participant, stands),
        paid_at=_written(charge.created_at if charge else None, form),
        receipt_url=charge.receipt_url if charge else None,
        attention=attention(session, participant, now),
        charges=charges_out(session, participant, form),
        may_settle_late=may_settle_late(session, participant, now),
    )


def _fee_shown(participant: Participant) -> FeeOut | None:
    """Whose Stripe account it goes to is the clinic's affair."""
    fee = participant.fee
    return FeeOut(fee.amount, fee.currency, fee.description, None) if fee else None


def fee_out(participant: Participant) -> FeeOut | None:
    fee = participant.fee
    return FeeOut(fee.amount, fee.currency, fee.description, fee.payee) if fee else None


def summary_out(found: Summary, view: View) -> SummaryOut:
    """Who was removed is among those who entered, since they were there."""
    session, form = found.session, view.form
    first = min((entries[0] for entries in found.entries.values() if entries), default=None)
    return SummaryOut(
        session_id=session.session_id,
        session_name=session.name,
        start_time=times.write(session.start_time, form),
        end_time=times.write(session.end_time, form),
        canceled_at=_written(session.canceled_at, form),
        actual_start_time=_written(first, form),
        actual_end_time=_written(found.actual_end_time, form),
        participants=[
            _attendee(session, one, found.entries[one.number], form)
            for one in session.participants
            if one.deleted_at is None or found.entries[one.number] or view.with_removed
        ],
    )


def _attendee(
    session: Session, participant: Participant, entries: tuple[datetime, ...], form: TimeFormat
) -> AttendeeOut:
    return AttendeeOut(
        participant_id=session.participant_id(participant.number),
        display_name=participant.display_name,
        role=participant.role.value,
        deleted_at=_written(participant.deleted_at, form),
        entries=[times.write(moment, form) for moment in entries],
    )


def team_out(team: Team, *, refuses: bool = False) -> TeamOut:
    return TeamOut(
        team_id=team.team_id,
        name=team.name,
        subdomain=team.subdomain,
        plan=team.plan.value,
        scheduling=team.may_schedule and not team.suspended,
        suspended=team.suspended,
        settings=TeamSettingsOut(
            default_currency=team.default_currency,
            currencies=sorted(team.currencies),
            host_lead_minutes=team.host_lead // timedelta(minutes=1),
            guest_lead_minutes=team.guest_lead // timedelta(minutes=1),
            delayed_methods=list(team.delayed_methods),
            allowed_origins=list(team.allowed_origins),
            frame_ancestors=list(team.frame_ancestors),
        ),
        stripe=StripeStatusOut(
            charges_enabled=team.can_charge(),
            accounts=stripe_accounts_out(team, refuses=refuses).accounts,
        ),
    )


def stripe_accounts_out(team: Team, *, refuses: bool = False) -> StripeAccountsOut:
    return StripeAccountsOut([stripe_account_out(account, refuses=refuses) for account in team.accounts])


def stripe_account_out(account: PayeeAccount, *, refuses: bool = False) -> StripeAccountOut:
    """`refuses`: where no platform fee can be taken, no fee may be scheduled."""
    note = platform_fee_note(account, refuses=refuses)
    return StripeAccountOut(
        account_id=account.stripe_account_id,
        is_default=account.is_default,
        connected=account.is_connected,
        charges_enabled=account.is_connected and account.charges_enabled,
        details_submitted=account.details_submitted,
        disabled_reason=account.disabled_reason,
        country=account.country,
        default_currency=account.default_currency,
        connected_at=_written(account.connected_at, TimeFormat.ISO_8601),
        disconnected_at=_written(account.disconnected_at, TimeFormat.ISO_8601),
        refused_methods=[one.method for one in account.refused_methods],
        attention=_attention_of(account),
        platform_fee="not_possible" if note else "taken",
        platform_fee_note=note,
    )


def platform_fee_note(account: PayeeAccount, *, refuses: bool) -> str | None:
    """Why the platform's fee cannot be taken on this account, and what that means; None where it can."""
    if account.stripe_account_id is None or account.pays_platform_fee:
        return None
    why = (
        f"Stripe takes no platform fee from accounts in {account.country} for a platform in {account.platform_country}"
        if account.is_abroad_for_fees
        else "Stripe refused the platform's fee on this account"
    )
    then = "no new fee can be scheduled on it" if refuses else "its fees are charged without one"
    return f"{why}: {then}."


def _attention_of(account: PayeeAccount) -> str | None:
    return " ".join(filter(None, (_bar_of(account), unseen_on(account)))) or None


def _bar_of(account: PayeeAccount) -> str | None:
    if not account.is_connected:
        return "It is not connected any more: connect it again, or another one."
    if account.charges_enabled:
        return _left_out(account)
    if not account.details_submitted:
        return "Stripe still needs details of the clinic; go on connecting it."
    return "Stripe does not let it take payments just now; see in Stripe's dashboard what it asks for."


def _left_out(account: PayeeAccount) -> str | None:
    if account.active_methods and "card" not in account.active_methods:
        return "Cards are not active on it, and every payment needs them; activate them in Stripe's dashboard."
    if not account.refused_methods:
        return None
    names = ", ".join(one.method for one in account.refused_methods)
    return f"Stripe refused to offer {names} on it; activate that in Stripe's dashboard, or have it removed here."


def link_out(link: OpenedLink) -> LinkOut:
    """What the client's page says, as data, without the participant's own details."""
    form, session = TimeFormat.ISO_8601, link.session
    payment = payment_out(session, link.participant, form, link.now)
    payment.attention = None  # what needs a person is for the clinic
    return LinkOut(
        status=link.admission.door.value,
        now=times.write(link.now, form),
        start_time=times.write(session.start_time, form),
        end_time=times.write(session.end_time, form),
        opens_at=times.write(link.admission.opens_at, form),
        clinic=link.team.name,
        session_name=session.name,
        role=link.participant.role.value,
        fee=_fee_shown(link.participant),
        payment=payment,
        can_pay=link.admission.may_pay,
        can_join=link.admission.may_join,
    )


def _currency(participant: Participant, stands: Standing) -> str | None:
    if stands.counted and stands.counted.paid:
        return stands.counted.paid.currency
    return participant.fee.currency if participant.fee else None


def _entry_url(session: Session, participant: Participant, settings: Settings) -> str | None:
    """None once the key of an old link is retired: no link of it opens any more."""
    claims = LinkClaims(session.team_id, session.session_id, participant.number, participant.generation)
    try:
        return f"{settings.public_url}/session/{mint(settings.link_keys, claims, participant.key_id)}"
    except UnknownKeyError:
        return None


def _written(moment: datetime | None, form: TimeFormat) -> str | None:
    return times.write(moment, form) if moment else None
