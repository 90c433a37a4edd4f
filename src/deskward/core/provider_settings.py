"""The settings of providers of models: their keys and addresses."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Seconds, WebAddress


class Anthropic(Group):
    """Anthropic's API."""

    model_config = prefixed("anthropic_")

    api_key: SecretStr | None = Field(None, description="Key for `anthropic:` models.")
    base_url: WebAddress | None = Field(None, description="Another address for Anthropic's API.")


class OpenAI(Group):
    """OpenAI's API, and what is compatible with it."""

    model_config = prefixed("openai_")

    api_key: SecretStr | None = Field(None, description="Key for `openai:` and `http://` models.")
    base_url: WebAddress | None = Field(None, description="Another address for OpenAI's API.")


class Azure(Group):
    """Azure OpenAI."""

    model_config = prefixed("azure_openai_")

    openai_endpoint: WebAddress | None = Field(
        None, validation_alias="azure_openai_endpoint", description="Endpoint for `azure:` models."
    )
    api_key: SecretStr | None = Field(None, description="Key for `azure:` models.")
    deployment: str | None = Field(
        None,
        validation_alias="azure_openai_responses_deployment_name",
        description="Azure deployment that is used where MODEL is unset.",
    )
    api_version: str = Field("2024-10-21", description="Version of the Azure OpenAI API.")
    project_endpoint: WebAddress | None = Field(
        None,
        validation_alias="azure_ai_project_endpoint",
        description="Endpoint of an Azure AI project, used where AZURE_OPENAI_ENDPOINT is unset.",
    )

    @property
    def endpoint(self) -> str | None:
        """Where Azure OpenAI is reached."""
        if self.openai_endpoint or not self.project_endpoint:
            return self.openai_endpoint
        parts = urlsplit(self.project_endpoint)
        return f"{parts.scheme}://{parts.netloc}"


class Embeddings(Group):
    """What tells which texts mean the same."""

    model_config = prefixed("embeddings_")

    model: str | None = Field(
        None,
        validation_alias="embeddings",
        description="What makes vectors of sentences, by which texts of one meaning find each "
        "other, in other words and languages: `embedded` (weights that are installed along), "
        "`fast` (fewer languages, a fifth of the time), `folder:PATH` (model.onnx and "
        "tokenizer.json), `openai:NAME`, `azure:DEPLOYMENT`, `http://host/v1#NAME`, or `off`. "
        "Unset: `embedded`, where there are weights.",
    )
    timeout: Seconds = Field(10.0, description="Seconds that one request for vectors may take.")
