"""`channels.toml` is read strictly, and no secret stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.core.errors import ConfigError
from holdfast.deliver.audience import AudienceFiles
from holdfast.deliver.channels import load
from holdfast.deliver.smtp import Smtp
from holdfast.deliver.webhook import Webhook
from holdfast.deliver.writeback import WriteBack

GOOD = """
[mail]
kind = "smtp"
host = "relay.example"
sender = "Shop <news@shop.example>"
user = "news"
password_env = "SHOP_MAIL"
timeout_seconds = 5
transactional = ["transactional", "receipt"]

[push]
kind = "webhook"
url = "https://shop.example/hook"
secret_env = "SHOP_HOOK"

[crm]
kind = "sql"
url_env = "SHOP_CRM"

[phone]
kind = "file"
folder = "calls"
format = "parquet"
"""


def read(folder: Path, text: str) -> dict[str, object]:
    (folder / "channels.toml").write_text(text, encoding="utf-8")
    return dict(load(folder / "channels.toml"))


def test_every_kind(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found["mail"] == Smtp("mail", "relay.example", "Shop <news@shop.example>", user="news", password_env="SHOP_MAIL",  # noqa: S106 - a variable's name
                                 timeout_seconds=5.0, transactional=("transactional", "receipt"))  # fmt: skip
    assert found["push"] == Webhook("push", "https://shop.example/hook", "SHOP_HOOK")
    assert found["crm"] == WriteBack("crm", "SHOP_CRM")
    assert found["phone"] == AudienceFiles("phone", str(tmp_path / "calls"), "parquet")
    assert load(tmp_path / "none.toml") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[mail]\nkind = "smpt"', "did you mean 'smtp'"),
        ('[mail]\nkind = "smtp"\nhots = "x"', "did you mean 'host'"),
        ('[mail]\nkind = "smtp"\nhost = "x"', "'sender' is missing"),
        ('[mail]\nkind = "smtp"\nhost = "x"\nsender = "a@x.example"\nport = "587"', "port must be a int"),
        ('[mail]\nkind = "smtp"\nhost = "x"\nsender = "a@x.example"\nsecurity = "none"', "unencrypted"),
        ('[push]\nkind = "webhook"\nurl = "https://x.example"\nsecret_env = "whsec_MfKQ9r8GKYqrT+Zo2="', "the name of an environment variable"),
        ('[push]\nkind = "webhook"\nurl = "http://x.example"\nsecret_env = "S"', "unencrypted"),
        ('[push]\nkind = "webhook"\nurl = "https://x.example"\nsecret_env = "S"\npost = "x"', "unknown key 'post'"),
        ('[crm]\nkind = "sql"\nurl_env = "postgresql://ann:pa55@h/d"', "the name of an environment variable"),
        ('[phone]\nkind = "file"\nfolder = "x"\nformat = "xls"', "one of: csv, parquet"),
        ('[all]\nkind = "file"\nfolder = "x"', "is not a channel"),
        ("mail = 1", "is not a channel"),
        ("[mail", "not valid TOML"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_where_it_stands(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert "channels.toml" in str(error.value)
    assert "pa55" not in str(error.value)
    assert "whsec_" not in str(error.value)
