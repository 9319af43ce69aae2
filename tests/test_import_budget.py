"""What a cold start pays: the modules that importing the application loads. Counted, since times differ by machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_FILES = 615
MOST_SOURCE_KILOBYTES = 8200
"""Measured with Python 3.11: 560 files, 7,469 KB of source; a tenth of room for other versions."""

NOT_DEPLOYED = ("aiohttp", "anyio", "blinker", "httpx")
"""Libraries take these if they find them; the tests' environment may have them, the deployed one has not."""

LISTING = """
import json, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import app
print(json.dumps({name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}))
"""


@cache
def loaded() -> dict[str, str]:
    """Module names and their files, in a process with no environment at all."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", LISTING, *NOT_DEPLOYED],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stderr == ""
    modules: dict[str, str] = json.loads(run.stdout)
    return modules


def test_the_application_imports_without_any_environment_and_says_nothing() -> None:
    assert "chalicelib.wiring" in loaded()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("jinja2", "39 ms, and only pages need it"),
        ("jwt", "55 ms, and a client's page needs none"),
        ("boto3", "124 ms, and botocore does all we ask"),
        ("cryptography", "HS256 needs none"),
        ("moto", "the sandbox's alone"),
        ("flask", "the sandbox's alone"),
        ("werkzeug", "the sandbox's alone"),
        ("sandbox", "never deployed"),
        ("ops", "never deployed"),
        ("infra", "never deployed"),
        ("tests", "never deployed"),
    ],
)
def test_what_most_requests_do_not_need_is_not_imported(name: str, reason: str) -> None:
    assert [module for module in loaded() if module.partition(".")[0] == name] == [], reason


def test_nothing_is_imported_that_would_not_be_in_the_zip() -> None:
    """Chalice puts its own runtime in; `_distutils_hack` is the virtual environment's."""
    pinned = re.findall(r"^([a-z0-9-]+)==", ROOT.joinpath("requirements.txt").read_text("utf-8"), re.MULTILINE)
    deployed = {name.replace("-", "_").removeprefix("python_") for name in pinned} | {"chalice", "_distutils_hack"}
    third_party = {name.partition(".")[0] for name, file in loaded().items() if "site-packages" in file}
    assert third_party <= deployed


def test_no_more_modules_are_imported_than_were_measured() -> None:
    assert len(set(loaded().values())) <= MOST_FILES


def test_no_more_source_is_compiled_than_was_measured() -> None:
    """Chalice's zip holds no .pyc, so that a cold start compiles whatever it imports."""
    sources = {Path(file) for file in loaded().values() if file.endswith(".py")}
    assert sum(file.stat().st_size for file in sources) / 1024 <= MOST_SOURCE_KILOBYTES
