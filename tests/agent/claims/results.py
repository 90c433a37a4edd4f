"""Results of tools, by the names that `claims.yaml` calls them by."""

from __future__ import annotations

from typing import Any

from deskward.agent.leaves import Evidence


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD", "formatted": f"${amount / 100:,.2f}"}


def order(name: str, status: str) -> dict[str, Any]:
    line = {"sku": "CB", "description": "USB-C cable 1 m", "quantity": 3}
    return {
        "id": name,
        "lines": [{**line, "unit_price": money(750), "total": money(2250)}],
        "total": money(2250),
        "shipping_address": "12 Garden Street, Springfield, IL 62701",
        "status": status,
        "created_at": "2026-03-01T08:00:00.000000Z",
        "updated_at": "2026-03-05T16:40:00.000000Z",
    }


def shows(tool: str, answer: dict[str, Any], **arguments: Any) -> Evidence:
    return Evidence(tool, "ok", arguments, answer)


def article(name: str, question: str, answer: str) -> Evidence:
    found = {"id": name, "question": question, "answer": answer, "relevance": 1.0}
    return shows("get_faq", {"query": "q", "articles": [found]})


EVIDENCE = {
    "pending_order": shows("get_order_by_id", order("O1003", "pending"), order_id="O1003"),
    "shipped_order": shows("get_order_by_id", order("O1002", "shipped"), order_id="O1002"),
    "orders": shows(
        "get_orders_by_customer",
        {"total": 2, "orders": [order("O1003", "pending"), order("O1002", "shipped")]},
    ),
    "cancelled": shows(
        "update_order_status",
        {"message": "Order O1003 is now cancelled.", "order": order("O1003", "cancelled")},
        order_id="O1003",
    ),
    "refunded": shows(
        "refund_order",
        {"refund_id": "R1", "order_id": "O1003", "amount": money(2250), "message": "Granted."},
        order_id="O1003",
    ),
    "balance": shows("get_account_balance", {"user_id": "user_001", "balance": money(542050)}),
    "account": shows(
        "get_account_details",
        {
            "user_id": "user_001",
            "name": "Alex Morgan",
            "email": "alex.morgan@example.com",
            "phone": "+1 555 010 0001",
            "address": "12 Garden Street, Springfield, IL 62701",
            "status": "active",
            "balance": money(542050),
            "cards": [
                {"card_id": "card_001", "brand": "Visa", "last4": "4242", "status": "active"},
                {
                    "card_id": "card_002",
                    "brand": "Mastercard",
                    "last4": "4444",
                    "status": "deactivated",
                },
            ],
        },
    ),
    "customer": shows("get_customer", {"customer_id": "user_001", "tier": "standard"}),
    "blocked": shows(
        "deactivate_card",
        {
            "card": {
                "card_id": "card_001",
                "brand": "Visa",
                "last4": "4242",
                "status": "deactivated",
            }
        },
        card="4242",
    ),
    "waiting": Evidence(
        "deactivate_card",
        "pending",
        {"card": "4242"},
        {"status": "pending_approval", "approval_id": "a" * 32, "message": "It must be approved."},
    ),
    "failed": Evidence(
        "deactivate_card",
        "error",
        {"card": "4242"},
        {"success": False, "error": {"code": "UNAVAILABLE", "message": "Try later."}},
    ),
    "refused": Evidence(
        "update_order_status",
        "error",
        {"order_id": "O1002", "status": "cancelled"},
        {
            "success": False,
            "error": {"code": "CONFLICT", "message": "No.", "details": {"status": "shipped"}},
        },
    ),
    "password": shows("change_password", {"message": "The password was changed."}),
    "address": shows("update_address", {"address": "5 Main Street, Boston"}),
    "mailed": shows(
        "send_text_email", {"email_id": "e1", "status": "sent", "message": "The mail was sent."}
    ),
    "unmailed": shows(
        "send_text_email", {"email_id": "e1", "status": "failed", "message": "It was not sent."}
    ),
    "handed_over": shows(
        "hand_over",
        {"ticket_id": "T1005", "status": "open", "message": "A person will take over."},
    ),
    "reported": shows("report_issue", {"ticket_id": "T1004", "status": "open", "message": "Ok."}),
    "complained": shows(
        "register_complaint", {"complaint_id": "C1002", "status": "open", "message": "Ok."}
    ),
    "ticket": shows(
        "get_ticket",
        {
            "id": "T1001",
            "subject": "App crashes",
            "status": "resolved",
            "priority": "high",
            "assignee": "bob",
            "updated_at": "2026-03-04T10:15:00Z",
        },
    ),
    "transactions": shows(
        "get_transaction_history",
        {
            "transactions": [
                {
                    "transaction_id": "txn_1002",
                    "at": "2026-03-11T09:12:30Z",
                    "description": "Amazon Purchase",
                    "amount": {"amount": -8999, "currency": "USD", "formatted": "-$89.99"},
                },
                {
                    "transaction_id": "txn_1001",
                    "at": "2026-03-09T09:12:30Z",
                    "description": "Salary Deposit",
                    "amount": money(350000),
                },
            ]
        },
    ),
    "refunds": article(
        "faq-refunds",
        "How long do refunds take?",
        "A merchant's refund goes back to the card or account that paid. It shows within five to "
        "ten business days after the merchant sent it.",
    ),
}
