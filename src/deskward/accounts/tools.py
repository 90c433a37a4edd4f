"""The tools of accounts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import Field, SecretStr

from deskward.accounts import passwords, service
from deskward.accounts.models import (
    AccountBalance,
    AccountDetails,
    AddressUpdated,
    Card,
    CardDeactivated,
    CardsFrozen,
    CardStatus,
    CardsUnfrozen,
    PasswordChanged,
    TransactionHistory,
)
from deskward.accounts.wishes import WISHES
from deskward.core.errors import NotFound
from deskward.customers import service as customers
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.security.passwords import MAX_LENGTH, MIN_LENGTH

tools = ToolGroup("accounts", questions=Path(__file__).with_name("questions.yaml"), wishes=WISHES)


@tools.tool(scope="accounts:read", risk=Risk.READ, rest="GET /accounts/{user_id}/balance")
async def get_account_balance(ctx: Context, user_id: OwnCustomerId) -> AccountBalance:
    """Tell how much money is in an account.

    Args:
        user_id: The account's owner.
    """
    return AccountBalance(
        user_id=user_id, balance=await service.balance(ctx.db, ctx.tenant, user_id)
    )


@tools.tool(
    scope="accounts:read",
    risk=Risk.READ,
    rest="GET /accounts/{user_id}/transactions",
)
async def get_transaction_history(
    ctx: Context,
    user_id: OwnCustomerId,
    limit: Annotated[int, Field(ge=1, le=100, examples=[10])] = 10,
) -> TransactionHistory:
    """List an account's latest transactions, the newest first.

    Args:
        user_id: The account's owner.
        limit: How many to list at the most.
    """
    found = await service.history(ctx.db, ctx.tenant, user_id, limit)
    return TransactionHistory(user_id=user_id, transactions=found)


@tools.tool(
    scope="accounts:read",
    risk=Risk.READ,
    rest="GET /accounts/{user_id}",
)
async def get_account_details(ctx: Context, user_id: OwnCustomerId) -> AccountDetails:
    """Show an account as a whole: owner, contact data, status, balance and cards.

    Args:
        user_id: The account's owner.
    """
    account = await service.get(ctx.db, ctx.tenant, user_id)
    owner = await customers.get(ctx.db, ctx.tenant, user_id)
    return AccountDetails(
        user_id=user_id,
        name=owner.name,
        email=owner.email,
        phone=owner.phone,
        address=owner.address,
        status=account.status,
        balance=await service.balance(ctx.db, ctx.tenant, user_id),
        cards=await service.cards_of(ctx.db, ctx.tenant, user_id),
    )


@tools.tool(scope="accounts:write", risk=Risk.WRITE, rest="PUT /accounts/{user_id}/password")
async def change_password(
    ctx: Context,
    user_id: OwnCustomerId,
    new_password: Annotated[SecretStr, Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH)],
    current_password: Annotated[SecretStr, Field(min_length=1, max_length=MAX_LENGTH)]
    | None = None,
) -> PasswordChanged:
    """Change the password of an account. The password is never shown, logged or recorded.

    The account's other sessions and API keys end.

    Args:
        user_id: The account's owner.
        new_password: The new password, 12 to 128 characters, none that is easily guessed.
        current_password: The present one; may be left out shortly after a second proof.
    """
    await passwords.change(ctx, user_id, new_password, current_password)
    await _tell(ctx, user_id, "password")
    return PasswordChanged(user_id=user_id, message="The password was changed.")


@tools.tool(scope="accounts:write", risk=Risk.WRITE, rest="PUT /accounts/{user_id}/address")
async def update_address(
    ctx: Context,
    user_id: OwnCustomerId,
    new_address: Annotated[
        str,
        Field(
            min_length=5,
            max_length=300,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            examples=["12 Garden Street, Springfield, IL 62701"],
        ),
    ],
) -> AddressUpdated:
    """Replace the postal address of an account's owner.

    Args:
        user_id: The account's owner.
        new_address: The whole new address in one line.
    """
    await customers.set_address(ctx.db, ctx.tenant, user_id, new_address)
    await _tell(ctx, user_id, "address")
    return AddressUpdated(user_id=user_id, address=new_address)


_CardName = Annotated[
    SecretStr, Field(json_schema_extra={"pattern": service.CARD, "examples": ["4242"]})
]


class CardFacts(TypedDict):
    """What policies may know of the cards that a call is about, and people are asked about them.

    `label` names them by brand and last four digits.
    """

    owner: str
    label: str


async def active_cards(ctx: Context, arguments: Mapping[str, Any]) -> CardFacts:
    """The facts of a freeze."""
    return await _cards(ctx, arguments, {"active"})


async def frozen_cards(ctx: Context, arguments: Mapping[str, Any]) -> CardFacts:
    """The facts of lifting a freeze."""
    return await _cards(ctx, arguments, {"frozen"})


async def only_card(ctx: Context, arguments: Mapping[str, Any]) -> CardFacts:
    """The facts of a deactivation."""
    return await _cards(ctx, arguments, {"active", "frozen"}, one=True)


async def _cards(
    ctx: Context, arguments: Mapping[str, Any], of: Set[CardStatus], *, one: bool = False
) -> CardFacts:
    """The facts of a call that changes cards in these states.

    Whoever repeats a call gets its first answer, though the card is in another state by then: of
    what state it is in, the tool makes a matter, and these facts do not.
    """
    owner, given = arguments["user_id"], arguments.get("card")
    if given is not None:
        return _facts(
            owner, await service.named_cards(ctx.db, ctx.tenant, owner, given, service.ANY)
        )
    cards: Sequence[Card] = ()
    with contextlib.suppress(NotFound):
        if one:
            cards = [await service.only_card(ctx.db, ctx.tenant, owner, None)]
        else:
            cards = await service.named_cards(ctx.db, ctx.tenant, owner, None, of)
    return _facts(owner, cards)


async def can_freeze(ctx: Context, arguments: Mapping[str, Any]) -> object:
    """See that there is a card to freeze."""
    owner, card = arguments["user_id"], arguments["card"]
    return await service.named_cards(ctx.db, ctx.tenant, owner, card, {"active"})


async def can_unfreeze(ctx: Context, arguments: Mapping[str, Any]) -> object:
    """See that there is a card to unfreeze."""
    owner, card = arguments["user_id"], arguments["card"]
    return await service.named_cards(ctx.db, ctx.tenant, owner, card, {"frozen"})


async def can_deactivate(ctx: Context, arguments: Mapping[str, Any]) -> object:
    """See that there is one card to deactivate."""
    owner, card = arguments["user_id"], arguments["card"]
    return await service.only_card(ctx.db, ctx.tenant, owner, card)


async def _tell(ctx: Context, user_id: str, what: str) -> None:
    """Tell what of a customer's was changed."""
    await ctx.tell("customer.updated", user_id, {"changed": [what]}, customer_id=user_id)


