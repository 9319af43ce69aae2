"""Packages one stage for CloudFormation with `chalice package`. Must not deploy, and needs no AWS credentials.

Chalice packages what it finds beside `app.py`, compiled leftovers included, so it is given a copy of the sources alone.
The copy is kept from one run to the next: Chalice reuses the zip there while neither code nor requirements change.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.stage_template import stage_template

STAGES: Final = ("staging", "production")
PROJECT: Final = Path(__file__).parent.parent
SOURCES: Final = ("app.py", "requirements.txt", "chalicelib", ".chalice")
CHALICE: Final = "import sys; from chalice.cli import main; sys.exit(main())"
NOT_SOURCES: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "deployments", "deployed")


class PackagingError(Exception):
    """Chalice could not package the stage; the message is what Chalice said."""


def package(stage: str, build: Path) -> Path:
    """Write `build/<stage>/sam.json` and `deployment.zip` beside it, and return that directory.

    Needs the package index (or pip's cache) unless the zip of the last run still fits.
    """
    out = build / stage
    out.mkdir(parents=True, exist_ok=True)
    merged = out / "infra.json"
    merged.write_text(json.dumps(stage_template(stage), indent=1), "utf-8")
    _run_chalice(_copy_sources(build / "sources"), stage, merged, out)
    return out


def _copy_sources(copy: Path) -> Path:
    copy.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(copy / "chalicelib", ignore_errors=True)
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=NOT_SOURCES, dirs_exist_ok=True)
        else:
            shutil.copy2(source, copy / name)
    return copy


def _run_chalice(sources: Path, stage: str, merged: Path, out: Path) -> None:
    command = ["package", "--stage", stage, "--merge-template", str(merged.resolve()), str(out.resolve())]
    run = subprocess.run(
        [sys.executable, "-c", CHALICE, "--project-dir", str(sources.resolve()), *command],
        env=_environment(),
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    # Chalice only prints a line when a dependency has no wheel for Lambda, leaves it out, and succeeds.
    if run.returncode or "Could not install dependencies" in run.stdout:
        raise PackagingError(run.stdout + run.stderr)


def _environment() -> dict[str, str]:
    """The region decides nothing but the partition's service names; compiled files would end up in the zip."""
    return {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
