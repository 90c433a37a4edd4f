"""Rules and queries of accounts."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

import sqlalchemy as sa
from pydantic import SecretStr

from deskward.accounts.models import (
    Card,
    CardStatus,
    Transaction,
    accounts,
    cards,
    transactions,
)
from deskward.core.database import Connection
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.fixed import fixed
from deskward.core.money import Money

CARD = r"^[ -]*([0-9][ -]*){4}$|^[ -]*([0-9][ -]*){13,19}$|^[^\W\d_]+([ -][^\W\d_]+){0,3}$"
"""How a card is named: by its last four digits, its whole number, or its make."""

ANY: Set[CardStatus] = {"active", "frozen", "deactivated"}
"""Every state that a card can be in."""

_ACCOUNT = fixed(
    sa.select(accounts).where(
        accounts.c.tenant_id == sa.bindparam("tenant"),
        accounts.c.user_id == sa.bindparam("user_id"),
    )
)
_CARDS = fixed(
    sa.select(cards)
    .where(cards.c.tenant_id == sa.bindparam("tenant"), cards.c.user_id == sa.bindparam("user_id"))
    .order_by(cards.c.id)
)
_TRANSACTIONS = fixed(
    sa.select(transactions)
    .where(
        transactions.c.tenant_id == sa.bindparam("tenant"),
        transactions.c.user_id == sa.bindparam("user_id"),
    )
    .order_by(transactions.c.at.desc(), transactions.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_SET_PASSWORD = fixed(
    sa.update(accounts)
    .where(
        accounts.c.tenant_id == sa.bindparam("b_tenant"),
        accounts.c.user_id == sa.bindparam("b_user"),
        accounts.c.password_hash == sa.bindparam("b_before"),
    )
    .values(password_hash=sa.bindparam("b_hash"))
)
_SET_STATUS = fixed(
    sa.update(cards)
    .where(
        cards.c.tenant_id == sa.bindparam("b_tenant"),
        cards.c.id == sa.bindparam("b_id"),
        cards.c.status == sa.bindparam("b_from"),
    )
    .values(status=sa.bindparam("b_status"))
)


async def get(db: Connection, tenant: str, user_id: str) -> sa.Row[tuple[object, ...]]:
    """The account's row.

    Raises:
        NotFound: The tenant has no such account.
    """
    row = await db.first(_ACCOUNT, tenant=tenant, user_id=user_id)
    if row is None:
        raise NotFound("account", user_id)
    return row


async def balance(db: Connection, tenant: str, user_id: str) -> Money:
    """What is in the account."""
    row = await get(db, tenant, user_id)
    return Money.of(row.balance, row.currency)


async def history(db: Connection, tenant: str, user_id: str, limit: int) -> list[Transaction]:
    """The latest movements, the newest first."""
    await get(db, tenant, user_id)
    rows = await db.all(_TRANSACTIONS, tenant=tenant, user_id=user_id, limit=limit)
    return [
        Transaction(
            transaction_id=row.id,
            at=row.at,
            description=row.description,
            amount=Money.of(row.amount, row.currency),
        )
        for row in rows
    ]


async def cards_of(db: Connection, tenant: str, user_id: str) -> list[Card]:
    """The account's cards."""
    rows = await db.all(_CARDS, tenant=tenant, user_id=user_id)
    return [
        Card(card_id=row.id, brand=row.brand, last4=row.last4, status=row.status) for row in rows
    ]


async def set_password_hash(
    db: Connection, tenant: str, user_id: str, hashed: str, *, before: str
) -> None:
    """Replace the password by another, given as its hash.

    Args:
        before: The hash of the one that it takes the place of.

    Raises:
        Conflict: It was replaced in the meantime.
    """
    values = {"b_tenant": tenant, "b_user": user_id, "b_hash": hashed, "b_before": before}
    if await db.change(_SET_PASSWORD, values) == 0:
        raise Conflict("The password was changed in the meantime.")


async def named_cards(
    db: Connection, tenant: str, user_id: str, given: SecretStr | None, of: Set[CardStatus]
) -> list[Card]:
    """The card that is named, or all of these states where none is.

    Raises:
        NotFound: The tenant has no such account, or the account no such card.
        InvalidInput: What was given is no card number, four digits or make.
        Conflict: The card is in another state.
    """
    await get(db, tenant, user_id)
    return _fitting(await cards_of(db, tenant, user_id), given, of)


