"""A peer that speaks AWS's protocols, with what an operator has made there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from deskward.core.settings import Settings
from deskward.security.principals import Kind, Principal
from tests.services.moto import KEYS, Moto, moto

KEEPER = Principal(Kind.STAFF, "anna", "default", ("support-3", "support-2", "support"))
PROGRAM = Principal(Kind.SERVICE, "website", "default", ("service",))
STRANGER = Principal(Kind.SERVICE, "website", "acme", ("service",))


@pytest.fixture(scope="session")
def cloud() -> Iterator[Moto]:
    """The peer, with a bucket, a function and parameters."""
    with moto() as running:
        s3, ssm = running.client("s3"), running.client("ssm")
        for name in ("customer-documents", "others"):
            s3.create_bucket(Bucket=name)
        hours = {"Name": "/support/hours", "Value": "9 to 5", "Type": "String"}
        secret = {"Name": "/support/password", "Value": "hunter2", "Type": "SecureString"}
        for one in (hours, secret, {**hours, "Name": "/other/hours"}):
            ssm.put_parameter(**one)
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = running.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as code:
            code.writestr("lambda_function.py", "def lambda_handler(event, context): return event")
        running.client("lambda").create_function(
            FunctionName="process-customer-feedback",
            Runtime="python3.11",
            Role=role["Role"]["Arn"],
            Handler="lambda_function.lambda_handler",
            Code={"ZipFile": packed.getvalue()},
        )
        yield running


def at_aws(settings: Settings, url: str, **more: Any) -> Settings:
    """Settings with AWS at an address, and some of it listed."""
    usual: dict[str, Any] = {
        "aws_endpoint_url": url,
        "aws_buckets": "customer-documents",
        "aws_functions": "process-*",
        "aws_parameters": "/support/*",
    }
    return settings.changed(**{**KEYS, **usual, **more})
