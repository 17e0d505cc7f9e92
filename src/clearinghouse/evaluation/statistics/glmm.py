"""A model of families and items on the logit: what a model of language would solve of the population that the items stand for.

    solved of epochs ~ binomial(expit(mu + sigma_family * f + sigma_item * i)),  f, i standard normal

Marginal likelihood by Gauss and Hermite's rule with 49 nodes for each level; items with the same outcome share one inner integral, so that a
fit of hundreds of items takes milliseconds. It describes and never decides: the decision needs no model of the spread.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from scipy.special import expit, logsumexp, stdtrit

Floats = NDArray[np.float64]

NODES = 49
SIGMA_MOST, MU_MOST = 5.0, 12.0
"""Beyond them a fit runs away: outcomes are nearly all none or all, and 49 nodes are too few besides."""
BOUNDARY, FLAT = 1e-3, 1e-6
"""A sigma below the first, or that adds less than the second to the log-likelihood, is nought."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Where the marginal likelihood is greatest, with intervals from its curvature there (Laplace)."""

    mu: float
    mu_error: float
    sigma_family: float
    sigma_family_error: float | None
    """None on the boundary: nothing says that families differ more than chance makes them."""
    sigma_item: float
    sigma_item_error: float | None
    accuracy: float
    """Generalised: the mean over families and items that were not run."""
    accuracy_lower: float
    accuracy_upper: float
    log_likelihood: float
    """Without binomial coefficients."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Posterior:
    """Means and standard deviations under weak priors: mu normal(0, 1.5), both sigmas half-normal(1.5)."""

    mu: float
    mu_sd: float
    sigma_family: float
    sigma_family_sd: float
    sigma_item: float
    sigma_item_sd: float
    accuracy: float
    accuracy_sd: float


class Outcomes:
    """Solved cells of items of families, as the likelihood needs them."""

    def __init__(self, solved: NDArray[np.integer], tried: NDArray[np.integer], family: NDArray[np.integer]) -> None:
        """Args: of each item how often it was solved and tried, and its family's number."""
        pairs, kind = np.unique(np.column_stack([solved, tried]), axis=0, return_inverse=True)
        self.solved, self.tried = pairs[:, 0].astype(float), pairs[:, 1].astype(float)
        self.counts = np.zeros((int(family.max()) + 1, len(pairs)))
        np.add.at(self.counts, (family, kind.reshape(-1)), 1.0)
        points, weights = np.polynomial.hermite_e.hermegauss(NODES)
        self._points, self._log_weights = points, np.log(weights / weights.sum())
        families = np.bincount(np.asarray(family))
        self.two_levels = bool(tried.max(initial=0) > 1 and families.max(initial=0) > 1)
        self.mean = float(solved.sum() / max(tried.sum(), 1))

    def log_likelihood(self, theta: Floats) -> tuple[float, Floats]:
        """Value and gradient at (mu, sigma of families, sigma of items)."""
        mu, outer, inner = (float(each) for each in theta)
        eta = mu + outer * self._points[:, None] + inner * self._points[None, :]
        log_one, chance = np.logaddexp(0, eta), expit(eta)
        # outcome x family node x item node
        terms = self.solved[:, None, None] * eta - self.tried[:, None, None] * log_one + self._log_weights
        most = terms.max(axis=2, keepdims=True)
        mass = np.exp(terms - most)
        total = mass.sum(axis=2)
        table = np.log(total) + most[:, :, 0]
        slope = self.solved[:, None, None] - self.tried[:, None, None] * chance
        by_mu = (mass * slope).sum(axis=2) / total
        by_inner = (mass * slope * self._points).sum(axis=2) / total
        families = self.counts @ table + self._log_weights
        value = logsumexp(families, axis=1)
        share = np.exp(families - value[:, None])
        along = self.counts @ by_mu
        return float(value.sum()), np.array([
            (share * along).sum(), (share * along * self._points).sum(), (share * (self.counts @ by_inner)).sum(),
        ])


def accuracy(mu: float, sigma_family: float, sigma_item: float) -> float:
    """The mean share solved over the population with these parameters."""
    points, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return float((weights / weights.sum()) @ expit(mu + math.hypot(sigma_family, sigma_item) * points))


def fit(outcomes: Outcomes, *, level: float = 0.95) -> Fit | None:
    """Estimates with two-sided intervals (Student's t with families - 1 degrees of freedom).

    None where the outcomes do not determine them: all or none solved, a single family, a spread that runs away. Items have a spread of their own only
    where some family has two of them and they are run twice.
    """
    if not 0 < outcomes.mean < 1 or len(outcomes.counts) < 2:
        return None

    def downhill(theta: Floats) -> tuple[float, Floats]:
        value, gradient = outcomes.log_likelihood(theta)
        return -value, -gradient

    middle = math.log(outcomes.mean / (1 - outcomes.mean))
    found = min((
        minimize(downhill, np.array([middle, *spreads]) * (1, 1, outcomes.two_levels), jac=True, method="L-BFGS-B",
                 options={"ftol": 1e-14, "gtol": 1e-9}, bounds=Bounds([-12, 0, 0], [12, SIGMA_MOST, SIGMA_MOST if outcomes.two_levels else 0]))
        for spreads in ((1.0, 0.7), (0.3, 1.2))
    ), key=lambda each: float(each.fun))
    theta = np.asarray(found.x, np.float64)
    for place in (2, 1):
        # A spread that explains nothing is none: the likelihood is flat there, and a search stops anywhere near nought.
        without = np.where(np.arange(3) == place, 0.0, theta)
        if outcomes.log_likelihood(without)[0] > outcomes.log_likelihood(theta)[0] - FLAT:
            theta = without
    settled = _settle(outcomes, theta)
    if settled is None:
        return None
    theta, free, covariance = settled
    warnings = tuple(
        f"on the boundary: nothing says that {name} differ more than chance makes them"
        for place, name in ((1, "families"), (2, "items within a family")) if theta[place] == 0 and (place == 1 or outcomes.two_levels)
    )
    errors = np.sqrt(np.diag(covariance))
    mean = accuracy(*theta)
    # The interval is symmetric on the logit, so that it stays within 0 and 1.
    direction = _slope(lambda at: math.log(accuracy(*at) / (1 - accuracy(*at))), theta)
    direction[[place for place in range(3) if place not in free]] = 0
    reach = float(-stdtrit(len(outcomes.counts) - 1, (1 - level) / 2)) * math.sqrt(float(direction @ covariance @ direction))
    at = math.log(mean / (1 - mean))
    return Fit(
        float(theta[0]), float(errors[0]), float(theta[1]), float(errors[1]) if theta[1] else None, float(theta[2]),
        float(errors[2]) if theta[2] else None, mean, float(expit(at - reach)), float(expit(at + reach)), outcomes.log_likelihood(theta)[0], warnings,
    )


