"""What uploaded files bring to the desk."""

from __future__ import annotations

from deskward.files.models import files
from deskward.gate.slice import Slice

SLICE = Slice(
    tables=(files,),
)
