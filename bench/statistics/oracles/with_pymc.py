"""The model of families and items by PyMC: `python bench/statistics/oracles/with_pymc.py > tests/golden/statistics/pymc.json`.

Run it in an environment with PyMC (it takes minutes and 500 MB); it needs nothing of this project. Priors as `glmm.posterior` has them.
"""

import json
import platform
import sys

import arviz
import numpy as np
import pymc

_CASES = (
    # name, families, items, epochs, mu, sigma of families, sigma of items, seed
    ("middle", 40, 5, 3, 0.0, 1.0, 0.8, 1), ("hard", 40, 5, 3, -1.2, 1.5, 1.0, 2), ("many epochs", 24, 4, 8, 0.5, 0.7, 1.2, 3),
)


def main() -> None:
    """Print outcomes, posterior means and deviations with the versions that made them."""
    cases = []
    for name, families, items, epochs, mu, outer, inner, seed in _CASES:
        rng = np.random.default_rng(seed)
        family = np.repeat(np.arange(families), items)
        logit = mu + outer * rng.standard_normal(families)[family] + inner * rng.standard_normal(families * items)
        solved = rng.binomial(epochs, 1 / (1 + np.exp(-logit)))
        with pymc.Model():
            at = pymc.Normal("mu", 0, 1.5)
            of_families, of_items = pymc.HalfNormal("sigma_family", 1.5), pymc.HalfNormal("sigma_item", 1.5)
            eta = at + of_families * pymc.Normal("f", 0, 1, shape=families)[family] + of_items * pymc.Normal("i", 0, 1, shape=families * items)
            pymc.Binomial("solved", n=epochs, logit_p=eta, observed=solved)
            trace = pymc.sample(4000, tune=2000, chains=4, cores=1, random_seed=seed, target_accept=0.97, progressbar=False, compute_convergence_checks=False)
        draws = {key: trace.posterior[key].to_numpy().reshape(-1) for key in ("mu", "sigma_family", "sigma_item")}
        nodes, weights = np.polynomial.hermite_e.hermegauss(49)
        spread = np.hypot(draws["sigma_family"], draws["sigma_item"])
        draws["accuracy"] = (1 / (1 + np.exp(-(draws["mu"][:, None] + spread[:, None] * nodes)))) @ (weights / weights.sum())
        cases.append({
            "name": name, "family": family.tolist(), "solved": solved.tolist(), "epochs": epochs,
            "posterior": {key: {"mean": float(values.mean()), "sd": float(values.std(ddof=1))} for key, values in draws.items()},
            "r_hat_most": float(max(arviz.rhat(trace, var_names=["mu", "sigma_family", "sigma_item"]).to_array())),
            "ess_least": float(min(arviz.ess(trace, var_names=["mu", "sigma_family", "sigma_item"]).to_array())),
            "divergences": int(trace.sample_stats["diverging"].sum()),
        })
    versions = {"pymc": pymc.__version__, "arviz": arviz.__version__, "numpy": np.__version__, "python": platform.python_version()}
    json.dump({"made_with": versions, "priors": "mu ~ normal(0, 1.5); sigmas ~ half-normal(1.5)", "cases": cases}, sys.stdout)


if __name__ == "__main__":
    main()
