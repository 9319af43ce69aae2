"""The outside world (Stripe, rooms) behind small classes; no foreign type leaves this package."""
