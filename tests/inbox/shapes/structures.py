"""Parts, files, invitations, seals, mails within mails, and what is broken."""

from __future__ import annotations

import base64

from tests.inbox.shapes import Shape, mail, multi, part, within

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
PDF = b"%PDF-1.7 nothing"
INVITATION = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20260203T101200"
    "\r\nSUMMARY:Talk about\r\n  the card\r\nLOCATION:Room 5\\, Berlin\r\nEND:VEVENT\r\nEND:VCALENDAR"
)


def _mixed(*parts: bytes) -> bytes:
    return mail(*multi("mixed", *parts))


def _file(name: str, data: bytes = PDF, kind: str = "application/pdf") -> bytes:
    return part(data, kind, "base64", f"attachment; {name}")


def _deep(levels: int) -> bytes:
    inner = part("At the bottom.")
    for level in range(levels):
        inner = within("mixed", inner, boundary=f"deep{level}")
    head, _, body = inner.partition(b"\r\n\r\n")
    return mail(body, head.decode().removeprefix("Content-Type: "))


def _forwarded(levels: int) -> bytes:
    inner = mail("The first mail.", Subject="Level 0")
    for level in range(1, levels):
        inner = mail(
            *multi("mixed", part(f"Passed on {level}."), part(inner, "message/rfc822"),
                   boundary=f"f{level}"),
            Subject=f"Level {level}",
        )  # fmt: skip
    return inner


