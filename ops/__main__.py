"""`python -m ops`: the command line on this machine's environment."""

import os
import sys
from functools import partial

from chalicelib.http.logs import configure_logs
from ops.environment import connect
from ops.main import main

if __name__ == "__main__":
    configure_logs()
    try:
        sys.exit(main(sys.argv[1:], partial(connect, os.environ), sys.stdout, sys.stderr))
    except KeyboardInterrupt:
        sys.exit(130)
