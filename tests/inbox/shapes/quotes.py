"""What is below an answer, as the world's mail programs write it."""

from __future__ import annotations

from tests.inbox.shapes import Shape, mail, multi, part

ANSWER = "Yes, it works now."

_INTRODUCTIONS = {
    "Gmail, English": "On Tue, Feb 3, 2026 at 10:12 AM Support <support@desk.example> wrote:",
    "Gmail, folded": "On Tue, Feb 3, 2026 at 10:12 AM The Support Team of Our Bank\n"
    "<support@desk.example> wrote:",
    "Gmail, German": "Am Di., 3. Feb. 2026 um 10:12 Uhr schrieb Support <support@desk.example>:",
    "Gmail, French": "Le mar. 3 févr. 2026 à 10:12, Support <support@desk.example> a écrit :",
    "Gmail, Spanish": "El mar, 3 feb 2026 a las 10:12, Support (<support@desk.example>) escribió:",
    "Gmail, Portuguese": "Em ter., 3 de fev. de 2026 às 10:12, Support <support@desk.example> "
    "escreveu:",
    "Gmail, Italian": "Il giorno mar 3 feb 2026 alle ore 10:12 Support <support@desk.example> ha "
    "scritto:",
    "Gmail, Dutch": "Op di 3 feb 2026 om 10:12 schreef Support <support@desk.example>:",
    "Gmail, Polish": "wt., 3 lut 2026 o 10:12 Support <support@desk.example> napisał(a):",
    "Gmail, Russian": "вт, 3 февр. 2026 г. в 10:12, Support <support@desk.example>:",
    "Gmail, Ukrainian": "вт, 3 лют. 2026 р. о 10:12 Support <support@desk.example> пише:",
    "Gmail, Turkish": "Support <support@desk.example>, 3 Şub 2026 Sal, 10:12 tarihinde şunu yazdı:",
    "Gmail, Japanese": "2026年2月3日(火) 10:12 Support <support@desk.example>:",
    "Gmail, Chinese": "Support <support@desk.example> 于2026年2月3日周二 10:12写道:",
    "Gmail, Korean": "2026년 2월 3일 (화) 오전 10:12, Support <support@desk.example>님이 작성:",
    "Gmail, Arabic": "في الثلاثاء، 3 فبراير 2026 في 10:12 ص تمت كتابة ما يلي بواسطة Support "
    "<support@desk.example>:",
    "Gmail, Hebrew": "\u200f‫בתאריך יום ג׳, 3 בפבר׳ 2026 ב-10:12 מאת ‪Support‬‏ "
    "<‪support@desk.example‬‏>:",
    "Gmail, Thai": "ในวันที่ อ. 3 ก.พ. 2026 เวลา 10:12 Support <support@desk.example> เขียนว่า:",
    "Gmail, Hindi": "मंगल, 3 फ़र॰ 2026 को 10:12 पूर्वाह्न बजे को Support <support@desk.example> ने लिखा:",
    "Apple Mail": "> Am 03.02.2026 um 10:12 schrieb Support <support@desk.example>:\n>",
    "Thunderbird": "On 2/3/26 10:12, Support wrote:",
    "Thunderbird, German": "Am 03.02.26 um 10:12 schrieb Support:",
    "Thunderbird, Greek": "Στις 3/2/26 10:12, ο/η Support έγραψε:",
    "mutt": "On Tue, Feb 03, 2026 at 10:12:00AM +0100, Support wrote:",
    "two blank lines above": "\nOn 3 February 2026 at 10:12, support@desk.example wrote:",
}