async def only_card(db: Connection, tenant: str, user_id: str, given: SecretStr | None) -> Card:
    """The card that is to be deactivated; which one need not be said where there is only one.

    Raises:
        NotFound: The tenant has no such account, or the account no such card.
        InvalidInput: No card number, four digits or make was given.
        Conflict: Several cards fit, or the card is deactivated already.
    """
    fitting = await named_cards(db, tenant, user_id, given, {"active", "frozen"})
    if given is None and len(fitting) > 1:
        endings = ", ".join(card.last4 for card in fitting)
        raise Conflict(
            f"Say which card, by its last four digits: {endings}.", details={"needs": "card"}
        )
    return fitting[0]


async def deactivate_card(
    db: Connection, tenant: str, user_id: str, given: SecretStr | None
) -> Card:
    """Deactivate one of the account's cards; see `only_card` for which, and what is raised."""
    card = await only_card(db, tenant, user_id, given)
    return await _become(db, tenant, card, "deactivated")


async def freeze_cards(
    db: Connection, tenant: str, user_id: str, given: SecretStr | None
) -> list[Card]:
    """Freeze one of the account's cards, or all that are active where none is named.

    Raises:
        NotFound: The tenant has no such account, or the account no such card.
        InvalidInput: What was given is no card number, four digits or make.
        Conflict: The card is frozen or deactivated already.
    """
    fitting = await named_cards(db, tenant, user_id, given, {"active"})
    return [await _become(db, tenant, card, "frozen") for card in fitting]


async def unfreeze_cards(
    db: Connection, tenant: str, user_id: str, given: SecretStr | None
) -> list[Card]:
    """Unfreeze one of the account's cards, or all that are frozen where none is named.

    Raises:
        NotFound: The tenant has no such account, or the account no such card.
        InvalidInput: What was given is no card number, four digits or make.
        Conflict: The card is not frozen.
    """
    fitting = await named_cards(db, tenant, user_id, given, {"frozen"})
    return [await _become(db, tenant, card, "active") for card in fitting]


async def _become(db: Connection, tenant: str, card: Card, status: CardStatus) -> Card:
    values = {"b_tenant": tenant, "b_id": card.card_id, "b_from": card.status, "b_status": status}
    if await db.change(_SET_STATUS, values) == 0:
        raise Conflict(f"The card ending in {card.last4} was changed in the meantime.")
    return card.model_copy(update={"status": status})


def _fitting(owned: Sequence[Card], given: SecretStr | None, of: Set[CardStatus]) -> list[Card]:
    """The card that is named, or all of these states where none is.

    A card that is deactivated is named by its make where the account has no other of it.
    """
    if given is None:
        fitting = [card for card in owned if card.status in of]
        if not fitting:
            states = " or ".join(sorted(of))
            raise NotFound("card", "", f"No card of this account is {states}.")
        return fitting
    text = given.get_secret_value()
    if not re.fullmatch(CARD, text):
        raise InvalidInput("Give the card's last four digits, its whole number or its make.")
    if not any(letter.isdigit() for letter in text):
        card = _of_make(owned, text)
    else:
        last4 = re.sub(r"[ -]", "", text)[-4:]
        card = next((card for card in owned if card.last4 == last4), None)
    if card is None:
        raise NotFound("card", "", "No card of this account has these last four digits or make.")
    if card.status not in of:
        raise Conflict(f"The card ending in {card.last4} is {card.status} already.")
    return [card]


def _of_make(owned: Sequence[Card], make: str) -> Card | None:
    """The account's one card of a make, in whatever way it is written.

    Raises:
        Conflict: It has several.
    """
    same = [card for card in owned if _letters(card.brand) == _letters(make)]
    usable = [card for card in same if card.status != "deactivated"]
    if len(usable or same) > 1:
        endings = ", ".join(card.last4 for card in usable or same)
        raise Conflict(
            f"Say which card, by its last four digits: {endings}.", details={"needs": "card"}
        )
    return next(iter(usable or same), None)


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text.casefold()))
