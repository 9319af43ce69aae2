"""Stripe's test cards: what becomes of a payment with each, and of its refund or dispute afterwards.

Source: https://docs.stripe.com/testing (cards by brand, declined payments, fraud prevention, disputes, refunds, 3D
Secure), each as with an account's default settings. Left out are the cards whose outcome the settings of Radar decide,
and the one that is disputed several times: a payment of the stand-in has one dispute at a time.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Decline:
    code: str
    message: str
    decline_code: str | None = None


class Afterwards(StrEnum):
    """What happens by itself once the payment has succeeded."""

    DISPUTE = "dispute"
    NOT_RECEIVED = "dispute: not received"
    NONCOMPLIANT = "dispute: against the network's rules"
    INQUIRY = "inquiry"
    REFUND_PENDS = "refunds pend, and succeed a minute later"
    REFUND_FAILS = "refunds succeed, and fail a minute later"


@dataclass(frozen=True)
class Card:
    """`asks`: the bank asks for 3-D Secure first. `decline` comes after that, if it is asked."""

    meaning: str
    decline: Decline | None = None
    asks: bool = False
    afterwards: Afterwards | None = None
    brand: str = "visa"


DECLINED = "Your card was declined."
GENERIC = Decline("card_declined", DECLINED, "generic_decline")
NO_FUNDS = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
FRAUDULENT = Decline("card_declined", DECLINED, "fraudulent")
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
)

CARDS: dict[str, Card] = {
    "4242424242424242": Card("pays (Visa)"),
    "4000056655665556": Card("pays (Visa debit)"),
    "5555555555554444": Card("pays (Mastercard)", brand="mastercard"),
    "378282246310005": Card("pays (American Express)", brand="amex"),
    "4000002760003184": Card("asks for 3-D Secure, then pays", asks=True),
    "4000002500003155": Card("asks for 3-D Secure, then pays", asks=True),
    "4000003800000446": Card("asks for 3-D Secure, then pays", asks=True),
    "4000000000003220": Card("asks for 3-D Secure, then pays", asks=True),
    "4000008400000027": Card("asks for 3-D Secure, then pays", asks=True),
    "4000008400001629": Card("asks for 3-D Secure, then is declined", GENERIC, asks=True),
    "4000008260003178": Card("asks for 3-D Secure, then is declined: insufficient funds", NO_FUNDS, asks=True),
    "4000008400001280": Card("is declined: 3-D Secure cannot be asked for", GENERIC),
    "4000000000000002": Card("is declined", GENERIC),
    "4000000000000341": Card("is declined", GENERIC),
    "4000000000009995": Card("is declined: insufficient funds", NO_FUNDS),
    "4000000000009987": Card("is declined: lost card", Decline("card_declined", DECLINED, "lost_card")),
    "4000000000009979": Card("is declined: stolen card", Decline("card_declined", DECLINED, "stolen_card")),
    "4000000000000069": Card("is declined: expired card", Decline("expired_card", "Your card has expired.")),
    "4000000000000127": Card(
        "is declined: incorrect CVC", Decline("incorrect_cvc", "Your card's security code is incorrect.")
    ),
    "4000000000000119": Card(
        "is declined: processing error",
        Decline("processing_error", "An error occurred while processing your card. Try again in a little bit."),
    ),
    "4000000000006975": Card(
        "is declined: used too often",
        Decline(
            "card_declined",
            "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            "card_velocity_exceeded",
        ),
    ),
    "4100000000000019": Card("is blocked as fraud", FRAUDULENT),
    "4000000000004954": Card("is blocked as fraud", FRAUDULENT),
    "4000000000000259": Card("pays, then is disputed as fraud", afterwards=Afterwards.DISPUTE),
    "4000000404000038": Card("pays, then is disputed as fraud", afterwards=Afterwards.DISPUTE),
    "4000000001000043": Card("pays, then is disputed as fraud", afterwards=Afterwards.DISPUTE),
    "4000008400000779": Card("pays, then is disputed: against Visa's rules", afterwards=Afterwards.NONCOMPLIANT),
    "4000000000002685": Card("pays, then is disputed: not received", afterwards=Afterwards.NOT_RECEIVED),
    "4000000000001976": Card("pays, then the bank inquires", afterwards=Afterwards.INQUIRY),
    "4000000000007726": Card("pays; a refund pends for a minute", afterwards=Afterwards.REFUND_PENDS),
    "4000000000005126": Card("pays; a refund fails after a minute", afterwards=Afterwards.REFUND_FAILS),
}


def digits(card: str) -> str:
    return re.sub(r"[\s-]", "", card)
