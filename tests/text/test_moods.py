"""Moods by words: eight languages, what turns them over, and what is not known."""

import pytest

from deskward.text.lists import read_list
from deskward.text.moods import MOODS, mood_of


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("I am furious, this is the worst service ever", "angry"),
        ("I am not angry, I just want my refund", "unknown"),
        ("Ich bin WÜTEND! Das ist eine Frechheit", "angry"),
        ("Je suis très inquiète pour mon compte", "worried"),
        ("Estoy harto de esperar", "angry"),
        ("Estou muito preocupada com o meu cartão", "worried"),
        ("Sono arrabbiato con voi", "angry"),
        ("non sono arrabbiato", "unknown"),
        ("とても心配です。返事をください", "worried"),
        ("怒っていません", "unknown"),
        ("こんなのありえない、最悪です", "angry"),
        ("أنا غاضب جدا من هذه الخدمة", "angry"),
        ("شكرا جزيلا لكم", "friendly"),
        ("Danke, das war super", "friendly"),
        ("Thanks for nothing, I am furious", "angry"),
        ("Where is my order O1001?", "unknown"),
        ("I want to die", "in distress"),
        ("I will take legal action and I am not content with this", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_mood_of_a_message(text: str, mood: str) -> None:
    assert mood_of([text]) == mood


def test_the_latest_message_that_shows_one_counts() -> None:
    assert mood_of(["I am furious", "ok", "I am worried now"]) == "worried"
    assert mood_of(["I am furious", "Where is it?"]) == "angry"
    assert mood_of(["I am furious and worried"]) == "unknown"


def test_every_language_has_every_mood() -> None:
    lists = read_list("moods")
    assert set(lists) == {"en", "de", "fr", "es", "pt", "it", "ja", "ar"}
    for found in lists.values():
        assert set(found) == {"not", "angry", "worried", "friendly"} <= {"not", *MOODS}
