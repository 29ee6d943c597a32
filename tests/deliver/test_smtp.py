"""Letters to a real server that speaks SMTP, encrypted and not; nothing from data reaches a header."""

from __future__ import annotations

import email
import email.policy
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.contact import Message
from holdfast.core.errors import ConfigError, UsageError
from holdfast.deliver.letter import letter, recipient
from holdfast.deliver.recorded import RecordedRelay
from holdfast.deliver.smtp import Smtp

from .conftest import Relay

NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
SENDER = "茶杯店 <news@shop.example>"
LINK = "https://shop.example/u?c=1"


def message(decision: str = "d1", **other: Any) -> Message:
    told = {"address": "ann@x.example", "subject": "Grüße 茶杯", "text": "Hallo\n.\nEnde", "unsubscribe": LINK}
    return Message(decision, "c1", "mail", **{**told, **other})


def smtp(relay: Relay, **other: Any) -> Smtp:
    return Smtp("mail", "127.0.0.1", SENDER, relay.port, "none", clock=lambda: NOW, timeout_seconds=5, **other)


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(
        raw.replace(b"\r\n..", b"\r\n.").replace(b"\r\n", b"\n"), policy=email.policy.default
    )  # type: ignore[return-value]


def test_a_letter_arrives_with_the_ways_out(relay: Relay) -> None:
    found = list(smtp(relay, mailbox="out@shop.example").send([message(html="<p>Hallo</p>"), message("d2", address="bo@x.example")]))  # fmt: skip
    assert [one.state for one in found] == ["sent", "sent"]
    (sender, to, raw, _), (_, also, _, _) = relay.letters
    assert "<news@shop.example>" in sender
    assert (to, also) == (["ann@x.example"], ["bo@x.example"])
    mail = read(raw)
    assert mail["Subject"] == "Grüße 茶杯"
    assert mail["List-Unsubscribe"] == f"<{LINK}>, <mailto:out@shop.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["To"] == "ann@x.example"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content() == "Hallo\n.\nEnde\n"
    assert html.get_content() == "<p>Hallo</p>\n"


def test_the_same_decision_is_the_same_letter(relay: Relay) -> None:
    list(smtp(relay).send([message(), message(), message("d2")]))
    first, second, other = (read(raw)["Message-ID"] for _, _, raw, _ in relay.letters)
    assert first == second != other


def test_what_a_relay_says_decides_what_happens(relay: Relay) -> None:
    relay.rcpt = {"gone@x.example": "550 no such user", "full@x.example": "452 mailbox full"}
    relay.data = ["451 try later", "554 looks like spam", "250 ok"]
    found = list(
        smtp(relay).send(
            [message("1", address="gone@x.example"), message("2", address="full@x.example"), message("3"), message("4"), message("5")]
        )
    )  # fmt: skip
    assert [(one.state, one.reason) for one in found] == [
        ("refused", "recipient: 550"), ("later", "recipient: 452"), ("later", "SMTPDataError 451"),
        ("refused", "SMTPDataError 554"), ("sent", ""),
    ]  # fmt: skip


def test_a_connection_that_breaks_is_opened_again(relay: Relay) -> None:
    relay.drop_after = 1
    found = list(smtp(relay).send([message("1"), message("2")]))
    assert [one.state for one in found] == ["later", "sent"]
    assert found[0].reason.startswith("connection lost")


def test_no_relay_is_a_reason_to_try_again() -> None:
    channel = Smtp("mail", "127.0.0.1", SENDER, 9, "none", timeout_seconds=1)
    assert [one.state for one in channel.send([message("1"), message("2")])] == ["later", "later"]


def test_encrypted_and_logged_in(tls_relay: Relay, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    channel = Smtp("mail", "localhost", SENDER, tls_relay.port, user="ann", password_env="SHOP_MAIL", timeout_seconds=5)  # noqa: S106 - a variable's name
    monkeypatch.setenv("SHOP_MAIL", "open sesame")
    (found,) = channel.send([message()])
    assert (found.state, found.reason) == ("later", "no relay: SSLCertVerificationError")  # nobody vouches for it yet
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    (found,) = channel.send([message()])
    assert found.state == "sent"
    assert tls_relay.letters[0][3]
    assert tls_relay.logins


def test_a_relay_without_encryption_gets_no_letter(relay: Relay) -> None:
    channel = Smtp("mail", "localhost", SENDER, relay.port, "starttls", timeout_seconds=5)
    (found,) = channel.send([message()])
    assert (found.state, found.reason) == ("later", "no relay: SMTPNotSupportedError")
    assert not relay.letters


def test_marketing_that_does_not_say_how_to_leave_is_not_sent() -> None:
    relay = RecordedRelay()
    channel = Smtp("mail", "localhost", SENDER, connect=lambda _: relay.as_relay())
    states = [one.state for one in channel.send([message(unsubscribe=""), message("d2", unsubscribe="", purpose="transactional")])]  # fmt: skip
    assert states == ["refused", "sent"]
    assert "List-Unsubscribe" not in relay.letters[0]


@pytest.mark.parametrize(
    "bad",
    [
        {"subject": "Hi\r\nBcc: all@x.example"}, {"subject": "Hi\nX"}, {"subject": "a\x00b"},
        {"address": "ann@x.example, bo@x.example"}, {"address": "ann@x.example\r\nBcc: bo@x.example"},
        {"address": "Ann <ann@x.example>"}, {"address": ""}, {"address": "ann"}, {"address": "@x.example"}, {"address": "a b@x.example"},
        {"address": "ann@x"}, {"address": "ann@" + "x" * 70 + ".example"},
        {"unsubscribe": "http://shop.example/u"}, {"unsubscribe": "https://shop.example/u>\r\nX: y"}, {"unsubscribe": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_nothing_from_data_adds_a_header_or_a_recipient(bad: dict[str, str]) -> None:
    relay = RecordedRelay()
    (found,) = Smtp("mail", "localhost", SENDER, connect=lambda _: relay.as_relay()).send([message(**bad)])
    assert found.state == "refused"
    assert found.reason
    assert not relay.letters


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_the_subject_there_is_one_recipient_and_no_new_header(subject: str, text: str) -> None:
    try:
        raw = letter(message(subject=subject, text=text), SENDER, NOW).as_bytes()
    except (UsageError, ValueError):
        return
    mail = read(raw)
    assert sorted(set(mail.keys())) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted",
         "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]
    )  # fmt: skip
    assert mail["To"] == "ann@x.example"


def test_failures_of_the_relay_recorded() -> None:
    relay = RecordedRelay([smtplib.SMTPServerDisconnected("x"), smtplib.SMTPSenderRefused(550, b"no", "a"), None])
    found = list(Smtp("mail", "localhost", SENDER, connect=lambda _: relay.as_relay()).send([message(str(i)) for i in range(3)]))  # fmt: skip
    assert [one.state for one in found] == ["later", "later", "sent"]


@pytest.mark.parametrize(
    "bad",
    [{"security": "none", "host": "relay.example"}, {"security": "ssl"}, {"sender": "Shop"}, {"sender": "a@x.example\nB: c"}, {"mailbox": "nobody"}],
)  # fmt: skip
def test_settings_that_would_leak_or_not_work_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        Smtp(**{"name": "mail", "host": "localhost", "sender": SENDER, **bad})


def test_domains_in_other_scripts() -> None:
    assert recipient("ann@例え.example") == "ann@xn--r8jz45g.example"
