"""Consent as it was given: by purpose and channel, in JSON. A refusal that applies wins over a consent that applies.

{"mail": true}                       by channel, for every purpose
{"marketing": {"mail": true}}        by purpose and channel
{"marketing": false}                 by purpose, on every channel
{"mail": {"marketing": false}}       the same the other way round
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: Codes of the answers.
REFUSED, UNKNOWN, GRANTED = -1, 0, 1


def consent(stated: Mapping[str, Any], purpose: str, channel: str) -> bool | None:
    """Whether the customer agreed; None where nothing on record speaks of it.

    Only a plain `true` is a yes. `null` says nothing; anything else that is not `true` is a no.

    >>> consent({"mail": True}, "marketing", "mail"), consent({"marketing": {"sms": True}}, "marketing", "mail")
    (True, None)
    >>> consent({"mail": True, "marketing": False}, "marketing", "mail")
    False
    """
    answers = []
    for outer, inner in ((purpose, channel), (channel, purpose)):
        value = stated.get(outer)
        value = value.get(inner) if isinstance(value, Mapping) else value
        if value is not None:
            answers.append(value is True)
    return all(answers) if answers else None


def read(text: str | None) -> Mapping[str, Any]:
    """What a `consents` cell states; {} where it is empty or no JSON object."""
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def consent_all(texts: pa.Array, purpose: str, channel: str) -> NDArray[np.int8]:
    """REFUSED, UNKNOWN or GRANTED for every cell; each distinct text is read once.

    >>> consent_all(pa.array(['{"mail": true}', None, '{"mail": false}']), "marketing", "mail").tolist()
    [1, 0, -1]
    """
    if not len(texts):
        return np.zeros(0, np.int8)
    coded = texts.dictionary_encode()
    answers = [consent(read(one), purpose, channel) for one in coded.dictionary.to_pylist()]
    codes = np.array([*(UNKNOWN if a is None else GRANTED if a else REFUSED for a in answers), UNKNOWN], np.int8)
    indices = coded.indices.fill_null(len(answers)).to_numpy(zero_copy_only=False)
    return np.asarray(codes[indices])
