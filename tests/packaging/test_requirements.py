"""Every installation gets the same bytes, wherever it is made."""

import re
from pathlib import Path

import pytest

from infra.package import PROJECT
from tests.packaging.locks import pins, wanted

LOCKS = {
    "runtime.in": PROJECT / "requirements.txt",
    "sandbox.in": PROJECT / "requirements-sandbox.txt",
    "dev.in": PROJECT / "requirements-dev.txt",
}
LINE = re.compile(r"#.*|[a-z0-9-]+(?:\[[a-z,]+\])?==[^ ;\\]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

every_lock = pytest.mark.parametrize("lock", LOCKS.values(), ids=lambda lock: lock.name)


@every_lock
def test_a_lock_holds_pins_and_hashes_and_no_address_or_option(lock: Path) -> None:
    assert [line for line in lock.read_text("utf-8").splitlines() if not LINE.fullmatch(line)] == []


@every_lock
def test_every_pin_has_a_hash(lock: Path) -> None:
    lines = lock.read_text("utf-8").splitlines()
    bare = [
        line
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
        if "==" in line and "--hash" not in following
    ]
    assert bare == []


@pytest.mark.parametrize("source", LOCKS)
def test_a_lock_has_what_its_source_asks_for(source: str) -> None:
    locked = pins(LOCKS[source])
    asked = wanted(PROJECT / "requirements" / source)
    assert {name: locked.get(name) for name in asked} == {name: {version} for name, version in asked.items()}


@pytest.mark.parametrize(("inner", "outer"), [("runtime.in", "sandbox.in"), ("sandbox.in", "dev.in")])
def test_a_larger_environment_contains_the_smaller_pin_for_pin(inner: str, outer: str) -> None:
    assert pins(LOCKS[inner]).items() <= pins(LOCKS[outer]).items()


def test_lambda_gets_neither_chalices_tools_nor_boto3_nor_a_stand_in() -> None:
    assert not {"chalice", "boto3", "moto", "flask", "cryptography", "aiohttp"} & set(pins(LOCKS["runtime.in"]))
