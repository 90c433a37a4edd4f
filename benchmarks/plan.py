"""How much is measured: everything in about half an hour, or a quick look in about three."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How long each part takes. Times are in seconds.

    Attributes:
        rounds: Rounds per subject, in which subjects take turns.
        seconds: `calls`, `overhead`: how long each round's load lasts.
        warm_up: `calls`, `overhead`: how long it lasts before that.
        connections: `calls`: connections with a request under way on each.
        turns: `turns`, `end-to-end`: turns per round.
        model_turns: `end-to-end`: turns per round of a configured model, each of which may cost.
        crowds: `load`: concurrent requests under k6.
        locust_crowds: `load`: concurrent requests under locust.
        crowd_rounds: `load`: rounds per subject and crowd.
        crowd_seconds: `load`: how long each lasts.
        outages: `failures`: how often each thing goes away.
        before: `failures`: how long all is well before that.
        outage: `failures`: how long it is away.
        additions: `tools`: how often each tool is added.
        tickets: `search`: how many there are on SQLite.
        many_tickets: `search`: how many there are on PostgreSQL.
        pages: `ingest`: documents that are read.
    """

    rounds: int
    seconds: float
    warm_up: float
    connections: int
    turns: int
    model_turns: int
    crowds: tuple[int, ...]
    locust_crowds: tuple[int, ...]
    crowd_rounds: int
    crowd_seconds: float
    outages: int
    before: float
    outage: float
    additions: int
    tickets: int
    many_tickets: int
    pages: int


FULL = Plan(
    rounds=3,
    seconds=2.0,
    warm_up=1.0,
    connections=50,
    turns=40,
    model_turns=3,
    crowds=(50, 200, 500),
    locust_crowds=(50, 500),
    crowd_rounds=2,
    crowd_seconds=2.0,
    outages=2,
    before=1.0,
    outage=2.0,
    additions=3,
    tickets=100_000,
    many_tickets=1_000_000,
    pages=5_000,
)

QUICK = Plan(
    rounds=2,
    seconds=0.5,
    warm_up=0.3,
    connections=50,
    turns=10,
    model_turns=1,
    crowds=(50, 500),
    locust_crowds=(50,),
    crowd_rounds=1,
    crowd_seconds=1.0,
    outages=1,
    before=0.5,
    outage=1.5,
    additions=1,
    tickets=10_000,
    many_tickets=20_000,
    pages=500,
)