def _facts(owner: str, cards: Sequence[Card]) -> CardFacts:
    named = ", ".join(f"{card.brand} ••{card.last4}" for card in cards)
    return {"owner": owner, "label": named}


@tools.tool(
    scope="accounts:write",
    risk=Risk.WRITE,
    rest="POST /accounts/{user_id}/cards/freeze",
    facts=active_cards,
    possible=can_freeze,
)
async def freeze_card(
    ctx: Context, user_id: OwnCustomerId, card: _CardName | None = None
) -> CardsFrozen:
    """Freeze a payment card, or all cards of an account, at once: nothing is paid until unfrozen.

    The first thing to do for a card that was lost or stolen. It can be undone.

    Args:
        user_id: The account's owner.
        card: The card's last four digits, its whole number or its make; left out, all active cards.
    """
    done = await service.freeze_cards(ctx.db, ctx.tenant, user_id, card)
    await _tell(ctx, user_id, "card_frozen")
    return CardsFrozen(user_id=user_id, cards=done)


@tools.tool(
    scope="accounts:write",
    risk=Risk.WRITE,
    rest="POST /accounts/{user_id}/cards/unfreeze",
    facts=frozen_cards,
    possible=can_unfreeze,
)
async def unfreeze_card(
    ctx: Context, user_id: OwnCustomerId, card: _CardName | None = None
) -> CardsUnfrozen:
    """Make a frozen payment card, or all frozen cards of an account, usable again.

    Args:
        user_id: The account's owner.
        card: The card's last four digits, its whole number or its make; left out, all frozen cards.
    """
    done = await service.unfreeze_cards(ctx.db, ctx.tenant, user_id, card)
    await _tell(ctx, user_id, "card_unfrozen")
    return CardsUnfrozen(user_id=user_id, cards=done)


@tools.tool(
    scope="accounts:write",
    risk=Risk.DESTRUCTIVE,
    rest="POST /accounts/{user_id}/cards/deactivate",
    facts=only_card,
    possible=can_deactivate,
)
async def deactivate_card(
    ctx: Context, user_id: OwnCustomerId, card: _CardName | None = None
) -> CardDeactivated:
    """Deactivate a payment card for good. This cannot be undone; `freeze_card` can.

    Args:
        user_id: The account's owner.
        card: The card's last four digits, its whole number or its make; may be left out where
            the account has only one active card.
    """
    done = await service.deactivate_card(ctx.db, ctx.tenant, user_id, card)
    await _tell(ctx, user_id, "card_deactivated")
    return CardDeactivated(user_id=user_id, card=done)
