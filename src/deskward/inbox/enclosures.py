"""The files that come with mails: which become files of the desk."""

from __future__ import annotations

from collections.abc import Sequence

from deskward.core.database import Connection
from deskward.core.errors import InvalidInput, QuotaExceeded
from deskward.files import service as files
from deskward.inbox.reading.mail import Enclosed
from deskward.inbox.rules import InboxRules

MOST = 20
"""How many files of one mail are kept as files."""

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OTHERS = {
    ".asc": ("application/pgp-encrypted", b""),
    ".dat": ("application/ms-tnef", b"\x78\x9f\x3e\x22"),
    ".doc": ("application/msword", OLE),
    ".eml": ("message/rfc822", b""),
    ".heic": ("image/heic", b""),
    ".ics": ("text/calendar", b""),
    ".log": ("text/plain", b""),
    ".m4a": ("audio/mp4", b""),
    ".mov": ("video/quicktime", b""),
    ".mp3": ("audio/mpeg", b""),
    ".mp4": ("video/mp4", b""),
    ".odt": ("application/vnd.oasis.opendocument.text", ZIP),
    ".ods": ("application/vnd.oasis.opendocument.spreadsheet", ZIP),
    ".p7m": ("application/pkcs7-mime", b""),
    ".ppt": ("application/vnd.ms-powerpoint", OLE),
    ".pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ZIP),
    ".rtf": ("application/rtf", b"{\\rtf"),
    ".tif": ("image/tiff", b""),
    ".tiff": ("image/tiff", b""),
    ".vcf": ("text/vcard", b""),
    ".wav": ("audio/wav", b"RIFF"),
    ".webp": ("image/webp", b"RIFF"),
    ".xls": ("application/vnd.ms-excel", OLE),
    ".zip": ("application/zip", ZIP),
}
"""What customers send besides what they can upload. Nothing of it is opened here, or run."""

TYPES = {**files.TYPES, **OTHERS}


async def keep(
    db: Connection, tenant: str, customer_id: str, enclosed: Sequence[Enclosed], rules: InboxRules
) -> tuple[list[str], dict[str, str]]:
    """Keep the files of a customer's mail.

    Returns:
        The ids of those that were kept, and name → why for those that were not.
    """
    owner = f"customer:{customer_id}"
    kept: list[str] = []
    left_out: dict[str, str] = {}
    for number, file in enumerate(enclosed):
        if number >= MOST:
            left_out[file.name] = f"One mail has at most {MOST} files."
            continue
        try:
            await files.check_room(
                *(db, tenant, owner, len(file.data)),
                quota=rules.quota,
                tenant_quota=rules.tenant_quota,
            )
            stored = await files.store(
                *(db, tenant, owner, file.name, file.data),
                max_size=rules.largest_file,
                types=TYPES,
            )
        except (InvalidInput, QuotaExceeded) as error:
            left_out[file.name] = error.message
        else:
            kept.append(stored.file_id)
    return kept, left_out
