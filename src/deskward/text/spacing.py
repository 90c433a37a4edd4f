"""Texts in scripts without spaces or with other marks, made readable for rules that expect both.

Punctuation and digits of full width and of Arabic become the usual ones, Arabic letters lose what
is not always written, and where Japanese or Arabic letters meet digits or Latin ones, a space parts
them. Amounts in ten thousands (万) are written out, and days of Japanese months get their space.
"""

from __future__ import annotations

import re

ALONE = "\u3005\u3041-\u3096\u30a1-\u30fa\u30fc-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9d"
"""Letters of scripts that put no space between words, for a class of a regular expression."""

_OTHERS = re.compile(r"[\u0600-\u06ff\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
_SAME = {
    **{ord("０") + digit: str(digit) for digit in range(10)},
    **{ord("٠") + digit: str(digit) for digit in range(10)},
    **{ord(letter): letter_for for letter, letter_for in zip("أإآٱىئؤ", "ااااييو", strict=True)},
    **dict.fromkeys([*range(0x064B, 0x0653), 0x0640, 0x0670]),
    **{
        ord(mark): f"{usual} "
        for mark, usual in zip("。！？؟、，،；؛：", ".!??,,,;;:", strict=True)
    },
    **{ord(mark): usual for mark, usual in zip("（）％￥－～〜　٪٫", "()%¥--- %.", strict=True)},
    **{ord(mark): ' " ' for mark in "「」『』【】"},
}
_THOUSANDS = re.compile(r"(?<=\d)[，٬](?=\d)")
_TEN_THOUSANDS = re.compile(r"(\d{1,4})万(?:(\d{1,4}))?(?=円)")
_DAY = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日")
_LATIN, _OTHER = r"[A-Za-zÀ-ɏ\d%]", r"[\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff]"
_JOIN = re.compile(rf"(?<={_LATIN})(?=(?!月){_OTHER})|(?<={_OTHER})(?={_LATIN})")
_UNIT = re.compile(
    r"(?<=\d) ?(円|件|回|個|枚|冊|足|つ|名|人|日|時|分)(?=[\u3040-\u30ff\u4e00-\u9fff])"
)
_RUN = re.compile(
    r"(?<=[ぁ-ん])(?=[ァ-ヶ一-鿿])|(?<=[ァ-ヶー])(?=[ぁ-ん一-鿿])|(?<=[一-鿿])(?=[ぁ-んァ-ヶ])"
)
_ENDS = re.compile(
    r"(?<=[ぁ-ん一-鿿])(ませんでした|ません|なかった|なく|ない|ますか|ですか|でしょうか|ましょうか|てください)"
)


_PARTED = re.compile(r"(?<=[\u3040-\u9fff]) (?=[\u3040-\u9fff])")


def letters_alike(text: str) -> str:
    """The text with the letters and marks that `spaced` gives it, and no spaces for it."""
    return text.translate(_SAME)


def unparted(text: str) -> str:
    """The text without the spaces that part its Japanese words."""
    return _PARTED.sub("", text)


def spaced(text: str) -> str:
    """The text with usual marks, and with spaces where these scripts have none.

    A text in other scripts stays as it is.
    """
    if text.isascii() or not _OTHERS.search(text):
        return text
    text = _THOUSANDS.sub(",", text).translate(_SAME)
    text = _TEN_THOUSANDS.sub(lambda m: str(int(m[1]) * 10_000 + int(m[2] or 0)), text)
    text = _DAY.sub(lambda m: f" {m[2]}月 {m[3]}{f', {m[1]}' if m[1] else ''} ", text)
    text = _JOIN.sub(" ", text)
    return _UNIT.sub(r" \1 ", text)


def words_apart(text: str) -> str:
    """The text with spaces between runs of Japanese letters of one kind, and before endings."""
    return _RUN.sub(" ", _ENDS.sub(r" \1 ", text)) if _OTHERS.search(text) else text
