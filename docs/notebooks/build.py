"""Write and execute `first_steps.ipynb`, so that what it shows is what the code does.

python docs/notebooks/build.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NOTEBOOK = HERE / "first_steps.ipynb"

CELLS: tuple[tuple[str, str], ...] = (
    (
        "markdown",
        "# First steps\n\nA synthetic shop whose truth is known, its features, a forecast, and how good the forecast is.\n"
        "This notebook is written and executed by `docs/notebooks/build.py`; the tests execute it again.",
    ),
    (
        "code",
        "import holdfast as hf\n"
        "from holdfast.synth.raw import raw_table\n"
        "from holdfast.synth.world import World, make\n\n"
        "made = make(World(customers=500, days=400))\n"
        "events = raw_table(made, 'events')\n"
        "events.num_rows, events.column_names[:6]",
    ),
    (
        "markdown",
        "## A shop\n\nA shop is a folder. `add` takes data frames (pandas, Polars, Arrow), files and database URLs. "
        "The same rows again add nothing.",
    ),
    (
        "code",
        "shop = hf.Shop.create('shop', zone=made.world.zone, currency=made.world.currency)\n"
        "first, = shop.add(events)\n"
        "again, = shop.add(events)\n"
        "first.sentence(), again.sentence()",
    ),
    (
        "markdown",
        "## Features\n\nOne row per customer of the population: what was known strictly before the cutoff. "
        "Every column knows its unit, its window and what missing means.",
    ),
    (
        "code",
        "table = shop.features(cutoff='2024-12-01')\n"
        "names = ['customer_id', 'days_since_last_order', 'gap_days_shrunken', 'order_count_90d']\n"
        "table.to_pandas()[names].head()",
    ),
    (
        "code",
        "for column in table.columns[:5]:\n    print(column.name, '|', column.unit, '|', column.missing, '|', column.sentence.en)",
    ),
    (
        "markdown",
        "## The truth\n\nNo real shop has this: the exact probability that a customer stays away, and the best that anybody "
        "could say from the events.",
    ),
    (
        "code",
        "cutoff, horizon = hf.Cutoff.parse('2024-12-01', made.world.zone), hf.Horizon.parse('30d')\n"
        "truth = made.true_p_churn(cutoff, horizon, knows='events').to_pandas().set_index('customer_id').p_churn\n"
        "truth.describe().round(3)",
    ),
    (
        "markdown",
        "Which features know most of that? Rank correlations with the truth, strongest first. Silence and recent orders lead; "
        "a model combines them.",
    ),
    (
        "code",
        "frame = table.to_pandas().set_index('customer_id').drop(columns='cutoff')\n"
        "frame = frame.loc[:, frame.nunique() > 1]\n"
        "found = frame.corrwith(truth.reindex(frame.index), method='spearman').dropna()\n"
        "found.sort_values(key=abs, ascending=False, kind='stable').head(10).round(2)",
    ),
)


def notebook() -> Any:
    """The cells as a notebook, not executed; ids are their numbers, so that the file changes only where the text does."""
    import nbformat

    made = nbformat.v4.new_notebook()
    make = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    made.cells = [make[kind](text, id=f"cell-{number}") for number, (kind, text) in enumerate(CELLS)]
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


def executed(folder: Path) -> Any:
    """The notebook run from an empty folder; raises where a cell fails."""
    from nbclient import NotebookClient

    made = notebook()
    NotebookClient(made, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # times of day, which differ every time
    return made


def main() -> None:
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(executed(Path(folder)), NOTEBOOK)
    sys.stdout.write(f"written: {NOTEBOOK.name}\n")


if __name__ == "__main__":
    main()
