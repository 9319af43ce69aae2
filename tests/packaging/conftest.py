"""Both stages, packaged once for all tests here, by the code that `make package` runs."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.package import PROJECT, STAGES, package


@dataclass(frozen=True)
class Package:
    """What CloudFormation would get for one stage."""

    stage: str
    template: dict[str, Any]
    archive: Path

    @property
    def functions(self) -> dict[str, dict[str, Any]]:
        return {
            resource["Properties"]["Handler"]: resource["Properties"]
            for resource in self.template["Resources"].values()
            if resource["Type"] == "AWS::Serverless::Function"
        }

    @property
    def names(self) -> list[str]:
        with zipfile.ZipFile(self.archive) as archive:
            return archive.namelist()


@pytest.fixture(scope="session", params=STAGES)
def packaged(request: pytest.FixtureRequest) -> Package:
    out = package(request.param, PROJECT / "build")
    return Package(request.param, json.loads((out / "sam.json").read_text("utf-8")), out / "deployment.zip")


@pytest.fixture(scope="session")
def unpacked(packaged: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp(packaged.stage)
    with zipfile.ZipFile(packaged.archive) as archive:
        archive.extractall(directory)
    return directory
