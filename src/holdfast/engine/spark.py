"""Spark through Ibis, behind the verbs of `Engine`: one session in UTC, bound to this machine unless told otherwise.

Needs the extra `spark` and Java 17. A master such as `spark://host:7077` moves the work to a cluster.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Any

import ibis
import pyarrow as pa

from holdfast.core.errors import UsageError

_REMEDY = "pip install 'holdfast[spark]' and install Java 17 (JAVA_HOME, or java on the PATH)"


class Spark:
    """A Spark session. Only one lives in a process: a second one shares it.

    Raises `UsageError` where pyspark or Java is absent.
    """

    def __init__(self, *, master: str = "local[*]", memory: str = "2g", partitions: int = 8) -> None:
        try:
            from pyspark.sql import SparkSession
        except ImportError as error:
            raise UsageError("Spark is not installed", remedy=_REMEDY) from error
        if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
            raise UsageError("Spark needs Java", remedy=_REMEDY)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers run this Python, whatever the PATH says
        builder = SparkSession.builder.master(master).appName("holdfast")
        for name, value in _settings(master, memory, partitions).items():
            builder = builder.config(name, value)
        self.session = builder.getOrCreate()
        self.session.sparkContext.setLogLevel("ERROR")
        self.backend = ibis.pyspark.connect(self.session)

    def __enter__(self) -> Spark:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the session: its Java process ends."""
        self.session.stop()

    def memory(self, table: pa.Table) -> Any:
        """A lazy table over an Arrow table held in memory."""
        name = ibis.util.gen_name("memory")
        self.session.createDataFrame(table).createOrReplaceTempView(name)
        return self.backend.table(name)

    def parquet(self, path: str) -> Any:
        """A lazy table over Parquet files."""
        return self.backend.read_parquet(path)

    def frame(self, expression: Any) -> Any:
        """The expression as a Spark data frame, for MLlib."""
        return self.session.sql(self.backend.compile(expression))

    def arrow(self, expression: Any) -> pa.Table:
        """The result of an expression as one Arrow table."""
        return self.frame(expression).toArrow()

    def implicit_als(self, rows: Any, **settings: Any) -> tuple[pa.Table, pa.Table]:
        """MLlib's alternating least squares on (customer, item, weight): (customer factors, item factors) as id, features."""
        from pyspark.ml.recommendation import ALS

        model = ALS(
            userCol="customer",
            itemCol="item",
            ratingCol="weight",
            implicitPrefs=True,
            coldStartStrategy="nan",
            **settings,
        ).fit(self.frame(rows))
        return model.userFactors.toArrow(), model.itemFactors.toArrow()


def _settings(master: str, memory: str, partitions: int) -> dict[str, str]:
    found = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": memory,
    }
    if master.startswith("local"):
        found |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    return found
