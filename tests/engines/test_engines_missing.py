"""Where a real engine is missing, its tests say what to install and which command fetches it; none pretends to pass."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engines.engines import ROOT, missing_for_dynamodb, missing_for_stripe


def test_a_machine_without_java_is_told_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "dynamodb-local.stamp").touch()
    missing = missing_for_dynamodb(tmp_path, path=str(tmp_path))
    assert missing == "Java is not installed (on Debian: apt-get install default-jdk-headless maven, then make engines)"


def test_engines_that_were_not_fetched_are_named_with_the_command_that_does(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.touch(mode=0o755)
    assert missing_for_dynamodb(tmp_path, path=str(tmp_path)) == (
        "Amazon's DynamoDB Local is not here (make engines; on Debian it needs default-jdk-headless maven)"
    )
    assert missing_for_stripe(tmp_path) == (
        "Stripe's stripe-mock is not here (make engines; on Debian it needs golang-go)"
    )


def test_nothing_is_missing_where_all_is_there(tmp_path: Path) -> None:
    for name in ("java", "dynamodb-local.stamp", "stripe-mock.stamp"):
        (tmp_path / name).touch(mode=0o755)
    assert missing_for_dynamodb(tmp_path, path=str(tmp_path)) is None
    assert missing_for_stripe(tmp_path) is None


@pytest.mark.parametrize(("engine", "programs"), [("stripe-mock", "go"), ("dynamodb-local", "javac mvn")])
def test_fetching_without_the_programs_for_it_names_them(tmp_path: Path, engine: str, programs: str) -> None:
    for program in ("bash", "dirname", "mkdir", "mktemp", "rm"):
        (tmp_path / program).symlink_to(shutil.which(program) or "")
    fetch = [str(ROOT / "tests/engines/fetch"), engine]
    told = subprocess.run(
        ["/usr/bin/env", *fetch], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert told.stderr == (
        f"To fetch the engines, these programs are missing: {programs} "
        "(on Debian: apt-get install default-jdk-headless maven golang-go).\n"
    )
