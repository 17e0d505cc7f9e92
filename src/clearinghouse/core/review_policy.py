"""The numbers of the review desk: windows, the gateway, sealed benchmarks and what a plan must promise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """Bounds of an engagement between a developer and the desk."""

    window_hours_max: int
    """Of one window, and of all windows for one model version together."""
    signers_min: int
    """Different persons who sign a determination."""
    consultations_min: int
    """Bodies whose answer is on record before anybody signs."""
    reply_days: int
    """The developer has so long to answer the preview of an assessment before it is signed."""
    destruction_days_max: int
    """The agreement's date of destruction lies at most so long after the end of the window."""
    incident_notice_hours: int
    """The developer is told of an incident within so long."""
    probe_hours: int
    """A window without a look at the model's identity for so long shows a warning, and the run waits."""
    small_cell_min: int
    """A count below it is not published."""
    lead_days: int
    """A submission later than so many days before the partner release is marked late on the developer's calendar."""


@dataclass(frozen=True, slots=True)
class GatewayPolicy:
    """How the gateway keeps its word."""

    guard_milliseconds: int
    """No byte is handed to the socket later than so long before the end of an access."""
    poll_milliseconds: int
    """How often the gateway reads which accesses are suspended or ended."""
    stale_milliseconds_max: int
    """When it could not read them for so long, it answers 503 and cuts what streams."""
    clock_jump_milliseconds_max: int
    """A wall clock that differs so much from the monotonic one has jumped; nothing is admitted until somebody says what the time is."""
    commit_calls_max: int
    """Calls whose audit rows one durable commit may share."""
    request_bytes_max: int
    completion_tokens_max: int
    """Of one call: forced onto the request, and reserved before it is forwarded."""
    prompt_tokens_per_byte: float
    """Reserved for a prompt: no tokenizer makes more tokens than bytes."""
    calls_at_once_max: int
    """Of one access."""
    connections_max: int
    upstream_connect_seconds: float
    upstream_silence_seconds: float
    """An upstream that sends nothing for so long is given up."""
    header_seconds: float
    """A client that does not finish its request within so long is let go."""
    response_bytes_max: int


@dataclass(frozen=True, slots=True)
class BenchmarkPolicy:
    """How sealed items are kept, and what one sample may cost."""

    custodians_min: int
    """Custodians who must release a pack before an item opens."""
    exposures_max: int
    """Engagements an item is opened for before it is retired."""
    release_hours_max: int
    """A release lasts at most so long."""
    sample_tokens_max: int
    """Default of a plan; a plan may ask for less."""
    sample_messages_max: int
    sample_seconds_max: float
    tool_seconds_max: float
    tool_output_bytes_max: int
    """Of one tool call, as the model sees it."""
    tool_memory_bytes: int
    tool_processes_max: int
    state_bytes_max: int
    """Of the files that a sample keeps between tool calls."""
    state_files_max: int
    samples_at_once_max: int
    infrastructure_attempts_max: int
    """A cell lost to our own machinery is run again so often within the window."""
    reviewed_share_min: float
    """Share of transcripts that people look at beside those that were flagged."""


@dataclass(frozen=True, slots=True)
class AnalysisPolicy:
    """What an analysis plan must promise before a window opens."""

    alpha_max: float
    """Of wrongly showing that a threshold is exceeded, over all domains of a plan together."""
    power_share_min: float
    """Of showing it where the plan says the truth lies."""
    families_min: int
    """For a question of +-0.1; fewer support no determination."""
    epochs_max: int
    looks_max: int
    simulations: int
    """Of the power a plan claims."""
