"""Answers out of sources: verbatim, cited, with their contradictions, or none."""

from __future__ import annotations

from deskward.app import Desk
from tests.conftest import CUSTOMER, STAFF, Call
from tests.knowledge.test_search_tools import filed


async def test_each_sentence_is_a_sources_and_names_it(desk: Desk, call: Call) -> None:
    text = (
        "The printer has two trays. To reset the printer, hold the power button for ten seconds. "
        "The lamp blinks three times after the reset. Paper is sold separately."
    )
    await filed(desk, "reset.md", text, title="Resetting", versions="==2.*")
    asked = {"question": "How do I reset the printer?", "version": "2.3"}
    value = (await call("answer_from_knowledge", **asked)).value
    assert value["answered"]
    texts = [one["text"] for one in value["sentences"]]
    assert "To reset the printer, hold the power button for ten seconds." in texts
    assert all(one in text for one in texts)
    assert "Paper is sold separately." not in texts
    cited = {one["number"]: one for one in value["citations"]}
    assert {one["citation"] for one in value["sentences"]} == set(cited) == {1}
    assert (cited[1]["title"], cited[1]["versions"]) == ("Resetting", "==2.*")
    assert value["answer"].endswith(" [1]")
    assert value["contradictions"] == []
    assert not (await call("answer_from_knowledge", **{**asked, "version": "3"})).value["answered"]


async def test_nothing_is_made_up(call: Call) -> None:
    value = (await call("answer_from_knowledge", question="Do unicorns graze in arctics?")).value
    assert (value["answered"], value["answer"], value["sentences"]) == (False, "", [])
    assert value["message"] == "Nothing in the knowledge base answers this."


async def test_sources_that_contradict_each_other_are_shown(desk: Desk, call: Call) -> None:
    await filed(desk, "old.md", "The warranty of the printer lasts 12 months.")
    await filed(desk, "new.md", "The warranty of the printer lasts 24 months.")
    asked = {"question": "How long does the warranty of the printer last?"}
    value = (await call("answer_from_knowledge", **asked)).value
    (one,) = value["contradictions"]
    titles = {cited["number"]: cited["title"] for cited in value["citations"]}
    sides = {titles[one[side]["citation"]] for side in ("one", "other")}
    assert sides == {"old.md", "new.md"}
    await filed(desk, "old.md", "Toner of the printer may be refilled at home.")
    await filed(desk, "new.md", "Toner of the printer may not be refilled at home.")
    asked = {"question": "May the toner of the printer be refilled?"}
    assert len((await call("answer_from_knowledge", **asked)).value["contradictions"]) == 1


async def test_customers_are_not_answered_from_what_is_for_staff(desk: Desk, call: Call) -> None:
    await filed(desk, "a.md", "The zibeline discount is 30 percent.", audience="staff")
    asked = {"question": "What is the zibeline discount?"}
    value = (await call("answer_from_knowledge", CUSTOMER, **asked)).value
    assert "zibeline discount is" not in str(value)
    assert (await call("answer_from_knowledge", STAFF, **asked)).value["answered"]
