"""Customers as other slices make, change and find them."""

import pytest

from deskward.app import Desk
from deskward.core.custom_fields import CustomFields
from deskward.core.errors import Conflict, InvalidInput
from deskward.customers import service
from deskward.customers.models import Details, ExternalId
from deskward.customers.normal import email_key, language_key, phone_key
from deskward.staff import service as staff

DECLARED = CustomFields.parse("contract=text, seats=number, since=date, plan=choice:basic|pro")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("Alex@Example.COM", "alex@example.com"),
        ("ａｌｅｘ@ｅｘａｍｐｌｅ.com", "alex@example.com"),
        ("post@BÜCHER.example", "post@xn--bcher-kva.example"),
        ("post@xn--bcher-kva.example.", "post@xn--bcher-kva.example"),
        ("Ümit.Öz@example.com", "ümit.öz@example.com"),
        ("анна@почта.рф", "анна@xn--80a1acny.xn--p1ai"),
    ],
)
def test_a_mail_address_has_one_form(given: str, key: str) -> None:
    assert email_key(given) == key


@pytest.mark.parametrize(
    "odd", ["", "@", "a@", "@b.ch", "a b@c.ch", "a@b@c.ch", "a\u202e@b.ch", "x"]
)
def test_what_is_no_mail_address_is_refused(odd: str) -> None:
    with pytest.raises(InvalidInput):
        email_key(odd)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("+41 44 555 01 23", "+41445550123"),
        ("0041 (44) 555-01-23", "+41445550123"),
        ("٠٤٤ ٥٥٥", "044555"),
        ("044 555 01 23", "0445550123"),
    ],
)
def test_a_phone_number_has_one_form(given: str, key: str) -> None:
    assert phone_key(given) == key


@pytest.mark.parametrize("odd", ["12", "call me", "1" * 21, "044 + 555", "٠"])
def test_what_is_no_phone_number_is_refused(odd: str) -> None:
    with pytest.raises(InvalidInput):
        phone_key(odd)


def test_a_language_is_told_by_its_tag() -> None:
    assert [language_key(tag) for tag in ("de", "pt_br", "zh-hant-TW")] == [
        *("de", "pt-BR", "zh-Hant-TW"),
    ]
    for odd in ("xx", "german", "-", "d\u00e9"):
        with pytest.raises(InvalidInput):
            language_key(odd)


@pytest.mark.parametrize(
    "odd",
    [
        *({"contract": " "}, {"seats": "many"}, {"seats": float("nan")}, {"since": "31.3.2026"}),
        *({"plan": "gold"}, {"other": "x"}, {"seats": True}, {"since": 20260331}),
    ],
)
def test_a_value_is_of_its_fields_kind(odd: dict[str, object]) -> None:
    with pytest.raises((Conflict, InvalidInput)):
        DECLARED.checked(odd)


@pytest.mark.parametrize(
    "odd", ["x", "x=list", "x=choice", "x=text:a|b", "x=text, x=date", "=text"]
)
def test_a_wrong_declaration_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match=r"declares no field|has values"):
        CustomFields.parse(odd)


