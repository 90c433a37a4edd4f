"""AWS: from settings to its port. Nothing large is imported before a tool asks, nor connected."""

from __future__ import annotations

from contextlib import AsyncExitStack
from importlib import import_module
from typing import Any

from deskward.aws.cloud import Aws
from deskward.core.allowed import Allowed
from deskward.core.extras import extra
from deskward.core.settings import Settings
from deskward.integrations.aws.cloud import BotoCloud


def open_aws(settings: Settings, stack: AsyncExitStack) -> dict[type, Any]:
    """AWS as a port of tools; nothing where there is no key.

    Raises:
        ValueError: The key has no secret.
        MissingExtra: The library is not installed.
    """
    told = settings.aws
    if told.access_key_id is None:
        return {}
    if told.secret_access_key is None:
        raise ValueError("AWS_ACCESS_KEY_ID needs AWS_SECRET_ACCESS_KEY.")
    with extra("aws", "AWS_ACCESS_KEY_ID"):
        import_module("aiobotocore")  # by itself it is small
    cloud = BotoCloud(told)
    stack.push_async_callback(cloud.aclose)
    tenant = settings.default.tenant_id
    aws = Aws(
        cloud,
        Allowed.parse("AWS_BUCKETS", told.buckets, tenant),
        Allowed.parse("AWS_FUNCTIONS", told.functions, tenant),
        Allowed.parse("AWS_PARAMETERS", told.parameters, tenant),
    )
    return {Aws: aws}
