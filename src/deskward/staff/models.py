"""What is shown of members of staff. They are kept with the services (`security/members.py`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.written import Ours, Written

Own = Annotated[str, Written(by="staff")]


class StaffMember(BaseModel):
    """A member of staff."""

    staff_id: Own = Field(examples=["anna"])
    name: Own = Field(examples=["Anna Keller"])
    email: Own | None = Field(examples=["anna@example.com"])
    roles: list[Ours] = Field(examples=[["support-2"]])
    teams: list[Own] = Field(examples=[["cards"]])
    languages: list[Ours] = Field(examples=[["de"]])
    active: bool = Field(description="Whether they work here now.")


class StaffList(BaseModel):
    """Members of staff, by their ids."""

    staff: list[StaffMember]
