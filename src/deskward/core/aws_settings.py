"""The settings of AWS: how the desk signs in, and what it may use there."""

from __future__ import annotations

from pydantic import Field, SecretStr

from deskward.core.allowed import Listed
from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Few, WebAddress


class Aws(Group):
    """Amazon's S3, Lambda and Parameter Store."""

    model_config = prefixed("aws_")

    access_key_id: str | None = Field(
        None, description="Id of the key for AWS. Unset: there are no tools of AWS."
    )
    secret_access_key: SecretStr | None = Field(None, description="The key's secret.")
    session_token: SecretStr | None = Field(
        None, description="The key's session token, where it is one for a while."
    )
    default_region: str = Field(
        "us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="Region of AWS."
    )
    endpoint_url: WebAddress | None = Field(
        None,
        description="Address of another service that speaks AWS's protocols. Unset: AWS's own.",
    )
    buckets: Listed = Field(
        "",
        description="Buckets of S3 that the tools may use, separated by commas, by tenant: "
        "`customer-documents, shop=shop-*`. One without a tenant is DEFAULT_TENANT_ID's. Unset: "
        "none.",
    )
    functions: Listed = Field(
        "",
        description="Functions of Lambda that the tools may invoke, listed as AWS_BUCKETS are.",
    )
    parameters: Listed = Field(
        "",
        description="Parameters of the Parameter Store that the tools may read, listed as "
        "AWS_BUCKETS are: `/support/*`. Secret ones are told to nobody.",
    )
    timeout: Few = Field(15, description="Seconds that AWS may take for one thing.")
    mcp_host: str | None = Field(
        None,
        description="Address that `deskward mcp aws --transport http` listens on. Unset: "
        "MCP_SERVER_HOST.",
    )
    mcp_port: int = Field(
        8003,
        ge=0,
        le=65535,
        description="Port that `deskward mcp aws --transport http` listens on.",
    )
