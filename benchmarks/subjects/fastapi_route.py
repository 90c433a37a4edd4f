"""A bare FastAPI route with pydantic in and out: the yardstick for a governed call.

Usage: python -m benchmarks.subjects.fastapi_route PORT
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Question(BaseModel):
    """What is asked."""

    user_id: str


class Money(BaseModel):
    """An amount."""

    amount: int
    currency: str


class Balance(BaseModel):
    """What is answered."""

    user_id: str
    balance: Money


@app.post("/balance")
async def balance(question: Question) -> Balance:
    return Balance(user_id=question.user_id, balance=Money(amount=542050, currency="USD"))


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