_HEADS = {
    "Outlook, English": "From: Support <support@desk.example>\nSent: Tuesday, February 3, 2026 "
    "10:12 AM\nTo: Anna <anna@example.com>\nSubject: RE: My card",
    "Outlook with a rule": "________________________________\nFrom: Support "
    "<support@desk.example>\nSent: Tuesday, February 3, 2026 10:12 AM\nTo: Anna\nSubject: My card",
    "Outlook, German": "Von: Support <support@desk.example>\nGesendet: Dienstag, 3. Februar 2026 "
    "10:12\nAn: Anna\nBetreff: AW: My card",
    "Outlook, bold": "*From:* Support <support@desk.example>\n*Sent:* Tuesday\n*To:* Anna\n"
    "*Subject:* My card",
    "Outlook, French": "De : Support <support@desk.example>\nEnvoyé : mardi 3 février 2026 10:12\n"
    "À : Anna\nObjet : My card",
    "Outlook, Spanish": "De: Support <support@desk.example>\nEnviado el: martes, 3 de febrero\n"
    "Para: Anna\nAsunto: My card",
    "Outlook, Italian": "Da: Support\nInviato: martedì 3 febbraio 2026 10:12\nA: Anna\n"
    "Oggetto: My card",
    "Outlook, Dutch": "Van: Support\nVerzonden: dinsdag 3 februari 2026\nAan: Anna\n"
    "Onderwerp: My card",
    "Outlook, Polish": "Od: Support\nWysłano: wtorek, 3 lutego 2026\nDo: Anna\nTemat: My card",
    "Outlook, Russian": "От: Support\nОтправлено: 3 февраля 2026 г.\nКому: Anna\nТема: My card",
    "Outlook, Turkish": "Kimden: Support\nGönderildi: 3 Şubat 2026\nKime: Anna\nKonu: My card",
    "Outlook, Japanese": "差出人: Support <support@desk.example>\n送信日時: 2026年2月3日\n宛先: Anna\n"
    "件名: My card",
    "Outlook, Chinese": "发件人: Support\n发送时间: 2026年2月3日 10:12\n收件人: Anna\n主题: My card",
    "Outlook, Korean": "보낸 사람: Support\n보낸 날짜: 2026년 2월 3일\n받는 사람: Anna\n제목: My card",
    "Outlook, Arabic": "من: Support\nتم الإرسال: 3 فبراير 2026\nإلى: Anna\nالموضوع: My card",
    "Outlook, Czech": "Od: Support\nOdesláno: úterý 3. února 2026\nKomu: Anna\nPředmět: My card",
    "Outlook Express": "----- Original Message -----\nFrom: Support <support@desk.example>\n"
    "To: Anna\nSent: Tuesday\nSubject: My card",
    "Outlook Express, German": "-----Ursprüngliche Nachricht-----\nVon: Support "
    "[mailto:support@desk.example]\nGesendet: Dienstag\nAn: Anna\nBetreff: My card",
    "a language that is not listed": "----------\nXyzab: Support <support@desk.example>\n"
    "Qwert: 3 2 2026 10:12\nAsdf: Anna\nYxcv: My card",
    "GMX": "Gesendet: Dienstag, 03. Februar 2026 um 10:12 Uhr\nVon: Support "
    "<support@desk.example>\nAn: anna@example.com\nBetreff: My card",
}  # fmt: skip

_HTML = {
    "Gmail": '<div dir="ltr">Yes, it works now.</div><br><div class="gmail_quote gmail_quote_cont">'
    '<div dir="ltr" class="gmail_attr">On Tue wrote:<br></div><blockquote class="gmail_quote" '
    'style="margin:0">Does it work?</blockquote></div>',
    "Thunderbird": "<html><body><p>Yes, it works now.</p><div class='moz-cite-prefix'>On 2/3/26, "
    "Support wrote:<br></div><blockquote type='cite' cite='mid:x'>Does it work?</blockquote></body>",
    "Apple": "<html><body>Yes, it works now.<br><div><br><blockquote type='cite'><div>On 3 Feb 2026, "
    "at 10:12, Support wrote:</div><div>Does it work?</div></blockquote></div></body></html>",
    "Outlook": "<html><body><p class=MsoNormal>Yes, it works now.<o:p></o:p></p><div style='border:"
    "none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>From:</b> Support "
    "&lt;support@desk.example&gt; <br><b>Sent:</b> Tuesday, February 3, 2026 10:12 AM<br><b>To:</b> "
    "Anna<br><b>Subject:</b> My card</p></div><p>Does it work?</p></body></html>",
    "Outlook on the web": "<div>Yes, it works now.</div><div id=appendonsend></div><hr><div "
    "id='divRplyFwdMsg'><font><b>Von:</b> Support<br><b>Gesendet:</b> Dienstag, 3. Februar 2026<br>"
    "<b>An:</b> Anna<br><b>Betreff:</b> My card</font></div><div>Does it work?</div>",
    "Yahoo": "<div>Yes, it works now.</div><div class='yahoo_quoted'><div>On Tuesday wrote:</div>"
    "<div>Does it work?</div></div>",
    "Proton": "Yes, it works now.<div class='protonmail_quote'>On Tuesday wrote:<br><blockquote>"
    "Does it work?</blockquote></div>",
}


