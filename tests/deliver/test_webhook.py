"""Signed webhooks: the published example, a real receiver, and what every kind of answer leads to."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.contact import Message
from holdfast.core.errors import ConfigError
from holdfast.deliver.recorded import RecordedPost
from holdfast.deliver.signature import sign, verify
from holdfast.deliver.webhook import Answer, Webhook, header_id

from .conftest import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the published example
OTHER = "whsec_c2VjcmV0IG5vdCBzbyBzZWNyZXQh"
NOW = datetime(2024, 5, 1, 9, tzinfo=UTC)
STAMP = int(NOW.timestamp())


@pytest.fixture(autouse=True)
def secret_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOOK", SECRET)


def test_the_example_of_the_specification() -> None:
    """Standard Webhooks: the reference libraries' own test vector."""
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    body = b'{"test": 2432232314}'
    assert sign([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == wanted
    assert verify([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", f"v1a,zz v1,bad {wanted}", body, 1614265330)
    assert not verify([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", wanted, b'{"test": 2432232315}', 1614265330)  # fmt: skip
    assert not verify([OTHER], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", wanted, body, 1614265330)
    for late in (1614265330 + 301, 1614265330 - 301):
        assert not verify([SECRET], "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", wanted, body, late)


def test_while_a_secret_is_changed_either_one_is_good() -> None:
    both = sign([OTHER, SECRET], "m", STAMP, b"{}")
    assert len(both.split()) == 2
    for known in (SECRET, OTHER):
        assert verify([known], "m", str(STAMP), both, b"{}", STAMP)


@pytest.mark.parametrize("bad", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_not*base64*at*all*here"])  # fmt: skip
def test_a_weak_or_broken_secret_signs_nothing_and_is_not_shown(bad: str) -> None:
    with pytest.raises(ConfigError) as error:
        sign([bad], "m", 1, b"")
    assert not bad or bad not in str(error.value) or bad == "whsec_"


def test_a_real_receiver_gets_what_it_can_verify(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_HOOK", f"{OTHER} {SECRET}")
    hook = Webhook("push", receiver.url, "SHOP_HOOK", clock=lambda: NOW)
    message = Message("d-1", "c1", "push", "news", subject="茶杯", data={"code": "X1"}, due_at=NOW)
    receiver.answers = [(500, {}), (200, {})]
    first, second = (next(iter(hook.send([message]))) for _ in range(2))
    assert (first.state, first.reason, second.state) == ("later", "answered 500", "sent")
    (path, head, body), (_, again, same) = receiver.requests
    assert path == "/hook?shop=1"
    assert body == same
    assert head["webhook-id"] == again["webhook-id"] == "d-1"
    assert verify([SECRET], "d-1", head["webhook-timestamp"], head["webhook-signature"], body, STAMP + 5)
    told = json.loads(body)
    assert (told["type"], told["timestamp"], told["data"]["subject"]) == (
        "message.send",
        "2024-05-01T09:00:00Z",
        "茶杯",
    )


@pytest.mark.parametrize(
    ("status", "headers", "state", "wait"),
    [
        (200, {}, "sent", None), (202, {}, "sent", None), (429, {"retry-after": "120"}, "later", 120.0),
        (503, {"retry-after": "Wed, 01 May 2024 09:01:30 GMT"}, "later", 90.0), (503, {"retry-after": "Wed, 01 May 2024 08:00:00 GMT"}, "later", 0.0),
        (503, {"retry-after": "soon"}, "later", None), (503, {"retry-after": "99999999"}, "later", 86400.0),
        (503, {"retry-after": "-5"}, "later", None),
        (500, {}, "later", None), (404, {}, "later", None), (410, {}, "refused", None),
        (301, {"location": "https://elsewhere.example"}, "refused", None), (307, {}, "refused", None),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, headers: dict[str, str], state: str, wait: float | None) -> None:
    fake = RecordedPost([Answer(status, headers)])
    (found,) = Webhook("push", "https://shop.example/h", "SHOP_HOOK", post=fake, clock=lambda: NOW).send([Message("d1", "c1", "push")])  # fmt: skip
    assert (found.state, found.wait_seconds) == (state, wait)
    assert len(fake.requests) == 1


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(302, {"location": receiver.url})]
    (found,) = Webhook("push", receiver.url, "SHOP_HOOK").send([Message("d1", "c1", "push")])
    assert found.state == "refused"
    assert len(receiver.requests) == 1


def test_silence_and_a_closed_door_are_tried_again(receiver: Receiver) -> None:
    receiver.silent = threading.Event()
    (found,) = Webhook("push", receiver.url, "SHOP_HOOK", timeout_seconds=0.3).send([Message("d1", "c1", "push")])
    assert (found.state, found.reason) == ("later", "no answer: TimeoutError")
    (found,) = Webhook("push", "http://127.0.0.1:9/h", "SHOP_HOOK").send([Message("d1", "c1", "push")])
    assert (found.state, found.reason) == ("later", "no answer: ConnectionRefusedError")


@pytest.mark.parametrize(
    "url",
    ["http://shop.example/h", "ftp://shop.example", "https://", "https://ann:pw@shop.example/", "https://shop.example/\r\nx: y",
     "https://shop.example/a b", "shop.example"],
)  # fmt: skip
def test_where_nothing_is_posted_to(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        Webhook("push", url, "SHOP_HOOK")
    assert "pw" not in str(error.value)
    Webhook("push", "http://shop.internal/h", "SHOP_HOOK", allow_http=True)


def test_without_the_secret_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_HOOK")
    fake = RecordedPost()
    with pytest.raises(ConfigError, match="SHOP_HOOK is not set"):
        list(Webhook("push", "https://shop.example/h", "SHOP_HOOK", post=fake).send([Message("d1", "c1", "push")]))
    assert not fake.requests
    monkeypatch.setenv("SHOP_HOOK", SECRET)
    assert SECRET not in repr(Webhook("push", "https://shop.example/h", "SHOP_HOOK"))


@given(st.text(max_size=300))
def test_any_id_can_stand_in_a_header_and_parts_no_field(text: str) -> None:
    found = header_id(text)
    assert found.isascii()
    assert found.isprintable()
    assert "." not in found
    assert 0 < len(found) <= 200