async def test_a_customer_is_made_changed_and_found_by_any_address(desk: Desk) -> None:
    told = Details(
        name="Jürg Müller",
        emails=["Juerg@Example.CH", "büro@example.ch"],
        phones=["+41 44 555 01 23"],
        verified=["juerg@example.ch"],
        language="de-ch",
        time_zone="Europe/Zurich",
        tags=["VIP", "vip", "press"],
        fields={"seats": "12", "plan": "pro"},
        external_ids=[ExternalId(system="crm", id="0031")],
    )
    async with desk.database.transaction() as db:
        made = await service.create(db, "default", told, declared=DECLARED)
        alone = await service.create(db, "default", Details(name="王伟"))
    assert (made.customer_id, alone.customer_id) == ("C1001", "C1002")
    assert (made.email, made.language, made.tags) == ("Juerg@Example.CH", "de-CH", ["vip", "press"])
    assert made.fields == {"seats": 12, "plan": "pro"}
    assert (alone.email, alone.tier) == (None, "standard")
    reader = desk.database.reader
    for sender in ("JUERG@example.ch", "Büro@EXAMPLE.ch"):
        assert await service.of_sender(reader, "default", sender) == "C1001"
        assert await service.of_sender(reader, "acme", sender) is None
    for nobody in ("nobody@example.ch", "no address", "<>", "a@b@c"):
        assert await service.of_sender(reader, "default", nobody) is None
    [found] = await service.find_by_address(reader, "default", "0041 44 555 01 23")
    assert found == made
    assert await service.of_external_id(reader, "default", "crm", "0031") == "C1001"
    whole = await service.profile(reader, "default", "C1001")
    assert [(one.verified, one.primary) for one in whole.emails] == [(True, True), (False, False)]

    async with desk.database.transaction() as db:
        change = Details(emails=["büro@example.ch"], fields={"seats": None}, language=None)
        after = await service.change(db, "default", "C1001", change, revision=1, declared=DECLARED)
    assert (after.email, after.fields, after.language) == ("büro@example.ch", {"plan": "pro"}, None)
    assert (after.revision, after.tags) == (2, ["vip", "press"])
    assert await service.of_sender(reader, "default", "juerg@example.ch") is None


async def test_an_address_of_somebody_else_is_refused(desk: Desk) -> None:
    taken = Details(name="Eve", emails=["ＡＬＥＸ.morgan@example.com"])
    with pytest.raises(Conflict, match="user_001"):
        async with desk.database.transaction() as db:
            await service.create(db, "default", taken)
    known = Details(name="Al", external_ids=[ExternalId(system="crm", id="7")])
    async with desk.database.transaction() as db:
        await service.create(db, "acme", known)
        await service.create(db, "default", known)
    for details in (known, Details(name="X", emails=["b@example.com", "sam.rivera@example.com"])):
        with pytest.raises(Conflict):
            async with desk.database.transaction() as db:
                await service.create(db, "default", details)
    with pytest.raises(Conflict, match="changed by somebody else"):
        async with desk.database.transaction() as db:
            await service.change(db, "acme", "C1001", Details(name="B"), revision=9)
    with pytest.raises(Conflict):
        async with desk.database.transaction() as db:
            await service.create(db, "default", Details(name="X"), customer_id="user_001")


async def test_mail_policy_knows_every_address_and_no_double(desk: Desk) -> None:
    async with desk.database.transaction() as db:
        second = Details(emails=["alex.morgan@example.com", "strauß@Bücher.example"])
        await service.change(db, "default", "user_001", second)
        asked = {
            *("alex.morgan@example.com", "STRAUß@xn--bcher-kva.example", "strauss@bücher.example"),
            *("ａlex.morgan@example.com", "nobody@example.com", "odd"),
        }
        known = await service.of_addresses(db, "default", asked)
    assert known == {
        "alex.morgan@example.com": "user_001",
        "strauß@xn--bcher-kva.example": "user_001",
    }


async def test_only_who_works_here_is_a_member_of_staff(desk: Desk) -> None:
    from deskward.security import members
    from deskward.security.principals import Kind

    async with desk.database.transaction() as db:
        await members.admit(db, "default", Kind.STAFF, "Nora")
        await members.admit(db, "default", Kind.SERVICE, "shop")
        assert await staff.require(db, "default", "NORA") == "nora"
        for tenant, nobody in (("default", "shop"), ("acme", "nora"), ("default", "no\u202ebody")):
            with pytest.raises(Conflict) as refused:
                await staff.require(db, tenant, nobody)
            assert refused.value.details["field"] == "assignee"
        await members.set_disabled(db, "default", Kind.STAFF, "nora", disabled=True)
        with pytest.raises(Conflict, match="any more"):
            await staff.require(db, "default", "nora")
