"""How people name what the tools of orders do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

WISHES = {
    "create_order": Wish(
        "order buy purchase bestellen bestelle kaufen commander commandez pedir comprar ordinare "
        "comprare encomendar kopen"
    ),
    "update_order_status": Wish(
        "cancel confirm ship mark set change move return stornieren storniere annuler annulez "
        "cancelar cancela cancele annullare annulla annuleren annuleer iptal",
    ),
    "refund_order": Wish("refund reimburse erstatten rembourser reembolsar rimborsare", ""),
}
