"""Where tests may go of which a customer has said a part."""

from __future__ import annotations

import ipaddress

import pytest

from deskward.core.outside import NotAllowed
from deskward.diagnostics.suites.reach import Listed, Target

LISTED = ["127.0.0.1", "10.1.0.0/16", "api.example.com", "9.9.9.9"]


@pytest.mark.parametrize("listed", [LISTED, LISTED[2:]])
@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3"])
def test_what_is_inside_is_refused_for_what_it_is_whether_it_is_listed_or_not(
    listed: list[str], host: str
) -> None:
    """A customer learns nothing of the list, and a colleague is not sent to add what is on it."""
    reach = Listed([Target.parse(each) for each in listed], inner=False)
    for look in (
        lambda: reach.check_host(host, 80),
        lambda: reach.check_address("api.example.com", 80, ipaddress.ip_address(host)),
    ):
        with pytest.raises(NotAllowed, match="not reached where a customer says") as refused:
            look()
        assert "suite allow" not in str(refused.value)
    reach.check_host("9.9.9.9", 443)
    with pytest.raises(NotAllowed, match="suite allow"):
        reach.check_host("8.8.8.8", 443)
