"""Published figures: remission of leukaemia (Freireich et al. 1963; Gehan 1965), weeks on 6-MP and on placebo."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.models.survival.cox import fit_cox
from holdfast.models.survival.kaplan_meier import kaplan_meier, nelson_aalen, standard_errors
from holdfast.models.survival.parametric import fit_parametric

TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
WEEKS = np.array(TREATED + PLACEBO, float)
EVENT = np.array(RELAPSED + [1] * 21, bool)
ON_PLACEBO = np.r_[np.zeros(21), np.ones(21)][:, None]


def test_kaplan_meier_of_the_treated():
    """Kleinbaum & Klein, Survival Analysis, table 2.1 and section 2.IV; Greenwood's errors: Cox & Oakes 1984."""
    curve = kaplan_meier(np.array(TREATED, float), np.array(RELAPSED, bool))
    assert curve.day.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.value == pytest.approx([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], abs=5e-5)
    errors = standard_errors(np.array(TREATED, float), np.array(RELAPSED, bool))
    assert errors == pytest.approx([0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], abs=5e-5)
    assert curve.median() == 23
    assert kaplan_meier(np.array(PLACEBO, float), np.ones(21, bool)).median() == 8
    # R: survfit(..., conf.type = "log-log")
    assert curve.at(6)[1:] == pytest.approx((0.620, 0.952), abs=6e-4)
    assert curve.at(23)[1:] == pytest.approx((0.188, 0.680), abs=6e-4)


def test_nelson_aalen_of_the_treated():
    found = nelson_aalen(np.array(TREATED, float), np.array(RELAPSED, bool))
    by_hand = np.cumsum([3 / 21, 1 / 17, 1 / 15, 1 / 12, 1 / 11, 1 / 7, 1 / 6])
    assert found.value == pytest.approx(by_hand)


@pytest.mark.parametrize(("ties", "coefficient", "error"), [("efron", 1.5721, 0.4124), ("breslow", 1.5092, 0.4096)])
def test_cox_of_both_arms(ties, coefficient, error):
    """As SAS PROC PHREG and R coxph give it."""
    fit = fit_cox(ON_PLACEBO, WEEKS, EVENT, ties=ties)
    assert fit.coefficients[0] == pytest.approx(coefficient, abs=5e-5)
    assert fit.standard_errors[0] == pytest.approx(error, abs=5e-5)


def test_parametric_families_of_both_arms():
    """Venables & Ripley, Modern Applied Statistics with S, section 13.2 (survreg)."""
    treated = 1 - ON_PLACEBO
    plain = fit_parametric("exponential", WEEKS, EVENT, covariates=treated)
    assert plain.theta == pytest.approx([np.log(182 / 21), 1.5266], abs=5e-4)
    assert plain.standard_errors[1] == pytest.approx(0.398, abs=5e-4)
    assert plain.log_likelihood == pytest.approx(-108.5, abs=0.05)
    weibull = fit_parametric("weibull", WEEKS, EVENT, covariates=ON_PLACEBO)
    assert weibull.theta == pytest.approx([3.516, -1.267, 0.312], abs=6e-4)
    assert weibull.standard_errors == pytest.approx([0.252, 0.311, 0.147], abs=6e-4)
    assert weibull.log_likelihood == pytest.approx(-106.6, abs=0.05)
    assert fit_parametric("weibull", WEEKS, EVENT).log_likelihood == pytest.approx(-116.4, abs=0.05)
