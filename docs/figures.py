"""Put measured figures into the pages, so that nobody types one.

    holdfast bench churn --data online_retail --json > churn.json
    holdfast quality retail --json > quality.json
    python docs/figures.py churn.json quality.json

A page names what it wants between two comments; everything between them is replaced:

    <!-- figures: churned, 30d, test 2011-11-09 | auc log_loss -->
    <!-- end -->

Before ` | ` stands a regular expression for the `protocol` of the rows; a group in it becomes a
column under the group's name. After it: the metrics; and after another ` | ` the data set, where several share a protocol. `steps` instead of
a protocol asks for the cleaning steps of a `quality.json`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_PLACE = re.compile(r"(<!-- figures: (?P<what>[^\n]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
PAGES = (
    "online-retail.md",
    "prediction.md",
    "speed.md",
    "labelled-tables.md",
    "textbook-case.md",
    "purchase-intent.md",
    "recommendation.md",
    "warning.md",
    "uplift.md",
    "deciding.md",
    "policies.md",
    "measurement.md",
    "story.md",
)


def rows_of(paths: list[Path]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Bench rows and cleaning steps of all files."""
    scores: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    for path in paths:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, list):
            scores += found
        else:
            scores += found.get("scores", [])
            steps += found.get("steps", [])
    return scores, steps


def render(what: str, scores: list[dict[str, Any]], steps: list[dict[str, Any]]) -> str | None:
    """The table that a page asks for; None where the files do not hold it, so that what stood there stays."""
    if what == "steps":
        return _steps(steps) if steps else None
    protocol, wanted, data = (*what.split(" | "), "", "")[:3]
    found = [
        (row, match)
        for row in scores
        if (match := re.fullmatch(protocol, row["protocol"])) and data in ("", row["data"])
    ]
    metrics = wanted.split() or list(dict.fromkeys(row["metric"] for row, _ in found))
    several = len({row["data"] for row, _ in found}) > 1
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    names: list[str] = []
    for row, match in found:
        named = {number: name for name, number in match.re.groupindex.items()}
        names = [named.get(number + 1, "") for number in range(match.re.groups)]
        if row["metric"] in metrics:
            key = (*([row["data"]] if several else []), row["model"], *match.groups(""))
            lines.setdefault(key, {})[row["metric"]] = _cell(row)
    if not lines:
        return None
    head = [*(["data"] if several else []), "model", *names, *metrics]
    body = [[*key, *(cells.get(metric, "") for metric in metrics)] for key, cells in lines.items()]
    return _table([head, *body])


def _cell(row: dict[str, Any]) -> str:
    fine = row["bench"] == "uplift" and 0 < abs(row["value"]) < 0.1  # a visit or an order per head is a small number
    places = 5 if fine else 3 if abs(row["value"]) < 100 else 1 if row["metric"] == "log_likelihood" else 0
    value = f"{row['value']:,.{places}f}"
    if row.get("low") is not None and row.get("high") is not None:
        value += f" [{row['low']:,.{places}f}, {row['high']:,.{places}f}]"
    if row.get("seconds") is not None and row["bench"] == "features":
        value += f", {row['seconds']:.1f} s, {row.get('peak_mb') or 0:,.0f} MB"
    return value


def _steps(steps: list[dict[str, Any]]) -> str:
    body = [["step", "rows left", "money left"]]
    for step in steps:
        title = step.get("title") or step.get("sentence") or step["rule"]
        body.append([str(title), f"{step['rows']:,}", f"{step['amount']:,.2f}"])
    return _table(body)


def _table(lines: list[list[str]]) -> str:
    rule = ["---"] * len(lines[0])
    return "".join("| " + " | ".join(line) + " |\n" for line in [lines[0], rule, *lines[1:]])


def fill(text: str, scores: list[dict[str, Any]], steps: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """The page with its figures, and what the files did not hold."""
    missing: list[str] = []

    def place(found: re.Match[str]) -> str:
        made = render(found["what"], scores, steps)
        if made is None:
            missing.append(found["what"])
            return found[0]
        return f"{found[1]}{made}{found[3]}"

    return _PLACE.sub(place, text), missing


def main(arguments: list[str]) -> int:
    if not arguments:
        sys.stderr.write(__doc__ or "")
        return 2
    scores, steps = rows_of([Path(one) for one in arguments])
    for name in PAGES:
        if (HERE / name).is_file():
            text, missing = fill((HERE / name).read_text(encoding="utf-8"), scores, steps)
            (HERE / name).write_text(text, encoding="utf-8")
            sys.stdout.write("".join(f"docs/{name}: nothing in these files for: {one}\n" for one in missing))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
