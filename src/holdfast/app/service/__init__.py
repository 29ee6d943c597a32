"""What a surface may ask of a shop: one function per command, grouped by file, all of them to be had from here."""

<<<<<<< HEAD
from holdfast.app.service.plan import plan_approve, plan_export, plan_make, plan_review
=======
from holdfast.app.service.alerts import alerts
>>>>>>> warn
from holdfast.app.service.shops import (
    backtest,
    config_check,
    demo,
    doctor,
    drift,
    explain,
    features_list,
    features_show,
    features_sql,
    import_files,
    init,
    quality,
    recommend,
    refuse_shop_options,
    refuse_table_options,
    release_list,
    release_rollback,
    release_verify,
    replay,
    report,
    run,
    run_table,
)

__all__ = [
    "alerts",
    "backtest",
    "config_check",
    "demo",
    "doctor",
    "drift",
    "explain",
    "features_list",
    "features_show",
    "features_sql",
    "import_files",
    "init",
    "plan_approve",
    "plan_export",
    "plan_make",
    "plan_review",
    "quality",
    "recommend",
    "refuse_shop_options",
    "refuse_table_options",
    "release_list",
    "release_rollback",
    "release_verify",
    "replay",
    "report",
    "run",
    "run_table",
]