SHAPES = [
    Shape("a file", _mixed(part("See there."), _file('filename="bill.pdf"')), own="See there.",
          files=("bill.pdf",)),
    Shape("a file's name in RFC 2231", _mixed(part("x"), _file("filename*=utf-8''R%C3%A9sum%C3%A9.pdf")),
          files=("Résumé.pdf",)),
    Shape("a file's name in pieces",
          _mixed(part("x"), _file("filename*0*=utf-8''%E5%8D%A1; filename*1*=%E7%89%87.pdf")),
          files=("卡片.pdf",)),
    Shape("a file's name in encoded words, against the rule",
          _mixed(part("x"), _file('filename="=?utf-8?B?5Y2h54mHLnBkZg==?="')), files=("卡片.pdf",)),
    Shape("a file's name in bare bytes", _mixed(part("x"), _file('filename="Größe.pdf"')),
          files=("Größe.pdf",)),
    Shape("a file's name with folders", _mixed(part("x"), _file('filename="../../etc/bill.pdf"')),
          files=("bill.pdf",)),
    Shape("a file's name with Windows' folders", _mixed(part("x"), _file('filename="C:\\\\a\\\\b.pdf"')),
          files=("b.pdf",)),
    Shape("a file's name turned around", _mixed(part("x"), _file('filename="fdp.\u202eexe.pdf"')),
          files=("fdp.exe.pdf",)),
    Shape("a file named in its type only",
          _mixed(part("x"), part(PDF, 'application/pdf; name="bill.pdf"', "base64")),
          files=("bill.pdf",)),
    Shape("a file without a name", _mixed(part("x"), part(PDF, "application/pdf", "base64")),
          files=("file.pdf",)),
    Shape("a very long name", _mixed(part("x"), _file(f'filename="{"a" * 400}.pdf"')),
          files=("a" * 150 + ".pdf",)),
    Shape("an empty file", _mixed(part("x"), _file('filename="empty.pdf"', b"")), files=()),
    Shape("a text as a file", _mixed(part("See there."), part("secret", disposition="attachment; "
          'filename="log.txt"')), own="See there.", files=("log.txt",), lacks=("secret",)),
    Shape("HTML as a file", _mixed(part("See there."), part("<p>page</p>", "text/html", None,
          'attachment; filename="page.html"')), own="See there.", files=("page.html",)),
    Shape("two texts", _mixed(part("One."), part("Two.")), own="One.\n\nTwo."),
    Shape("a text, a picture, a text: Apple", _mixed(part("Above."), part(PNG, "image/png", "base64",
          'inline; filename="shot.png"'), part("Below.")), own="Above.\n\nBelow.", files=("shot.png",)),
    Shape("a picture within HTML", mail(*multi("related", part('<p>Look <img src="cid:p1"></p>',
          "text/html"), part(PNG, "image/png", "base64", "inline", Content_ID="<p1>"))),
          own="Look", files=("picture.png",)),
    Shape("text, HTML and pictures", mail(*multi("alternative", part("Look"), within("related",
          part('<p>Look <img src="cid:p1"></p>', "text/html"), part(PNG, "image/png", "base64"),
          boundary="b2"))), own="Look", files=("picture.png",)),
    Shape("files around alternatives", _mixed(within("alternative", part("Hi"), part("<p>Hi</p>",
          "text/html"), boundary="b2"), _file('filename="a.pdf"'), _file('filename="b.pdf"')),
          own="Hi", files=("a.pdf", "b.pdf")),
    Shape("HTML alone", mail("<p>One</p><p>Two &amp; three</p>", "text/html"),
          own="One\n\nTwo & three"),
    Shape("an empty text beside HTML", mail(*multi("alternative", part("\r\n"), part("<p>Hello</p>",
          "text/html"))), own="Hello"),
    Shape("a text that only says that there is HTML", mail(*multi("alternative",
          part("This mail needs HTML."), part("<p>" + "My card was declined at the till. " * 5 +
          "</p>", "text/html"))), holds=("declined",), lacks=("needs HTML",)),
    Shape("HTML without an end", mail("<html><body><p>Hello<div><b>all", "text/html"),
          own="Hello\nall"),
    Shape("HTML with a table", mail("<table><tr><td>Order</td><td>O1</td></tr><tr><td>Sum</td><td>5"
          "</td></tr></table>", "text/html"), own="Order O1\nSum 5"),
    Shape("HTML with a list", mail("<ul><li>One<li>Two</ul>", "text/html"), own="- One\n- Two"),
    Shape("HTML with links", mail('<a href="https://a.example/x">here</a> <a href="https://b.example">'
          "https://b.example</a>", "text/html"), own="here (https://a.example/x) https://b.example"),
    Shape("HTML with hidden words", mail('<p>Seen</p><div style="display:none">Hidden</div><span '
          'style="font-size:0px">Tiny</span>', "text/html"), own="Seen", lacks=("Hidden", "Tiny")),
    Shape("HTML with scripts", mail("<style>p{}</style><script>alert('x')</script><p>Hello</p>"
          "<!-- a note -->", "text/html"), own="Hello"),
    Shape("HTML of lines", mail("<div>One</div><div><br></div><div>Two</div>", "text/html"),
          own="One\n\nTwo"),
    Shape("preformatted HTML", mail("<pre>a\n  b\n</pre>", "text/html"), own="a\n  b"),
    Shape("HTML in another type's clothes", mail("a < b and b > c"), own="a < b and b > c"),
    Shape("enriched text", mail(*multi("alternative", part("<bold>Hello</bold>", "text/enriched"))),
          holds=("Hello",)),
    Shape("a watch's HTML", mail(*multi("alternative", part("Hi"), part("<b>Hi</b>",
          "text/watch-html"), part("<p>Hi</p>", "text/html"))), own="Hi", files=()),
    Shape("an invitation", mail(*multi("alternative", part("Please come."), part(INVITATION,
          "text/calendar; method=REQUEST; charset=utf-8"))), own="Please come.",
          files=("invitation.ics",)),
    Shape("nothing but an invitation", mail(INVITATION, "text/calendar; method=REQUEST"),
          holds=("Talk about the card", "Room 5, Berlin")),
    Shape("a card of addresses", _mixed(part("Hi"), part("BEGIN:VCARD\r\nEND:VCARD", "text/vcard",
          None, 'attachment; filename="anna.vcf"')), own="Hi", files=("anna.vcf",)),
    Shape("S/MIME, signed", mail(*multi('signed; protocol="application/pkcs7-signature"', part("Hi"),
          part(b"\x30\x80", "application/pkcs7-signature; name=smime.p7s", "base64"))), own="Hi",
          files=(), remarks=("signed",)),
    Shape("S/MIME, sealed", mail(base64.encodebytes(b"\x30\x80abc"),
          'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"', "base64"),
          own="", files=("smime.p7m",), remarks=("encrypted",)),
    Shape("PGP, signed", mail(*multi("signed", part("Hi"), part("-----BEGIN PGP SIGNATURE-----",
          "application/pgp-signature"))), own="Hi", remarks=("signed",)),
    Shape("PGP, sealed", mail(*multi("encrypted", part("Version: 1", "application/pgp-encrypted"),
          part("-----BEGIN PGP MESSAGE-----", 'application/octet-stream; name="encrypted.asc"'))),
          files=("file.bin", "encrypted.asc"), remarks=("encrypted",)),
    Shape("Outlook's winmail.dat", _mixed(part("Hi"), part(b"\x78\x9f\x3e\x22", "application/ms-tnef;"
          ' name="winmail.dat"', "base64")), own="Hi", files=("winmail.dat",)),
    Shape("nothing but winmail.dat", mail(base64.encodebytes(b"\x78\x9f\x3e\x22"),
          "application/ms-tnef", "base64"), own="", files=("winmail.dat",)),
    Shape("no body", mail(""), own="", files=()),
    Shape("no body and no type", mail("", None), own=""),
    Shape("no empty line", b"From: anna@example.com\r\nSubject: Hi", own="", subject="Hi"),
    Shape("no header", b"\r\nHello there", own="Hello there", automatic="no sender"),
    Shape("nothing", b"", own="", automatic="no sender"),
    Shape("a mail within a mail", _mixed(part("See there."), part(mail("Inner words.",
          Subject="Bill"), "message/rfc822")), own="See there.",
          holds=("Inner words.", "Subject: Bill"), files=("mail.eml",)),
    Shape("a mail within a mail, with a file", _mixed(part("See there."), part(_mixed(part("Inner."),
          _file('filename="bill.pdf"')).replace(b"b1", b"c1"), "message/rfc822")),
          holds=("Inner.",), files=("bill.pdf", "mail.eml")),
    Shape("passed on five times", _forwarded(5), own="Passed on 4.",
          holds=("Passed on 1.", "The first mail.")),
    Shape("passed on forty times", _forwarded(40), own="Passed on 39.", holds=("Passed on 25.",)),
    Shape("a digest", mail(*multi("digest", b"\r\nFrom: a@a.example\r\n\r\nOne",
          b"\r\nFrom: b@b.example\r\n\r\nTwo")), holds=("One", "Two")),
    Shape("forty levels deep", _deep(40), own="At the bottom."),
    Shape("a hundred levels deep", _deep(100), files=("mail.eml",)),
    Shape("four hundred levels deep", _deep(400), files=("mail.eml",)),
    Shape("two thousand levels deep", _deep(2000), holds=("At the bottom.",),
          remarks=("unreadable",)),
    Shape("no last boundary", mail(*multi("mixed", part("Hello"), ends=False)), own="Hello"),
    Shape("a boundary that is not there", mail("Hello all", 'multipart/mixed; boundary="other"'),
          own="Hello all"),
    Shape("no boundary told", mail("Hello all", "multipart/mixed"), own="Hello all"),
    Shape("an empty boundary", mail("Hello all", 'multipart/mixed; boundary=""'), own="Hello all"),
    Shape("the boundary of the inner part again", mail(*multi("mixed", within("mixed", part("Hello"),
          boundary="b1"))), holds=("Hello",)),
    Shape("a part without a header", mail(b"--b1\r\n\r\nHello\r\n--b1--", "multipart/mixed; boundary=b1"),
          own="Hello"),
    Shape("a thousand parts", _mixed(part("Hello"), *[part("x")] * 1000), holds=("Hello",)),
    Shape("a type that is none", mail("Hello", "text"), own="Hello"),
    Shape("a type that nobody knows", mail("Hello", "foo/bar"), own="", files=("file.bin",)),
    Shape("a type told twice", mail("Hello", "text/plain\r\nContent-Type: text/html"), own="Hello"),
    Shape("a line of a megabyte", mail("x" * 1_000_000), holds=("x" * 1000,)),
    Shape("from a mailbox file", b"From anna Tue Feb  3\n" + mail("Hello").replace(b"\r\n", b"\n"),
          own="Hello", sender="anna@example.com"),
]  # fmt: skip
