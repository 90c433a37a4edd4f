"""How people name what the tools of tickets do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

_OPEN = """open create report raise file submit log make melden melde eröffnen eröffne erstellen
signaler signalez ouvrir ouvrez reportar reporta abrir abra segnalare aprire relatar
melden openen bildir"""
_MATTER = """ticket tickets issue problem case fault bug request fehler anfrage fall problème
demande
problema caso solicitud richiesta pedido probleem melding sorun talep"""

WISHES = {
    "create_ticket": Wish(_OPEN, _MATTER),
    "report_issue": Wish(_OPEN, _MATTER),
    "update_ticket": Wish("set change update resolve close reopen assign reply mark raise lower"),
    "hand_over": Wish(
        "speak talk want need connect transfer sprechen möchte parler veux hablar quiero parlare "
        "voglio falar quero spreken wil",
        "person human agent somebody someone mensch mitarbeiter personne humain persona humano "
        "umano pessoa mens medewerker",
    ),
}
