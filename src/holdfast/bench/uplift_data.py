"""The MineThatData e-mail experiment (Hillstrom 2008): 64,000 customers in three random arms, followed for two weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.bench.shops import data_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "hillstrom/hillstrom.csv.gz"
#: Arms as the file calls them; nothing first. The names are those of the policies.
ARMS = {"No E-Mail": "nothing", "Mens E-Mail": "mens_mail", "Womens E-Mail": "womens_mail"}
OUTCOMES = ("visit", "conversion", "spend")
_NUMBERS = ("recency", "history", "mens", "womens", "newbie")
_KINDS = ("zip_code", "channel")


@dataclass(frozen=True, eq=False)
class MailTrial:
    """`X` customers x columns known before the mail; `arm` 0 = nothing; outcomes by name, `spend` in dollars."""

    X: NDArray[np.float64]
    arm: NDArray[np.int64]
    outcomes: dict[str, NDArray[np.float64]]

    def only(self, arm: int) -> MailTrial:
        """Customers who got this arm or nothing, as a trial of two arms."""
        mine = (self.arm == 0) | (self.arm == arm)
        return MailTrial(
            self.X[mine], (self.arm[mine] > 0).astype("int64"), {k: y[mine] for k, y in self.outcomes.items()}
        )


def hillstrom() -> MailTrial:
    """All rows: 6,562 look like repeats of others and are customers all the same. Propensities are 1/3."""
    import numpy as np
    from pyarrow import csv

    table = csv.read_csv(data_file(FILE))
    columns = [np.asarray(table[one].to_numpy(), np.float64) for one in _NUMBERS]
    for one in _KINDS:
        values = np.asarray(table[one].to_pylist())
        columns += [(values == kind).astype(np.float64) for kind in sorted(set(values.tolist()))]
    called = list(ARMS)
    arm = np.array([called.index(one) for one in table["segment"].to_pylist()], np.int64)
    outcomes = {one: np.asarray(table[one].to_numpy(), np.float64) for one in OUTCOMES}
    return MailTrial(np.column_stack(columns), arm, outcomes)
