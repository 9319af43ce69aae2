"""Anteroom as deployed: rules in `domain`, the outside in `storage` and `gateways`, jobs in `flows`, HTTP in `http`."""
