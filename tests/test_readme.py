"""The README's table of settings is the one in the code, row by row."""

import re
from pathlib import Path

from chalicelib.config import VARIABLES

README = Path(__file__).parent.parent / "README.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+) \| (`[^`]+`|required|empty) \|$", re.MULTILINE)


def default_as_written(default: str | None) -> str:
    if default is None:
        return "required"
    return f"`{default}`" if default else "empty"


def test_the_readme_lists_every_variable_with_its_meaning_and_default() -> None:
    written = ROW.findall(README.read_text("utf-8"))
    assert written == [(one.name, one.meaning, default_as_written(one.default)) for one in VARIABLES]
