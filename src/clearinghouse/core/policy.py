"""Policy: the dates, caps and thresholds of an instance, as versioned data handed to the rules.

No rule holds a number of its own. The numbers of a fresh instance ship as
`app/policies/default.toml`; a case keeps the version it began under.
"""

from dataclasses import dataclass

from clearinghouse.core.review_policy import AnalysisPolicy, BenchmarkPolicy, GatewayPolicy, ReviewPolicy
from clearinghouse.core.terms import Duty, Terms


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
class RatePolicy:
    """How much one sender may hand in within a while. What a submission holds is not counted: one file of many findings is one submission."""

    window_minutes: int
    submissions_max: int
    """Of one party within a window."""
    megabytes_max: int
    """Of one party within a window; what came last may exceed it."""
    anonymous_submissions_max: int
    """Of strangers at one address within a window."""
    anonymous_megabytes_max: int
    challenges_open_max: int
    """Sign-ins by passkey begun at one address, or passkeys being added by one person, and not finished."""


@dataclass(frozen=True, slots=True)
class EvidenceWorth:
    """What exact evidence is worth: the probability that two reports are one flaw, with nothing else known."""

    stack_similarity_min: float
    """Two stacks are alike at or above this share of what they could have in common."""
    stack_frames_min: int
    """A whole stack of fewer telling frames is no more than alike."""
    stack_exact_probability: float
    """The same kind of crash, all telling frames, and the line of the innermost."""
    stack_same_probability: float
    """The same kind of crash and all telling frames."""
    stack_alike_probability: float
    stack_apart_probability: float
    """The same innermost frame, reached on other ways."""
    place_probability: float
    """The same function of the same file."""
    content_probability: float
    """The same function or line of a file with the very same content, whatever the product is called."""
    patch_probability: float
    """The same patch, which changes several stretches of code."""
    hunk_probability: float
    """The same change of one stretch."""
    touched_probability: float
    """A patch changes the function the other points at."""
    fingerprint_probability: float
    """The same fingerprint by the same tool and rule, where it varies between results."""


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
    evidence: EvidenceWorth
    """The table `[evidence]`."""


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
    done_days: int
    """What is done is remembered as done for so long."""
    checkpoint_seconds: float
    """New leaves are signed for after so long."""


@dataclass(frozen=True, slots=True)
class UpkeepPolicy:
    """What the worker looks after now and then."""

    charter_hours: int
    """Between two looks at the repositories whose charters were fetched."""
    openings_hours: int
    """Between two rounds of forgetting what opens nothing any more."""
    session_days: int
    """A session that is over is listed nowhere and forgotten after so long."""


@dataclass(frozen=True, slots=True)
class CharterLimits:
    """What one charter may cost to read."""

    document_bytes_max: int
    text_characters_max: int
    """Per text of a charter; a longer one is an error with its place, never cut: a cut rule is another rule."""


@dataclass(frozen=True, slots=True)
class CapacityPolicy:
    """What reaches a vendor, in which order, and what is forecast of it."""

    cap_per_week: int
    """Deliveries in any seven days to a vendor whose charter names no cap."""
    open_weeks: int
    """Deliveries without an answer are at most the cap times this; beyond it nothing goes until one is answered."""
    slot_days: int
    """A delivery without an answer stops counting against that after so many days."""
    wait_days_max: int
    """Longest postponement a vendor may ask for."""
    override_days: int
    """An override of an opt-out lapses after so many days."""
    fairness_weeks: int
    """Deliveries of the last so many weeks count against a finder's turn."""
    weight_severity_max: float
    """Times the highest claimed score over ten."""
    weight_severity_median: float
    """Times the median claimed score over ten."""
    weight_reproducer: float
    """For a confirmed reproducer; half of it for one that is only claimed."""
    weight_patch: float
    """For a proposed patch."""
    weight_corroboration: float
    """Times each doubling of the number of independent finders."""
    corroboration_finders_max: int
    """More finders than this add nothing."""
    weight_age: float
    """For each week of waiting, without end, so that nothing is overtaken for ever."""
    forecast_weeks: int
    """How far back answers are looked at, and how far ahead a forecast is drawn."""
    forecast_answers_min: int
    """With fewer answers than this the forecast trusts the cap alone."""
    band_weeks_max: int
    """What a finder is told ends with "more than" so many weeks."""


@dataclass(frozen=True, slots=True)
class IdentityPolicy:
    """How long what opens something stays open, and what guessing costs."""

    read_in_days: int
    """A read-in that names no end lasts so long."""
    read_in_days_max: int
    glass_request_hours: int
    """A request to break the glass, or to erase a case, waits so long for a second person."""
    glass_hours: int
    """What broken glass shows, it shows so long."""
    invitation_days: int
    self_enrolment: bool
    """Whether a one-person project may enrol without an invitation."""
    self_enrolments_per_day_max: int
    """Over all sources."""
    self_enrolments_per_source_max: int
    """A day."""
    password_characters_min: int
    password_characters_max: int
    argon2_memory_kibibytes: int
    argon2_passes: int
    argon2_lanes: int
    totp_steps_tolerated: int
    """Steps of 30 seconds a clock may be off, before and after."""
    recovery_codes: int
    challenge_minutes: int
    """A challenge, a state or a setup that was begun is good for so long."""
    recent_sign_in_minutes: int
    """Credentials are changed only in a session that began at most so long ago."""
    session_idle_minutes: int
    session_hours_max: int
    failures_free: int
    """Failed sign-ins that cost no waiting."""
    failure_first_seconds: float
    """Waiting after the first failure beyond those; it doubles with each."""
    failure_longest_seconds: float
    failures_forgotten_hours: int
    """A failure is forgotten when none followed for so long."""
    known_source_days: int
    """A source that signed in to an account so recently is not slowed by what others do to the account."""
    link_days: int
    receipt_days: int


