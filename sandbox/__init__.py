"""The embedded local stack: a laptop's stand-ins for AWS and Stripe, and the clock they share."""
