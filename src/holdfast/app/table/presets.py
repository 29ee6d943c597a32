"""Tables that are known by their columns, so that `holdfast run DIR --table FILE` needs no further word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.core.text import Text
from holdfast.log.sources.preset import plain


@dataclass(frozen=True)
class TablePreset:
    """What is known beforehand about one kind of table. Options given on the command line win."""

    name: str
    title: Text
    #: A table with all of these columns is of this kind.
    columns: tuple[str, ...]
    label: str
    id: str | None
    positive: str
    protected: tuple[str, ...]
    categories: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()

    def recognises(self, names: Sequence[str]) -> bool:
        return {plain(one) for one in self.columns} <= {plain(one) for one in names}


_STUDENT_NOTE = Text(
    "The columns of the 2nd semester are known only after the first year. To ask earlier, leave them out: "
    "--drop 'Curricular units 2nd*' after the 1st semester, --drop 'Curricular units*' at enrolment.",
    "第二学期的列在第一学年结束后才知道。如需更早预测，请排除它们：第一学期后用 --drop 'Curricular units 2nd*'，"
    "入学时用 --drop 'Curricular units*'。",
)
_LOAN_NOTE = Text(
    "Sex, marital status and age are left out of the forecast on purpose: in most countries a lender may not use them.",
    "性别、婚姻状况和年龄特意不用于预测：在多数国家，放贷机构不得使用它们。",
)
PRESETS: tuple[TablePreset, ...] = (
    TablePreset(
        "ecommerce-churn", Text("E-commerce churn workbook", "电商流失表"),
        ("CustomerID", "Churn", "Tenure", "CashbackAmount", "DaySinceLastOrder", "SatisfactionScore"),
        "Churn", "CustomerID", "1", ("Gender", "MaritalStatus"), ("CityTier",),
    ),
    TablePreset(
        "student-dropout", Text("Students' dropout and success (UCI 697)", "学生退学与学业表现（UCI 697）"),
        ("Target", "Curricular units 1st sem (approved)", "Tuition fees up to date", "Scholarship holder"),
        "Target", None, "Dropout",
        ("Gender", "Age at enrollment", "Nacionality", "International", "Marital status", "Educational special needs"),
        ("Application mode", "Course", "Previous qualification", "Mother's qualification", "Father's qualification",
         "Mother's occupation", "Father's occupation", "Nacionality", "Marital status"),
        (_STUDENT_NOTE,),
    ),
    TablePreset(
        "credit-default", Text("Default of credit-card clients (UCI 350)", "信用卡客户违约（UCI 350）"),
        ("LIMIT_BAL", "PAY_0", "BILL_AMT1", "PAY_AMT1", "default.payment.next.month"),
        "default.payment.next.month", "ID", "1", ("SEX", "AGE", "MARRIAGE"), ("EDUCATION",), (_LOAN_NOTE,),
    ),
)  # fmt: skip


def preset_of(names: Sequence[str]) -> TablePreset | None:
    """The preset that knows these columns, if any.

    >>> preset_of(["a", "b"]) is None
    True
    """
    return next((one for one in PRESETS if one.recognises(names)), None)
