"""How people name what the tools of orders do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

_WORDS = """cancel cancle stornieren storniere storniert stornier anular anula anule anulen
anulad anulo annuler annulez annule cancelar cancela cancele cancelen cancelem annullare annulla
annullate annuli annuleren annuleer iptal ألغ ألغي ألغوا الغ الغي الغوا"""
_NAMES = """إلغاء الغاء
cancélalo cancelalo cancélala cancelala cancélelo cancelelo anúlalo anulalo anúlelo annullalo
annullala annullatelo annullatela"""
"""The deed as a noun, and with the pronoun of its thing: as a yes these are too little."""
_CANCEL = Wish(f"{_WORDS} {_NAMES}", agrees=_WORDS)

WISHES = {
    "create_order": Wish(
        "order buy purchase bestellen bestelle kaufen commander commandez pedir comprar ordinare "
        "comprare encomendar kopen"
    ),
    "update_order_status": Wish(
        f"{_CANCEL.do} confirm ship mark set change move return",
        means={"cancelled": _CANCEL},
    ),
    "refund_order": Wish(
        "refund reimburse erstatten rembourser reembolsar rimborsare", amounts=("amount",)
    ),
}