@dataclass(frozen=True, slots=True)
class EmbargoPolicy:
    """What the embargo clock does around the dates that the terms give."""

    agreed_days_max: int
    """How far ahead an instant may be proposed."""
    warn_days: int
    """Days before the binding instant at which all participants are reminded."""
    warn_last_days: int
    review_days: int
    """An embargo without an end, or whose clock has not started, is looked at by the coordinator this often."""
    leak_hours: int
    """Within which a coordinator says whether a suspected leak is one."""
    late_seconds: int
    """A deadline handled later than this after its instant is marked late."""
    clock_jump_seconds_max: int
    """A clock that moved further ahead than this since the last reading is not believed at once."""
    clock_confirm_seconds: int
    """Between the reading that is doubted and the one that confirms it, by the machine's monotonic clock."""


@dataclass(frozen=True, slots=True)
class ContactPolicy:
    """What follows on silence, and when."""

    reminder_days: int
    """A party that has not answered is reminded after so many days, and again after as many."""
    silent_days: int
    """After so many days without an answer the case goes to an outside coordinator."""
    attempts_min: int
    """Contact attempts logged since the step before, without which the next step may not be taken."""
    channels_min: int
    """Different channels tried in all, without which a maintainer of last resort may not step in."""
    resort_first_business_days: int
    """Of the clock to a maintainer of last resort, counted from T0."""
    resort_second_business_days: int
    resort_third_business_days: int
    resort_days: int


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """What one case room may hold, and how much of it one look shows."""

    message_characters_max: int
    document_bytes_max: int
    documents_max: int
    participants_max: int
    reports_max: int
    vulnerabilities_max: int
    threads_max: int
    messages_shown_max: int
    """Per thread and look; older ones come page by page."""
    bundle_bytes_max: int
    """A whole case as exported, its documents included."""


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How much sealed text of rooms one search opens: there is no index of it."""

    rooms_max: int
    """The viewer's newest cases."""
    messages_max: int
    """The newest messages of these."""
    shown_max: int
    """Of each kind."""


@dataclass(frozen=True, slots=True)
class RelayPolicy:
    """What one relayed report may cost, and what this instance does as a hop."""

    envelope_bytes_max: int
    """Report and provenance together, the report in base64."""
    block_bytes_max: int
    """The provenance alone."""
    depth_max: int
    hops_max: int
    """This instance's own hop included."""
    credits_max: int
    """In a block that begins here."""
    routing: bool
    assessment: bool
    deduplication: bool
    bookkeeping: bool


@dataclass(frozen=True, slots=True)
class JoiningPolicy:
    """How often one may ask to take part in a case one cannot see."""

    again_days: int
    """After so long one may ask once more, whatever became of the first ask."""


@dataclass(frozen=True, slots=True)
class AppealPolicy:
    """How appeals of finders are handled."""

    answer_days: int
    """By when an appeal is answered."""
    per_question_max: int
    """Appeals of one report about one question, those taken back not counted."""


@dataclass(frozen=True, slots=True)
class CommitmentPolicy:
    """What a finder may commit to, and by when it has to be opened."""

    open_days: int
    """Where its finder names no day."""
    open_days_max: int
    warn_days: int
    """Its finder is warned so long before."""
    per_day_max: int
    """Recorded by one organisation within a day."""
    shut_max: int
    """Not opened and not withdrawn, of one organisation."""
    sections_max: int
    section_bytes_max: int
    findings_max: int
    """A commitment that opens to more reports than this gives none of them an earlier instant: it may be a list of guesses."""


@dataclass(frozen=True, slots=True)
class BlindPolicy:
    """What the blind check gives away, and to whom how much of it."""

    epoch_days: int
    """For so long one key stands; what is held no more is forgotten with it."""
    forget_days: int
    """Key and tags of an ended epoch are destroyed after so many days more."""
    set_hours: int
    """The set of tags is published at most so often."""
    set_multiple: int
    """The number of tags is told in steps of this."""
    batch_elements: int
    """Every batch has exactly so many."""
    batch_findings: int
    batches_per_day: int
    """Of one organisation."""
    batches_per_epoch: int
    citations_max: int
    """Batches of an epoch that may cite one commitment."""


