"""The pair model: three stages of boosted trees, a calibration, and where it came from.

The first stage (`sieve`) sees every candidate pair and throws most away. The second (`judge`) sees what is
left, with the context the first stage made; the third (`appeal`) sees the same and the context of the second. LightGBM evaluates the rows of a settling; the few
of one question, and all where it cannot be loaded, run through the same trees on numpy.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.deconfliction.background import NO_BACKGROUND, Background, read_background
from clearinghouse.disclosure.deconfliction.context import ALL_FEATURES
from clearinghouse.disclosure.deconfliction.correction import Correction
from clearinghouse.disclosure.deconfliction.features import FEATURES
from clearinghouse.disclosure.deconfliction.packing import F32
from clearinghouse.disclosure.deconfliction.signature import FORMAT, Signer
from clearinghouse.disclosure.deconfliction.trees import Forest

_DATABASES = list(FEATURES).index("same_catalogue")
CALIBRATED = ("entries", "reports")
STAGES = ("sieve", "judge", "appeal")
_FEW = 128
"""Rows up to which numpy is quicker than calling LightGBM, not to speak of loading it."""


class Trees:
    """One stage: boosted trees as text, evaluated by numpy or, for many rows, by LightGBM."""

    def __init__(self, text: str) -> None:
        """Keep the text; nothing is parsed before the first prediction."""
        self._text = text

    @cached_property
    def _booster(self) -> Any:
        try:
            import lightgbm  # half a second and an OpenMP library: only who predicts pays
        except (ImportError, OSError):
            return None
        return lightgbm.Booster(model_str=self._text)

    @cached_property
    def _forest(self) -> Forest:
        return Forest(self._text)

    def predict(self, rows: F32) -> NDArray[np.float64]:
        """Probability for each row."""
        if len(rows) <= _FEW or self._booster is None:
            return self._forest.predict(rows)
        return np.asarray(self._booster.predict(rows))

    def contributions(self, rows: F32) -> NDArray[np.float64]:
        """Log-odds by feature for each row, the expectation in the last column."""
        return self._forest.contributions(rows)


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """A loaded model, ready to score pairs."""

    sieve: Trees
    judge: Trees
    appeal: Trees
    sieve_min: float
    """First-stage probability below which a pair goes no further."""
    knots: dict[str, NDArray[np.float64]]
    """For `entries` (the databases of both records known) and `reports` (else) two rows: raw probabilities and what they were
    worth on databases left out of training."""
    background: Background
    digest: str
    """Digest of the artefact and of the correction on top, where there is one: the model's version in every answer."""
    provenance: dict[str, Any]
    correction: Correction | None = None
    """What people's decisions here say about the model."""

    def corrected(self, correction: Correction) -> "Scorer":
        """This model with a correction on top, under a digest of its own.

        Raises:
            Unavailable: the correction was made for another model.
        """
        if self.correction is not None or correction.model != self.digest:
            raise Unavailable(f"the correction was made for the model {correction.model[:19]}, not for {self.digest[:19]}")
        whole = hashlib.sha256(self.digest.encode())
        for part in (correction.weights, correction.centres, correction.scales):
            whole.update(part.astype("<f8").tobytes())
        return replace(self, correction=correction, digest="sha256:" + whole.hexdigest())

    @staticmethod
    def load(key: bytes | None = None) -> "Scorer":
        """The shipped model; with a key, the background table under that key.

        Raises:
            Unavailable: the artefact was trained for other features or signatures.
        """
        folder = resources.files("clearinghouse.disclosure.deconfliction") / "model"
        provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
        if provenance["features"] != list(ALL_FEATURES) or provenance["signature_format"] != FORMAT:
            raise Unavailable("the model was trained for other features; run `make train`, or install matching versions")
        background = NO_BACKGROUND
        if key is not None:
            lines = (folder / "background.txt").read_text("utf-8").splitlines()
            background = read_background(lines, provenance["background_records"], Signer(key))
        sieve, judge, appeal = (Trees((folder / f"{stage}.txt").read_text("utf-8")) for stage in STAGES)
        return Scorer(
            sieve, judge, appeal, provenance["sieve_min"],
            {name: np.array(provenance["calibration"][name], np.float64) for name in CALIBRATED}, background, provenance["digest"], provenance,
        )

    def calibrate(self, probabilities: NDArray[np.float64], rows: F32) -> F32:
        """What raw probabilities of pairs are worth on writing the model has not met; `rows` are what the last stage read.

        Without the knowledge that a database enters a flaw once, the same raw probability is worth less.
        """
        known = rows[:, _DATABASES] >= 0
        if self.correction is not None:
            probabilities = self.correction.apply(probabilities, rows)
        entries, reports = (np.interp(probabilities, *self.knots[name]) for name in CALIBRATED)
        return np.asarray(np.where(known, entries, reports), np.float32)

    def contributions(self, rows: F32) -> NDArray[np.float64]:
        """Log-odds the last stage drew from each feature, for each row."""
        return np.asarray(self.appeal.contributions(rows)[:, :-1])
