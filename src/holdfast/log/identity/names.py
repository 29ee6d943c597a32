"""The name a source id goes by while it stands alone."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from holdfast.log.settings import IdentitySettings


def bare_sources(sources: Sequence[str], settings: IdentitySettings) -> tuple[str, ...]:
    """Sources whose ids are customer ids as they stand: the shop's first one, and those declared to share its ids.

    The first source keeps its bare ids when a second one comes, so that no customer is renamed by later data.
    """
    shared = tuple(settings.shared_ids)
    return tuple(one for position, one in enumerate(sources) if position == 0 or one in shared or "*" in shared)


def alone(
    source: ir.StringValue, source_id: ir.StringValue, sources: Sequence[str], bare: Sequence[str]
) -> ir.StringValue:
    """customer_id of a source id that no key merges: itself, or `source:id` where it comes from a further source."""
    if set(sources) <= set(bare):
        return source_id
    return ibis.ifelse(source.isin(list(bare)), source_id, source.concat(":", source_id))


def alone_text(source: str, source_id: str, bare: Sequence[str]) -> str:
    """The same for one id.

    >>> alone_text("mail", "17", ["web"])
    'mail:17'
    """
    return source_id if source in bare else f"{source}:{source_id}"
