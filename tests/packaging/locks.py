"""Reads the requirement files. Must not judge them."""

import re
from pathlib import Path

PIN = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[a-z,]+\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)
WANTED = re.compile(r"^(?P<name>[\w.-]+)(\[\w+\])?==(?P<version>\S+)", re.MULTILINE)


def pins(lock: Path) -> dict[str, set[str]]:
    """Each distribution of a lock, and its versions: several where they depend on the version of Python."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(lock.read_text("utf-8")):
        found.setdefault(match["name"], set()).add(match["version"])
    return found


def wanted(source: Path) -> dict[str, str]:
    """What a requirements/*.in file asks for by name, without what it includes."""
    return {match["name"].lower(): match["version"] for match in WANTED.finditer(source.read_text("utf-8"))}
