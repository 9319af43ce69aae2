"""An operator at their desk: runs commands on the world of a test, and reads what they print."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field

from ops.environment import Deployment, SecretsParameter
from ops.main import main
from tests.support.world import SECRETS, World


@dataclass
class Desk:
    """`run` gives the exit code; `printed` and `complained` are what the last command wrote."""

    world: World
    secrets: str = json.dumps(SECRETS)
    in_parameter: bool = True
    printed: str = ""
    complained: str = ""
    writes: list[str] = field(default_factory=list)

    def run(self, *argv: str) -> int:
        out, err = io.StringIO(), io.StringIO()
        try:
            return main(argv, self._connect, out, err)
        finally:
            self.printed, self.complained = out.getvalue(), err.getvalue()

    def field(self, name: str) -> str:
        """The rest of the line that begins with `name`."""
        found = [line for line in self.printed.splitlines() if line.strip().startswith(f"{name} ")]
        assert len(found) == 1, self.printed
        return found[0].strip().removeprefix(name).strip()

    def lines_with(self, text: str) -> list[str]:
        return [line.strip() for line in self.printed.splitlines() if text in line]

    def _connect(self, *, local: bool) -> Deployment:
        parameter = SecretsParameter("/anteroom/test/secrets", lambda: self.secrets, self._write)
        return Deployment(self.world.ctx, parameter if self.in_parameter else None)

    def _write(self, text: str) -> None:
        self.secrets = text
        self.writes.append(text)
