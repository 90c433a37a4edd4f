"""Products and versions that nobody has on record: the nearest is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deskward.core.errors import NotFound
from deskward.diagnostics.shelf import Shelf
from deskward.diagnostics.suites.loading import Suites
from tests.conftest import CUSTOMER, OTHER, STAFF, Call
from tests.diagnostics.test_context import put
from tests.diagnostics.test_sessions import code, start
from tests.diagnostics.test_texts import ONE


async def looked_up(call: Call, name: str, by: Any = STAFF, customer: str = "user_001") -> Any:
    named = {"customer_id": customer, "product_name": name}
    return await call("get_customer_product_info", by, **named)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Acme AIP", "Did you mean “Acme API”?"),
        ("acme", "Did you mean “Acme API”?"),
        ("ACME SINC", "Did you mean “Acme Sync”?"),
        ("Кофе", "There are: Acme API, Acme Sync."),
    ],
)
async def test_a_product_that_a_customer_does_not_have_names_the_nearest(
    sqlite_call: Call, name: str, said: str
) -> None:
    for product in ("Acme API", "Acme Sync"):
        await put(sqlite_call, product_name=product)
    for by in (STAFF, CUSTOMER):
        outcome = await looked_up(sqlite_call, name, by)
        assert code(outcome) == "PRODUCT_NOT_FOUND"
        assert outcome.value["error"]["message"].endswith(said)
    named = {"customer_id": "user_001", "product_name": name}
    removed = await sqlite_call("remove_customer_product", STAFF, **named)
    assert removed.value["error"]["message"].endswith(said)
    session = await start(sqlite_call, product_name=name)
    assert [one.endswith(said) for one in session["doubts"]] == [True]
    assert session["product_name"] == name  # it may be right: a record need not be whole
    # Nobody is told what somebody else has.
    other = await looked_up(sqlite_call, name, OTHER, "user_002")
    assert other.value["error"]["message"].endswith("on record. There is none.")
    assert (await start(sqlite_call, OTHER, product_name=name))["doubts"] == []


@pytest.mark.parametrize(
    ("version", "doubted"),
    [("2.3.1", 0), ("2.3", 0), ("v2.3.1", 0), (2.3, 0), ("2.3.2", 1), ("23.1", 1), ("neu", 1)],
)
async def test_a_version_that_is_not_on_record_names_the_one_that_is(
    sqlite_call: Call, version: Any, doubted: int
) -> None:
    await put(sqlite_call, version="2.3.1")
    given = {"environment_info": {"version": version}}
    session = await start(sqlite_call, product_name="acme api", **given)
    expected = (
        f"Version “{version}” of Acme API is not on the desk's record of the customer. "
        "Did you mean 2.3.1?"
    )
    assert session["doubts"] == [expected] * doubted


def test_a_workflow_of_a_product_that_is_misspelt_names_the_product(tmp_path: Path) -> None:
    own = ONE.replace("category: own\n", "category: own\nproducts: [Acme Billing]\n")
    (tmp_path / "own.yaml").write_text(own, encoding="utf-8")
    shelf = Shelf(tmp_path, Suites(None))
    assert shelf.of_category("ACME billing", "own").workflow == "own"
    with pytest.raises(NotFound, match="Did you mean the product “Acme Billing”"):
        shelf.of_category("Acme Biling", "own")
    with pytest.raises(NotFound, match="There are: api, network"):
        shelf.of_category("Something else", "own")
