"""`make stripe-check`: holds the contract that the stand-in keeps against Stripe's test mode, and prints what differs.

It makes and expires Checkout Sessions on the account of the key; nothing is paid. Exits with 0 where nothing differs
(or there is no key: it says so), 1 where something does, 2 for a key that is not of test mode.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STRIPE_API = "https://api.stripe.com"
TEST_KEYS = ("sk_test_", "rk_test_")
PYTEST = ("-m", "pytest", "--quiet", "--tb=line", "--force-enable-socket", "-p", "no:cacheprovider")


def main() -> int:
    key = os.environ.get("STRIPE_SECRET_KEY", "")
    if not key:
        print("skipped: there is no key. STRIPE_SECRET_KEY=sk_test_… make stripe-check asks Stripe's test mode.")  # noqa: T201
        return 0
    if not key.startswith(TEST_KEYS):
        print("refused: STRIPE_SECRET_KEY must be a key of test mode (sk_test_… or rk_test_…).", file=sys.stderr)  # noqa: T201
        return 2
    # STRIPE_API: another address, such as a stand-in's, so that this command itself can be tried.
    asked = {**os.environ, "ANTEROOM_STRIPE_CHECK": os.environ.get("STRIPE_API", STRIPE_API)}
    folder = str(Path(__file__).parent)
    return subprocess.run([sys.executable, *PYTEST, folder], env=asked, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
