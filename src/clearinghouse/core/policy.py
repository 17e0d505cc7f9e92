"""Policy: the dates, caps and thresholds of an instance, as versioned data handed to the rules.

No rule holds a number of its own. The numbers of a fresh instance ship as
`app/policies/default.toml`; a case keeps the version it began under.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """What one submission may cost. Enforced before parsing where a limit allows it."""

    document_bytes_max: int
    bulk_bytes_max: int
    """For line-by-line formats that are read as a stream, each line under `line_bytes_max`."""
    line_bytes_max: int
    json_depth_max: int
    items_max: int
    text_characters_max: int
    """Per text field; the rest is cut and the cut noted. The original bytes stay whole."""
    list_entries_max: int
    """Per list field of one finding (references, locations, packages, ...)."""
    mail_depth_max: int
    mail_parts_max: int
    mail_headers_max: int
    inflate_ratio_max: int
    """Decompressed over compressed size."""
    parser_seconds_max: float
    parser_memory_bytes_max: int
    log_line_bytes_max: int
    log_bytes_max: int
    """Of a crash log, what the parser looks at; the first complete report counts."""


@dataclass(frozen=True, slots=True)
class DeconflictionThresholds:
    """Where a calibrated probability becomes a word."""

    join_probability_min: float
    """At or above: `duplicate` without a person."""
    ask_probability_min: float
    """At or above and below joining: `unsure`, shown to a person with its candidates."""
    cluster_probability_min: float
    """Average linkage joins two groups at or above this mean probability."""
    locus_probability: float
    """Worth of two reports pointing at the same function for the same kind of weakness, with nothing else known."""
    candidates_max: int
    """Candidates compared for one finding."""
    candidates_shown_max: int
    umbrella_identifiers_min: int
    """A record that names at least this many vulnerabilities is an umbrella: `related` only."""


@dataclass(frozen=True, slots=True)
class SettlingPolicy:
    """When an intake settles everything at once instead of placing its reports one by one."""

    records_max: int
    """An instance with at most this many reports settles after every intake."""
    share_min: float
    """A larger one settles when the new reports are at least this share of all."""


@dataclass(frozen=True, slots=True)
class OutwardLimits:
    """What one outgoing call may cost."""

    connect_seconds_max: float
    total_seconds_max: float
    """From the first look-up of the name to the last byte, redirects included."""
    request_bytes_max: int
    response_bytes_max: int
    """As it comes, and once it is decompressed."""
    redirects_max: int
    addresses_max: int
    """Addresses of one host that are tried, one after the other."""


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """How notices are sent, sent again, and given up."""

    attempts_max: int
    retry_first_seconds: float
    """Wait after the first failed attempt; each further one waits twice as long."""
    retry_seconds_max: float
    lease_seconds: float
    """For so long a worker that claimed something is taken to be at it; then another may."""
    digest_seconds: float
    """At most one mail to a party about news in one case in so long."""
    hook_failures_max: int
    """Webhook deliveries given up in a row after which the subscription is switched off."""
    hook_secret_days: int
    """After a new secret was made, the old one signs along for so long."""
    reply_days: int
    """For so long a reply to a mail finds its way to the room it is about."""
    answers_per_day_max: int
    """Receipts mailed to one unknown address in a day."""
    reports_per_sender_day_max: int
    """Mails of one unknown address that are taken in as reports in a day; what is more is kept for the desk."""


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """How the worker goes about its work."""

    pause_seconds: float
    """Between two looks for something to do."""
    actions_attempts_max: int
    batch_events: int
    """Events handed out in one transaction."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of an instance's numbers."""

    version: int
    intake: IntakeLimits
    deconfliction: DeconflictionThresholds
    settling: SettlingPolicy
    outward: OutwardLimits
    notices: NoticePolicy
    worker: WorkerPolicy