def _text(answer: str, below: str, quoted: str) -> bytes:
    return mail(f"{answer}\r\n\r\n{below}\r\n\r\n{quoted}\r\n")


SHAPES = [
    *(
        Shape(f"quote: {name}", _text(ANSWER, told, "> Does it work?\n>\n> Support"), own=ANSWER,
              holds=("> Does it work?",))
        for name, told in _INTRODUCTIONS.items()
    ),
    *(
        Shape(f"mail below: {name}", _text(ANSWER, told, "Does it work?\n\nSupport"), own=ANSWER,
              holds=("Does it work?",))
        for name, told in _HEADS.items()
    ),
    *(
        Shape(f"HTML: {name}", mail(html, "text/html; charset=utf-8"), own=ANSWER,
              holds=("Does it work?",))
        for name, html in _HTML.items()
    ),
    Shape("answers between the questions",
          mail("On 3 Feb 2026 10:12 Support wrote:\n> First?\nYes.\n\n> Second?\nNo.\n"),
          own="Yes.\n\nNo."),
    Shape("a signature", mail("It is gone.\n\n-- \nAnna Berg\nBerg & Co\n"), own="It is gone.",
          holds=("Berg & Co",)),
    Shape("a signature whose space is lost", mail("It is gone.\n--\nAnna\n"), own="It is gone."),
    Shape("two dashes before much text", mail("One\n--\n" + "more\n" * 60), holds=("more",),
          own="One\n--\n" + "more\n" * 59 + "more"),
    Shape("a signature above a quote",
          mail("Yes.\n\n-- \nAnna\n\nOn 3 Feb 2026 10:12, a@b.example wrote:\n> Really?\n"),
          own="Yes."),
    Shape("a telephone", mail("It is gone.\n\nSent from my iPhone\n"), own="It is gone."),
    Shape("a telephone, Chinese", mail("卡不能用。\n\n发自我的 iPhone\n"), own="卡不能用。"),
    Shape("only a telephone's line", mail("Sent from my iPhone"), own="Sent from my iPhone"),
    Shape("only a quote is read whole", mail("> Does it work?\n"), own="> Does it work?"),
    Shape("a form of a web site is no head",
          mail("Name: Anna\nEmail: anna@example.com\nDate: 2026-02-03 10:12\nMessage: It is gone."),
          own="Name: Anna\nEmail: anna@example.com\nDate: 2026-02-03 10:12\nMessage: It is gone."),
    Shape("a line with a colon is no introduction", mail("I see this:\n\n> error 5\n\nWhat now?"),
          own="I see this:\n\nWhat now?"),
    Shape("a list of orders", mail("Order: 1\nItem: 2\nPrice: 3\n\nPlease help."),
          own="Order: 1\nItem: 2\nPrice: 3\n\nPlease help."),
    Shape("full-width quote marks", mail("はい。\n\n> 動きますか。\n＞ ほんとうに。\n"), own="はい。"),
    Shape("nested quotes", mail("Yes.\n\n>> First\n> Second\n>>> Third\n"), own="Yes."),
    Shape("passed on", mail("See below.\n\n---------- Forwarded message ---------\nFrom: Shop "
          "<shop@shop.example>\nDate: Tue, Feb 3, 2026\nSubject: Bill\nTo: <anna@example.com>\n\n"
          "You owe us 5."), own="See below.", holds=("You owe us 5.",)),
    Shape("passed on without a word", mail("---------- Forwarded message ---------\nFrom: Shop "
          "<shop@shop.example>\nDate: Tue\nSubject: Bill\n\nYou owe us 5."),
          own="---------- Forwarded message ---------\nFrom: Shop <shop@shop.example>\nDate: Tue\n"
          "Subject: Bill\n\nYou owe us 5."),
    Shape("plain text beside HTML",
          mail(*multi("alternative", part("Yes.\n\n> Does it?"), part("<p>Yes.</p>", "text/html"))),
          own="Yes."),
]  # fmt: skip