def _settle(outcomes: Outcomes, start: Floats) -> tuple[Floats, NDArray[np.intp], Floats] | None:
    """The exact maximum near a start, by Newton's steps, with what is free and the covariance; None where there is none.

    Exact, since an independent calculation must come to the same digits. The likelihood is even in either sigma: one that shrinks to nought is nought.
    """
    theta = start.copy()
    while True:
        theta[1:] = np.where(np.abs(theta[1:]) < BOUNDARY, 0.0, np.abs(theta[1:]))
        free = np.flatnonzero((theta != 0) | (np.arange(3) == 0))
        for _ in range(30):
            curvature = _curvature(outcomes, theta, free)
            if not np.all(np.linalg.eigvalsh(-curvature) > 1e-6):
                return None
            step = np.linalg.solve(curvature, outcomes.log_likelihood(theta)[1][free])
            theta[free] -= step
            if abs(theta[0]) > MU_MOST or np.abs(theta[1:]).max() > SIGMA_MOST:
                return None
            if np.abs(step).max() < 1e-12:
                break
        if np.all(np.abs(theta[1:][theta[1:] != 0]) >= BOUNDARY):
            break
    theta[1:] = np.abs(theta[1:])
    covariance = np.zeros((3, 3))
    covariance[np.ix_(free, free)] = np.linalg.inv(-_curvature(outcomes, theta, free))
    return theta, free, covariance


def posterior(outcomes: Outcomes) -> Posterior:
    """Posterior means by a lattice around the greatest likelihood: exact to about a hundredth of a deviation, without a sampler."""
    centre = fit(outcomes)
    middle = np.zeros(3) if centre is None else np.array([centre.mu, centre.sigma_family, centre.sigma_item])
    wide = np.array([2.0, 2.0, 2.0]) if centre is None else np.array([
        centre.mu_error, centre.sigma_family_error or 0.4, centre.sigma_item_error or 0.4])
    wide = np.clip(wide, 0.05, 2.0)
    axes = [_axis(float(middle[place]), float(wide[place]), place > 0) for place in range(3)]
    lattice = np.stack(np.meshgrid(*(nodes for nodes, _ in axes), indexing="ij"), axis=-1).reshape(-1, 3)
    weights = (axes[0][1][:, None, None] * axes[1][1][None, :, None] * axes[2][1][None, None, :]).reshape(-1)
    log_density = np.array([outcomes.log_likelihood(theta)[0] for theta in lattice]) - 0.5 * (lattice**2).sum(axis=1) / 1.5**2
    mass = weights * np.exp(log_density - log_density.max())
    mass /= mass.sum()
    told = np.column_stack([lattice, [accuracy(*theta) for theta in lattice]])
    means = mass @ told
    deviations = np.sqrt(mass @ (told - means) ** 2)
    return Posterior(*(float(each) for pair in zip(means, deviations, strict=True) for each in pair))


def _axis(centre: float, deviation: float, positive: bool) -> tuple[Floats, Floats]:
    points, weights = np.polynomial.legendre.leggauss(15)
    low, high = centre - 5 * deviation, centre + 6 * deviation
    low = max(low, 0.0) if positive else low
    return np.asarray(low + (high - low) * (points + 1) / 2), np.asarray(weights * (high - low) / 2)


def _curvature(outcomes: Outcomes, theta: Floats, free: NDArray[np.intp]) -> Floats:
    """Second derivatives by differences of the gradient: wrong by about 1e-11."""
    matrix = np.array([_difference(lambda at: outcomes.log_likelihood(at)[1][free], theta, int(place)) for place in free])
    return np.asarray((matrix + matrix.T) / 2)


def _slope(function: Callable[[Floats], float], theta: Floats) -> Floats:
    return np.array([float(_difference(lambda at: np.array(function(at)), theta, place)) for place in range(3)])


def _difference(function: Callable[[Floats], Floats], theta: Floats, place: int, h: float = 0.005) -> Floats:
    """A first derivative by the central rule of sixth order."""
    total: Floats = np.zeros(())
    for steps, weight in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60)):
        forward, back = theta.copy(), theta.copy()
        forward[place] += steps * h
        back[place] -= steps * h
        total = total + weight * (function(forward) - function(back))
    return np.asarray(total / h)