@dataclass(frozen=True, slots=True)
class LearningPolicy:
    """When people's decisions correct the pair model, and how far."""

    decided_min: int
    """Decided pairs below which nothing is learned."""
    each_min: int
    """And so is it with fewer than these of either answer."""
    gain_min: float
    """Mean log loss, in nats, that a correction must save on decided pairs it was not fitted on."""
    shift_max: float
    """Log-odds by which a correction moves a pair at most."""
    penalty_pairs: float
    """Strength of the pull towards no correction, in pairs."""
    decision_pairs_max: int
    """Pairs that one decision counts for at most."""
    again_pairs: int
    """Newly decided pairs after which another correction is fitted."""


@dataclass(frozen=True, slots=True)
class BenchPolicy:
    """What a validation may cost, and what it must show."""

    runs: int
    """How often an input is run on a build."""
    agreeing_share_min: float
    """Share of runs that must show the same; else the cell is flaky."""
    coverage_share_min: float
    """Edges that benign inputs reach on a patched build, at least this share of those on the vulnerable one."""
    run_wall_seconds: float
    run_wall_seconds_max: float
    """The most that a recipe may ask for."""
    run_cpu_seconds: float
    run_memory_bytes: int
    run_memory_bytes_max: int
    build_wall_seconds: float
    build_cpu_seconds: float
    build_memory_bytes: int
    processes_max: int
    output_bytes_max: int
    file_bytes_max: int
    scratch_bytes_max: int
    files_max: int
    build_scratch_bytes_max: int
    build_files_max: int
    log_line_bytes_max: int
    """What is wider or longer is cut before a parser sees it."""
    log_bytes_max: int
    recipe_bytes_max: int
    material_bytes_max: int
    archive_bytes_max: int
    """Unpacked, counted while unpacking."""
    archive_files_max: int


@dataclass(frozen=True, slots=True)
class MatrixPolicy:
    """When reproducers under patches say that two reports are one flaw, and how much is run to know."""

    same_similarity_min: float
    """Of two stacks of one reproducer, with and without a patch: below it the crash has moved."""
    stack_similarity_min: float
    """Of stacks of two reproducers, for weak evidence."""
    promiscuous_share_max: float
    """Of findings known to be distinct, the share that a patch may stop before it is set aside."""
    promiscuous_findings_min: int
    """So many must be known to be distinct before that is asked."""
    split_parts_max: int
    """Pieces that a patch is cut into when it is tried in parts."""
    split_builds_max: int
    """Builds that trying a patch in parts may take."""


@dataclass(frozen=True, slots=True)
class PatchPolicy:
    """How hard a patch is tried."""

    variants_max: int
    """Mutated variants of a reproducer that are tried on the vulnerable build."""
    variants_fire_min: int
    """So many must fire there before their silence on the patched build counts."""
    input_bytes_max: int
    """A mutated input is never longer."""
    fuzz_runs_max: int
    fuzz_seconds_max: float
    """Both bound the search around the change."""
    seed: int
    """Mutations are a function of this, the input and their number."""


@dataclass(frozen=True, slots=True)
class BenchQueuePolicy:
    """How the bench is shared among cases, and what it remembers."""

    use_half_life_seconds: float
    """After so long half of what a case used of the bench is forgiven."""
    batch_cells_max: int
    """Cells that one worker takes at once."""
    cell_seconds_guess: float
    """Charged to a case for a cell while it runs; the true time replaces it."""
    build_seconds_guess: float
    lease_seconds: float
    """A worker that is not heard of for so long has lost what it held; it then runs again."""
    look_seconds: float
    """How often a worker looks whether what it runs was cancelled."""
    attempts_max: int
    """Of one piece of work that ends its workers each time."""
    waiting_max: int
    """Validations of one case that may wait or run at once."""
    materials_max: int
    """Of one case."""
    artefact_bytes_max: int
    """Of all builds kept by this host; the longest unused go first."""
    cells_max: int
    """Cells remembered for one case; the oldest go first."""
    log_shown_bytes_max: int
    """Of a log on a page; the download has all of it."""


@dataclass(frozen=True, slots=True)
class ProposingPolicy:
    """How much goes to a model and comes back, where one is configured."""

    report_characters_max: int
    """Of a report's text."""
    answer_tokens_max: int
    """What the model is allowed to write."""
    answer_bytes_max: int
    answer_seconds_max: float
    """Models think longer than other servers do."""


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
    upkeep: UpkeepPolicy
    joining: JoiningPolicy
    appeals: AppealPolicy
    charters: CharterLimits
    capacity: CapacityPolicy
    identity: IdentityPolicy
    embargo: EmbargoPolicy
    contact: ContactPolicy
    rooms: RoomLimits
    search: SearchLimits
    relay: RelayPolicy
    rates: RatePolicy
    commitments: CommitmentPolicy
    blind: BlindPolicy
    learning: LearningPolicy
    bench: BenchPolicy
    matrix: MatrixPolicy
    patches: PatchPolicy
    bench_queue: BenchQueuePolicy
    proposing: ProposingPolicy
    review: ReviewPolicy
    gateway: GatewayPolicy
    benchmarks: BenchmarkPolicy
    analysis: AnalysisPolicy
    terms: tuple[Terms, ...]
    """Of well-known parties, and with rank f the default of this instance."""
    duties: tuple[Duty, ...]
