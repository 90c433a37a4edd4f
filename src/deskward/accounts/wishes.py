"""How people name what the tools of accounts do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

_NEW = "new neue neues nouveau nouvelle nueva nuevo nuova nova novo nieuw nieuwe yeni"
_CHANGE = """change update set replace modify correct switch make move ändern ändere ändert
aktualisieren aktualisiere setzen changer changez changes modifier modifiez cambiar
cambia cambie actualizar cambiare cambi modificare mudar mude alterar altere wijzigen
wijzig veranderen değiştir değiştirin"""
_CARD = (
    "card cards mastercard visa one karte kreditkarte carte tarjeta carta cartão kaart kart kartımı"
)
_STOP = """block deactivate cancel disable stop lock sperren sperre deaktivieren deaktiviere
bloquer bloquez désactiver désactivez bloquear bloquea bloquee cancelar desactivar
bloccare blocca blocchi disattivare desativar blokkeren blokkeer engelle kapat"""

WISHES = {
    "change_password": Wish(
        f"{_CHANGE} {_NEW} rotate will",
        "password passwort kennwort contraseña parola senha wachtwoord",
    ),
    "update_address": Wish(
        f"{_CHANGE} {_NEW}",
        "address adresse anschrift dirección indirizzo endereço morada adres moved move",
    ),
    "freeze_card": Wish(
        f"{_STOP} freeze pause suspend einfrieren geler congelar congelare bevriezen", _CARD
    ),
    "unfreeze_card": Wish(
        "unfreeze unblock unlock reactivate entsperren entsperre freigeben débloquer desbloquear "
        "sbloccare deblokkeren",
        _CARD,
    ),
    "deactivate_card": Wish(_STOP, _CARD),
}
