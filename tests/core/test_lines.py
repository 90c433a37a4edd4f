"""No text splits a line, on either side."""

import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from deskward.core.lines import json_line, one_line, read_lines

ODD = st.text(st.characters() | st.sampled_from("\x85\u2028\u2029\ud800\udfff\r\n\x0b\x0c\x1c"))
"""With halves of surrogate pairs, which `characters` leaves out."""


@given(ODD)
def test_a_value_is_one_line_to_every_reader(text: str) -> None:
    line = json_line({"text": text})
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line) == json.loads(json.dumps({"text": text}))


@given(st.text())
def test_json_means_the_same_on_one_line(text: str) -> None:
    line = one_line(json.dumps({text: text}, ensure_ascii=False).encode())
    assert len(line.decode().splitlines()) == 1
    assert json.loads(line) == {text: text}


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))), st.integers(1, 9)
)
async def test_only_line_feeds_end_a_line(lines: list[str], size: int) -> None:
    for end in ("\n", "\r\n"):
        data = "".join(f"{line}{end}" for line in lines).encode()

        async def chunks(data: bytes = data) -> AsyncIterator[bytes]:
            for place in range(0, len(data), size):
                yield data[place : place + size]

        assert [line async for line in read_lines(chunks())] == lines
