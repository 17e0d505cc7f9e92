"""Judging: what the observations of a recipe amount to, with every control that was or could not be made."""

from clearinghouse.disclosure.validation.judging.records import Assessment, Control, ControlState, TrustTier, Verdict
from clearinghouse.disclosure.validation.judging.rules import judge, trust_tier
from clearinghouse.disclosure.validation.judging.running import assess

__all__ = ["Assessment", "Control", "ControlState", "TrustTier", "Verdict", "assess", "judge", "trust_tier"]
