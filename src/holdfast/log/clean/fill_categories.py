"""A missing category read out of the item's title. Off by default, counted, and undone by turning it off."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from holdfast.core.findings import Finding
from holdfast.core.text import Text
from holdfast.log.settings import CleanSettings

NAME = "fill_categories"
_SENTENCE = Text("{rows} items without a category got one from their title.", "{rows}件商品缺少类别，已根据标题补全。")


def fill_categories(items: ir.Table, settings: CleanSettings) -> tuple[ir.Table, tuple[Finding, ...]]:
    """(items, settings) -> (items, findings). Each title speaks for itself alone, so nothing comes from the future."""
    filled, gap = with_categories(items, settings), items.category.isnull()
    before, after = items.count(where=gap), filled.count(where=filled.category.isnull())
    rows = int(before.to_pyarrow().as_py()) - int(after.to_pyarrow().as_py())
    if not rows:
        return filled, ()
    said = Text(_SENTENCE.render("en", rows=f"{rows:,}"), _SENTENCE.render("zh", rows=f"{rows:,}"))
    shown = items.filter(gap, items.title.notnull()).select("item_id", "title").order_by(["item_id", "title"]).limit(3)
    return filled, (Finding(NAME, "filled", rows, 0, said, tuple(shown.to_pyarrow().to_pylist())),)


def with_categories(items: ir.Table, settings: CleanSettings) -> ir.Table:
    """The first declared word that the title holds names the category; with none declared, the title's last word."""
    if not settings.fill_categories:
        return items
    title = items.title.upper()
    if settings.title_words:
        hits = [
            (title.re_search(rf"(^|\W){_quoted(word.upper())}($|\W)"), ibis.literal(path))
            for word, path in settings.title_words.items()
        ]
        guess = ibis.cases(*hits, else_=ibis.null("string"))
    else:
        last = title.re_extract(r"(\w+)\W*$", 1)
        guess = ibis.ifelse(last == "", ibis.null("string"), last)
    return items.mutate(category=items.category.coalesce(guess))


def _quoted(word: str) -> str:
    import re

    return re.escape(word)
