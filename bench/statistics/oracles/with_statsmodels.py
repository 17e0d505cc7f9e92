"""Clustered errors, Wilson and exact bounds by statsmodels: `python bench/statistics/oracles/with_statsmodels.py > tests/golden/statistics/statsmodels.json`.

Run it in an environment with statsmodels alone; it needs nothing of this project but the cases beside it.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import statsmodels
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

sys.path.insert(0, str(Path(__file__).parent))
from cases import cases  # type: ignore[import-not-found]  # beside this script


def main() -> None:
    """Print the numbers with the versions that made them."""
    done = []
    for case in cases():
        values, clusters = np.array(case["values"]), np.array(case["clusters"])
        model = sm.OLS(values, np.ones_like(values))

        def error(*, correction: bool, model: sm.OLS = model, clusters: np.ndarray = clusters) -> float:
            fitted = model.fit(cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": correction, "df_correction": False})
            return float(fitted.bse[0])

        # For a mean (one parameter) statsmodels' G/(G-1) * (N-1)/(N-k) is G/(G-1): both names of ours are held against it.
        done.append(case | {
            "factors": {"none": error(correction=False), "clusters": error(correction=True), "clusters_and_values": error(correction=True)},
            "wilson": [float(end) for end in proportion_confint(values.sum(), len(values), method="wilson")],
            "exact": [float(end) for end in proportion_confint(values.sum(), len(values), method="beta")],
        })
    json.dump({"made_with": {"statsmodels": statsmodels.__version__, "numpy": np.__version__, "python": platform.python_version()}, "cases": done}, sys.stdout)


if __name__ == "__main__":
    main()
