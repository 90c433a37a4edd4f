"""How people name what the tools of accounts do, in the forms in which one wishes for it."""

from __future__ import annotations

from deskward.text.wishes import Wish

_NEW = "new neue neues nouveau nouvelle nueva nuevo nuova nuovo nova novo nieuw nieuwe yeni"
_CHANGE = """change update set replace modify correct switch make move ändern ändere ändert wechseln
wechsle ersetzen ersetze umstellen anpassen aktualisieren aktualisiere setzen changer
changez change changes modifier modifiez modifie cambiar cambia cambie cambien actualizar
actualice cambiare cambi cambiate modificare modifica modifichi aggiornare aggiorna mudar
mude alterar altere altera atualizar atualize wijzigen wijzig veranderen verander değiştir
değiştirin değiştirmek güncelle güncelleyin"""
_CARD = """card cards karte karten kreditkarte bankkarte carte cartes tarjeta
tarjetas carta carte cartão kaart bankpas pas kart kartı kartım kartımı"""
_MAKES = (
    "visa mastercard amex maestro debit credit debitkarte kreditkarte girocard virtual business"
)
_STOP = """block deactivate cancel disable stop lock sperren sperre sperrt blockieren blockiere
stoppen stoppe deaktivieren deaktiviere kündigen kündige bloquer bloquez bloque désactiver
désactivez désactive bloquear bloquea bloquee bloqueen cancelar desactivar desactive
desactiven bloccare blocca blocchi bloccate disattivare disattiva disattivate bloqueie
bloqueiem desativar desative blokkeren blokkeer deactiveren deactiveer engelle engelleyin
kapat kapatın"""

_FREEZE = """freeze block lock sperren sperre sperr sperrt einfrieren blockieren blockiere geler
gelez gèle bloquer bloquez bloque congelar congele congelen congela bloquear bloquea bloquee
bloqueen bloccare blocca blocchi bloccate congelate congeli bloqueia bloqueie bloqueiem
bevriezen bevries blokkeren blokkeer dondur dondurun temporarily vorübergehend temporairement
temporalmente provisoriamente temporaneamente provvisoriamente temporariamente tijdelijk"""
_UNFREEZE = """unfreeze unblock unlock reactivate entsperren entsperre freigeben freischalten
débloquer débloquez réactiver réactivez desbloquear desbloquea desbloquee reactivar sbloccare
sblocca sbloccate riattivare desbloqueie reativar deblokkeren deblokkeer"""
_FINALLY = """deactivate deaktivieren deaktiviere désactiver désactivez désactive desactivar
desactive desactiven desactiva disattivare disattiva disattivate disattivi desativar desative
desativa deactiveren deactiveer"""
_UPDATE = """change update ändern ändere ändert aktualisieren changer changez change modifiez
cambiar cambia cambie cambien actualice actualiza cambiare cambiate cambi aggiorna mudar mude
muda altere altera atualize wijzigen wijzig verander değiştir değiştirin"""

WISHES = {
    "change_password": Wish(
        f"{_CHANGE} rotate",
        "password passwort kennwort passe contraseña parola senha wachtwoord şifre şifremi "
        "parolamı",
        new=_NEW,
        agrees=_UPDATE,
    ),
    "update_address": Wish(
        _CHANGE,
        "address adresse anschrift dirección domicilio indirizzo endereço morada adres adresim "
        "adresimi",
        new=_NEW,
        alone=("new_address",),
        agrees=_UPDATE,
    ),
    "freeze_card": Wish(
        f"{_STOP} freeze pause suspend einfrieren geler gelez congelar congele congelare congela "
        "bevriezen bevries dondur dondurun",
        _CARD,
        tells=_MAKES,
        agrees=_FREEZE,
    ),
    "unfreeze_card": Wish(
        _UNFREEZE,
        _CARD,
        tells=_MAKES,
        agrees=_UNFREEZE,
    ),
    "deactivate_card": Wish(_STOP, _CARD, tells=_MAKES, agrees=_FINALLY),
}
