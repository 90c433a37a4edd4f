"""Alphabets and encodings, told rightly, wrongly and not at all."""

from __future__ import annotations

import base64
import quopri

from tests.inbox.shapes import Shape, mail, word

SAID = {
    "de": "Grüße aus Köln, meine Karte wurde abgelehnt.",
    "fr": "Ma carte a été refusée à la caisse, où êtes-vous ?",
    "pl": "Moja karta została odrzucona. Proszę o pomoc, dziękuję.",
    "cs": "Moje karta byla zamítnuta, prosím o pomoc. Žluťoučký kůň.",
    "ru": "Здравствуйте, моя карта не работает уже три дня.",
    "uk": "Добрий день, моя картка не працює, допоможіть їй.",
    "el": "Καλημέρα, η κάρτα μου δεν λειτουργεί.",
    "tr": "Merhaba, kartım çalışmıyor, lütfen yardım edin.",
    "ja": "お世話になっております。カードが使えません。",
    "zh": "您好,我的卡不能用了,请帮忙。",
    "tw": "您好,我的卡片無法使用,請幫忙。",
    "ko": "안녕하세요. 카드가 작동하지 않습니다.",
    "he": "שלום, הכרטיס שלי לא עובד.",
    "ar": "مرحبا، بطاقتي لا تعمل.",
    "th": "สวัสดี บัตรของฉันใช้ไม่ได้",
    "vi": "Xin chào, thẻ của tôi không hoạt động.",
    "hi": "नमस्ते, मेरा कार्ड काम नहीं कर रहा है।",
}

_TOLD = [
    ("de", "iso-8859-1"), ("de", "windows-1252"), ("de", "iso-8859-15"), ("fr", "iso-8859-1"),
    ("pl", "iso-8859-2"), ("cs", "windows-1250"), ("ru", "koi8-r"), ("ru", "windows-1251"),
    ("ru", "iso-8859-5"), ("uk", "koi8-u"), ("el", "iso-8859-7"), ("tr", "iso-8859-9"),
    ("ja", "iso-2022-jp"), ("ja", "shift_jis"), ("ja", "euc-jp"), ("zh", "gb2312"),
    ("zh", "gbk"), ("zh", "gb18030"), ("tw", "big5"), ("ko", "euc-kr"), ("ko", "cp949"),
    ("he", "windows-1255"), ("he", "iso-8859-8"), ("ar", "windows-1256"), ("th", "tis-620"),
    ("vi", "utf-8"), ("hi", "utf-8"), ("ru", "utf-16"), ("ja", "utf-7"),
]  # fmt: skip


def _told() -> list[Shape]:
    found = []
    for number, (language, charset) in enumerate(_TOLD):
        data = SAID[language].encode(charset)
        coding = ("base64", "quoted-printable", "8bit")[number % 3]
        if charset.startswith("utf-16"):
            coding = "base64"
        if coding == "base64":
            data = base64.encodebytes(data)
        elif coding == "quoted-printable":
            data = quopri.encodestring(data)
        subject = word(SAID[language], charset) if charset not in {"utf-16", "utf-7"} else "Hello"
        raw = mail(data, f'text/plain; charset="{charset}"', coding, Subject=subject)
        expected = SAID[language] if subject != "Hello" else None
        found.append(Shape(f"{language} in {charset}", raw, own=SAID[language], subject=expected))
    return found


def _plain(language: str, really: str, told: str | None) -> bytes:
    kind = "text/plain" + (f"; charset={told}" if told else "")
    return mail(SAID[language].encode(really), kind, "8bit")


SHAPES = [
    *_told(),
    Shape("utf-8 told as latin-1 is what it says", _plain("de", "utf-8", "utf-8"), own=SAID["de"]),
    Shape("utf-8 not told", _plain("ru", "utf-8", None), own=SAID["ru"]),
    Shape("utf-8 told as ascii", _plain("fr", "utf-8", "us-ascii"), own=SAID["fr"]),
    Shape("utf-8 told as nothing known", _plain("ja", "utf-8", "x-unknown"), own=SAID["ja"]),
    Shape("utf-8 told as nonsense", _plain("el", "utf-8", '"\t;;"'), own=SAID["el"]),
    Shape("utf-8 told as a codec of Python", _plain("ko", "utf-8", "unicode_escape"), own=SAID["ko"]),
    Shape("utf-8 told as gb2312", _plain("hi", "utf-8", "gb_bad"), own=SAID["hi"]),
    Shape("cp1252 told as ascii", _plain("de", "cp1252", "us-ascii"), own=SAID["de"]),
    Shape("cp1251 not told", _plain("ru", "cp1251", None), own=SAID["ru"]),
    Shape("iso-2022-jp not told", _plain("ja", "iso2022_jp", None), own=SAID["ja"]),
    Shape("shift_jis not told", _plain("ja", "cp932", None), own=SAID["ja"]),
    Shape("big5 not told", _plain("tw", "big5", None), own=SAID["tw"]),
    Shape("euc-kr not told", _plain("ko", "cp949", None), own=SAID["ko"]),
    Shape(
        "latin-1 that is really cp1252",
        mail("It’s “gone” – 5 €".encode("cp1252"), "text/plain; charset=iso-8859-1", "8bit"),
        own="It’s “gone” – 5 €",
    ),
    Shape(
        "gb2312 with signs that only gbk has",
        mail("我的卡号是镕".encode("gbk"), "text/plain; charset=gb2312", "8bit"),
        own="我的卡号是镕",
    ),
    Shape(
        "shift_jis with signs that only cp932 has",
        mail("①カード㈱".encode("cp932"), "text/plain; charset=Shift_JIS", "8bit"),
        own="①カード㈱",
    ),
    Shape(
        "a broken byte loses only itself",
        mail(b"before \xff\xfe\xfd after \xc3\xbc", "text/plain; charset=utf-8", "8bit"),
        holds=("before", "after"),
    ),
    Shape(
        "a byte order mark",
        mail(b"\xef\xbb\xbfHello", "text/plain; charset=utf-8", "8bit"),
        own="Hello",
    ),
    Shape("zeros within", mail(b"Hel\x00lo\x00", "text/plain"), own="Hello"),
    Shape("old Mac's ends of lines", mail(b"one\rtwo\rthree"), own="one\ntwo\nthree"),
    Shape("base64 with rubbish", mail(b"SGVs bG8*\r\n--", coding="base64"), own="Hello"),
    Shape("base64 cut off", mail(b"SGVsbG8gd29ybGQ", coding="base64"), holds=("Hello worl",)),
    Shape("base64 that is none", mail("Ich bin kein Base64.", coding="base64"), holds=()),
    Shape(
        "quoted-printable with a soft end at the end", mail("caf=C3=A9=", coding="quoted-printable"),
        own="café",
    ),
    Shape("quoted-printable with errors", mail("100=% =XY =C3=A9", coding="quoted-printable"),
          holds=("100", "é")),
    Shape("a coding that nobody knows", mail("Hello", coding="x-rot"), own="Hello"),
    Shape("uuencoded", mail("begin 644 x\n%2&5L;&\\ \n \nend\n", coding="x-uuencode"), own="Hello"),
    Shape("emoji and joiners", mail("👩‍👩‍👧 ❤️ नमस्ते‍"), holds=("👩‍👩‍👧", "नमस्ते")),
    Shape("bidirectional marks are dropped", mail("a\u202eb\u2066c"), own="abc"),
]  # fmt: skip
