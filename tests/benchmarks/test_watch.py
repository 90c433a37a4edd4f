"""Asking at a steady pace while something is broken, here a stand-in in this process."""

from benchmarks.watch import summary, watch


async def test_an_outage_is_seen_from_its_beginning_to_its_end() -> None:
    away = False

    def set_away(value: bool) -> None:
        nonlocal away
        away = value

    async def ask() -> str:
        if away:
            raise ConnectionError
        return "200"

    async def look() -> str:
        return "away" if away else "there"

    watched = await watch(
        ask,
        lambda: set_away(True),
        lambda: set_away(False),
        pace=100,
        before=0.1,
        outage=0.2,
        look=look,
    )
    found = summary(watched)
    assert found["seen_meanwhile"] == "away"
    assert found["said"]["no answer: ConnectionError"] > 0
    assert set(found["said_after"]) == {"200"}
    assert {answer.said for answer in watched.answers if answer.at < watched.broken} == {"200"}
