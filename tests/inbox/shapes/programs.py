"""What programs send by themselves, and what mail servers say of mails that did not arrive."""

from __future__ import annotations

from tests.inbox.shapes import Shape, mail, multi, part

OURS = "<4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b@desk.example>"
OUR_ID = OURS.strip("<>")
_COPY = f"From: desk@desk.example\r\nTo: bob@x.example\r\nMessage-ID: {OURS}\r\n\r\nHello"


def _status(*blocks: str, kind: str = "message/delivery-status") -> bytes:
    return part("Reporting-MTA: dns; mx.example\r\n\r\n" + "\r\n\r\n".join(blocks), kind)


def _report(status: bytes, copy: bytes | None = None, **fields: str | None) -> bytes:
    told = part("Your mail could not be delivered.")
    parts = (told, status, copy or part(_COPY, "message/rfc822"))
    told_by: dict[str, str | None] = {"From": "MAILER-DAEMON@mx.example", "Return_Path": "<>"}
    body, kind = multi("report; report-type=delivery-status", *parts)
    return mail(body, kind, None, **told_by | fields)


_FAILED = "Final-Recipient: rfc822; bob@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n" + (
    "Diagnostic-Code: smtp; 550 5.1.1 no such user"
)

SHAPES = [
    *(
        Shape(f"automatic: {name}", mail("I am away.", **fields), automatic=why)
        for name, fields, why in [
            ("RFC 3834", {"Auto_Submitted": "auto-replied"}, "auto-submitted"),
            ("generated", {"Auto_Submitted": "auto-generated; owner=x"}, "auto-submitted"),
            ("a person says no", {"Auto_Submitted": "no"}, None),
            ("bulk", {"Precedence": "Bulk"}, "precedence"),
            ("junk", {"Precedence": "junk"}, "precedence"),
            ("a list by precedence", {"Precedence": "list"}, "precedence"),
            ("first class", {"Precedence": "first-class"}, None),
            ("a list", {"List_Id": "<talk.example.com>"}, "list"),
            ("a newsletter", {"List_Unsubscribe": "<mailto:x@y.example>"}, "list"),
            ("Exchange", {"X_Auto_Response_Suppress": "All"}, "x-auto-response-suppress"),
            ("Exchange, OOF", {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"},
             "x-auto-response-suppress"),
            ("Exchange, none", {"X_Auto_Response_Suppress": "None"}, None),
            ("cPanel", {"X_Autorespond": "Re: x"}, "program"),
            ("old responders", {"X_Autoreply": "yes"}, "program"),
            ("a loop mark", {"X_Loop": "x@y.example"}, "program"),
            ("nobody's return path", {"Return_Path": "<>"}, "null sender"),
            ("a usual return path", {"Return_Path": "<anna@example.com>"}, None),
            ("no-reply", {"From": "Shop <no-reply@shop.example>"}, "nobody's address"),
            ("no-reply with a tag", {"From": "noreply+x1@shop.example"}, "nobody's address"),
            ("a postmaster", {"From": "MAILER-DAEMON@mx.example"}, "nobody's address"),
        ]
    ),
    Shape("bounce: RFC 3464", _report(_status(_FAILED)), automatic="null sender",
          failures=(("bob@x.example", "failed"),), about=OUR_ID),
    Shape("bounce: of several", _report(_status(_FAILED, _FAILED.replace("bob", "eve"))),
          automatic="null sender", failures=(("bob@x.example", "failed"), ("eve@x.example", "failed"))),
    Shape("bounce: delayed", _report(_status(_FAILED.replace("failed", "delayed"))),
          automatic="null sender", failures=(("bob@x.example", "delayed"),)),
    Shape("bounce: delivered", _report(_status(_FAILED.replace("failed", "delivered"))),
          automatic="null sender", failures=(("bob@x.example", "delivered"),)),
    Shape("bounce: only the header came back", _report(_status(_FAILED), part(_COPY,
          "text/rfc822-headers")), automatic="null sender", failures=(("bob@x.example", "failed"),),
          about=OUR_ID),
    Shape("bounce: no copy", _report(_status(_FAILED), part("nothing"), In_Reply_To=OURS),
          automatic="null sender", failures=(("bob@x.example", "failed"),), about=OUR_ID),
    Shape("bounce: Exchange, without a type of report", mail(*multi("mixed", part("Delivery failed"),
          _status(_FAILED), part(_COPY, "message/rfc822")), From="postmaster@x.example"),
          failures=(("bob@x.example", "failed"),), about=OUR_ID),
    Shape("bounce: only the original recipient is told",
          _report(_status(_FAILED.replace("Final", "Original"))), automatic="null sender",
          failures=(("bob@x.example", "failed"),)),
    Shape("bounce: folded, in capitals", _report(_status(
          "FINAL-RECIPIENT: RFC822;\r\n bob@x.example\r\nACTION: Failed\r\nSTATUS: 5.0.0")),
          automatic="null sender", failures=(("bob@x.example", "failed"),)),
    Shape("bounce: Exim", mail(f"This message was created automatically.\n\n bob@x.example\n   550 no\n"
          f"\n------ This is a copy ------\n\nMessage-ID: {OURS}\nFrom: x\n",
          X_Failed_Recipients="bob@x.example", Return_Path="<>"), automatic="program",
          failures=(("bob@x.example", "failed"),), about=OUR_ID),
    Shape("bounce: an action that is none", _report(_status(_FAILED.replace("failed", "eaten"))),
          automatic="null sender"),
    Shape("no bounce: a receipt", mail(*multi("report; report-type=disposition-notification",
          part("It was read."), part("Disposition: manual-action/MDN-sent-manually; displayed",
          "message/disposition-notification"))), automatic=None),
    Shape("no bounce: a customer asks about one", mail("I got: Final-Recipient: bob@x.example. "
          "Action: failed. What is that?")),
]  # fmt: skip
