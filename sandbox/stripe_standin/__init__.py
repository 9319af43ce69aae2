"""A stand-in for Stripe: strict as the real one, in memory, under the caller's clock. For tests and the sandbox."""

from sandbox.stripe_standin.answers import Answer, Headers
from sandbox.stripe_standin.deliveries import Delivery, Mode
from sandbox.stripe_standin.errors import NoAnswer, StripeError
from sandbox.stripe_standin.faults import FaultKind
from sandbox.stripe_standin.payments import CheckoutClosedError, Outcome, UnknownCardError
from sandbox.stripe_standin.standin import StripeStandIn
from sandbox.stripe_standin.world import ControlError

__all__ = [
    "Answer",
    "CheckoutClosedError",
    "ControlError",
    "Delivery",
    "FaultKind",
    "Headers",
    "Mode",
    "NoAnswer",
    "Outcome",
    "StripeError",
    "StripeStandIn",
    "UnknownCardError",
]
