"""What Chalice merges into the template of one stage. Must not repeat what `.chalice/config.json` says."""

from pathlib import Path
from typing import Any, Final

from chalice.package import YAMLTemplateSerializer

from infra.gateway_errors import gateway_responses

SOURCE: Final = Path(__file__).with_name("template.yaml")


def stage_template(stage: str) -> dict[str, Any]:
    """`template.yaml` with its Stage pinned, so that a package for one stage cannot be deployed as the other.

    The gateway's error bodies go into the API's own definition: as resources of their own they would change nothing
    until somebody deploys the API again.
    """
    template: dict[str, Any] = YAMLTemplateSerializer().load_template(SOURCE.read_text("utf-8"), str(SOURCE))
    template["Parameters"]["Stage"] |= {"Default": stage, "AllowedValues": [stage]}
    template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"] = {
        "x-amazon-apigateway-gateway-responses": gateway_responses()
    }
    return template
