"""What the tests of the agent share."""

import pytest

from deskward.app import Desk
from tests.agent.talk import Talk


@pytest.fixture
def talk(sqlite_desk: Desk) -> Talk:
    return Talk(sqlite_desk)
