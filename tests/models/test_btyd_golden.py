"""Published numbers, to the digits that were published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from holdfast.bench.btyd_data import Cdnow
from holdfast.models.btyd.bgbb import BgBb
from holdfast.models.btyd.choose import choose_purchase_model
from holdfast.models.btyd.erlang import BgNbd, MbgNbd, Nbd
from holdfast.models.btyd.gamma_gamma import GammaGamma
from holdfast.models.btyd.pareto import ParetoNbd
from holdfast.models.btyd.summary import PurchaseSummary
from holdfast.models.btyd.track import actual, cumulative

#: Fader, Hardie & Shang (2010), table 1: donors by repeat donations and the year of the last, of six years.
DONORS = (
    (6, 6, 1203), (5, 6, 728), (4, 6, 512), (3, 6, 357), (2, 6, 234), (1, 6, 129), (5, 5, 335), (4, 5, 284),
    (3, 5, 225), (2, 5, 173), (1, 5, 119), (4, 4, 240), (3, 4, 181), (2, 4, 155), (1, 4, 78), (3, 3, 322),
    (2, 3, 255), (1, 3, 129), (2, 2, 613), (1, 2, 277), (1, 1, 1091), (0, 0, 3464),
)  # fmt: skip


def test_bg_bb_on_the_donors_of_fader_hardie_and_shang_2010():
    x, t_x, count = np.array(DONORS).T
    assert count.sum() == 11_104
    x, t_x = np.repeat(x, count), np.repeat(t_x, count)
    summary = PurchaseSummary.of(x, t_x, np.full(len(x), 6.0), unit_days=365, opportunities=True)
    fit = BgBb().fit(summary)
    assert np.round(list(fit.parameters.values()), 3).tolist() == [1.204, 0.750, 0.657, 2.783]
    assert fit.log_likelihood == pytest.approx(-33225.6, abs=0.05)


@pytest.mark.real_data
class TestCdnow:
    """CDNOW, 1/10 sample, 39 weeks to learn from and 39 to be judged by."""

    @pytest.fixture
    def cdnow(self, real_data: Path) -> Cdnow:
        return Cdnow.read(real_data / "cdnow" / "CDNOW_sample.txt")

    @pytest.mark.parametrize(
        ("model", "parameters", "log_likelihood"),
        [
            (BgNbd(), [0.243, 4.414, 0.793, 2.426], -9582.4),  # Fader, Hardie & Lee 2005, table 2
            (ParetoNbd(), [0.553, 10.578, 0.606, 11.669], -9595.0),  # the same
            (MbgNbd(), [0.525, 6.183, 0.891, 1.614], -9582.1),
        ],
    )
    def test_parameters_and_likelihood(self, cdnow, model, parameters, log_likelihood):
        fit = model.fit(cdnow.summary())
        assert np.round(list(fit.parameters.values()), 3).tolist() == parameters
        assert fit.log_likelihood == pytest.approx(log_likelihood, abs=0.05)

    def test_order_values(self, cdnow):
        fit = GammaGamma().fit(*cdnow.values())  # Fader & Hardie 2013
        assert np.round(list(fit.parameters.values()), 2).tolist() == [6.25, 3.74, 15.44]
        assert fit.customers == 946
        assert fit.log_likelihood == pytest.approx(-4055.9, abs=0.05)
        assert fit.correlation == pytest.approx(0.11, abs=0.005)

    @pytest.mark.parametrize(("model", "within"), [(BgNbd(), 0.042), (ParetoNbd(), 0.017)])
    def test_tracking_to_week_78(self, cdnow, model, within):
        fit = model.fit(cdnow.summary())
        week_78 = cdnow.weeks(78)[-1:]
        assert actual(cdnow.who, cdnow.when, week_78).tolist() == [4339]
        expected = cumulative(fit, cdnow.born, week_78)[0]
        assert abs(expected / 4339 - 1) <= within

    def test_dropout_is_identified(self, cdnow):
        choice = choose_purchase_model(cdnow.summary())
        assert choice.dropout.identified
        assert choice.alive is not None
        assert Nbd().fit(cdnow.summary()).log_likelihood < choice.fit.log_likelihood - 150
