"""`python -m infra STAGE…`: packages stages into `build/`, for `aws cloudformation` to deploy. Must not deploy."""

import argparse
import sys
from pathlib import Path

from infra.package import STAGES, PackagingError, package


def main(arguments: list[str]) -> int:
    """Package each stage named (both by default); 1 and Chalice's own words on standard error if one fails."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)}; all by default")
    parser.add_argument("--build", type=Path, default=Path("build"), help="where to write (default: build)")
    options = parser.parse_args(arguments)
    unknown = [stage for stage in options.stages if stage not in STAGES]
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}")
    try:
        for stage in options.stages or STAGES:
            sys.stdout.write(f"{package(stage, options.build)}\n")
    except PackagingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
