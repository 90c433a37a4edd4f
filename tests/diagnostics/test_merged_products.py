"""Products of customers who turn out to be one."""

from __future__ import annotations

from deskward.app import Desk
from tests.conftest import STAFF, Call
from tests.customers.test_tools import ended, made, merged


async def test_a_product_that_both_have_is_one_in_whatever_case(desk: Desk, call: Call) -> None:
    await made(call, name="Al", new_id="al")
    for customer, product, version in (
        ("user_001", "Acme API", "2.0"),
        ("user_001", "ä", "4"),
        ("al", "ACME API", "1.0"),
        ("al", "Ä", "3"),
        ("al", "Acme Web", "5"),
    ):
        told = {"customer_id": customer, "product_name": product, "version": version}
        assert (await call("set_customer_product", STAFF, **told)).status == "ok"
    assert (await merged(call, "al", "user_001")).status == "ok"
    assert (await ended(desk, call, "al")).status == "error"  # it leads to the other one
    found = (await call("get_customer_product_info", STAFF, customer_id="user_001")).value
    shown = sorted((one["product_name"], one["version"]) for one in found["products"])
    assert shown == [("Acme API", "2.0"), ("Acme Web", "5"), ("ä", "4")]
