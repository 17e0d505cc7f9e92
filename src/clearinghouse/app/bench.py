"""The bench of an instance: workshops over the materials of cases, verdicts kept with everything they rest on, evidence signed once.

Runs in a process of its own (`clearinghouse bench work`), never beside the pages unless the settings say so.
"""

import hashlib
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from clearinghouse.app.kept_verdicts import kept_of, parse_kept, render_kept
from clearinghouse.app.validating import builds_folder, system_docket
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Unavailable
from clearinghouse.core.ids import CaseId
from clearinghouse.disclosure.validation.dockets.records import Docket
from clearinghouse.disclosure.validation.evidence import sign_statement, statement_of
from clearinghouse.disclosure.validation.judging import Assessment, assess
from clearinghouse.disclosure.validation.judging.rules import second_tier
from clearinghouse.disclosure.validation.memory import store as memory_store
from clearinghouse.disclosure.validation.memory.cache import Memory
from clearinghouse.disclosure.validation.memory.folder import Folder
from clearinghouse.disclosure.validation.queue import store
from clearinghouse.disclosure.validation.queue.jobs import Bench, Opened
from clearinghouse.disclosure.validation.queue.records import Finished, Validation, ValidationState
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import Recipe
from clearinghouse.disclosure.validation.workshop import Workshop
from clearinghouse.sandbox import Sandbox
from clearinghouse.storage.sealing import create_key_file

_SHOPS_MAX = 2  # workshops kept open by one worker: unpacked builds of as many cases


def bench_of(instance: Instance, sandbox: Sandbox, otherwise: Callable[[threading.Event], bool] | None = None) -> Bench:
    """A worker of the bench, acting as the instance's party.

    Args:
        otherwise: what it does where no validation waits; gives whether something was done.
    """
    shops = _Shops(instance, sandbox)
    signer = evidence_key(instance)
    host = host_name()

    def judge(docket: Docket, validation: Validation, recipe: Recipe, shop: object) -> Finished:
        assert isinstance(shop, Workshop), "made by `_Shops`"
        found = _with_second(instance, docket, validation, assess(shop, recipe, instance.policy.bench), host)
        statement = statement_of(
            recipe, found, validator=instance.actor.id, about=(validation.report_id, validation.case_id), now=instance.clock.now()
        )
        envelope, digest = sign_statement(statement, signer), digest_of_statement(statement)
        kept = render_kept(kept_of(recipe, found, host, instance.policy.bench))
        return Finished(found.verdict.value, found.tier.value, found.level.kind, kept, envelope, digest)

    return Bench(
        instance.database, instance.actor.id, instance.policy.bench_queue, instance.clock.now, shops.open,
        lambda document: read_recipe(document, instance.policy.bench), judge,
        lambda stop: shops.forget_erased() or (otherwise is not None and otherwise(stop)),
    )


def evidence_key(instance: Instance) -> Ed25519PrivateKey:
    """What signs evidence; made where there is none yet.

    Raises:
        Unavailable: the key file is damaged.
    """
    path = instance.settings.evidence_key_path
    create_key_file(path)
    try:
        seed = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        seed = b""
    if len(seed) != 32:
        raise Unavailable(f"{path} must hold 64 hexadecimal digits; restore it from a backup")
    return Ed25519PrivateKey.from_private_bytes(seed)


def digest_of_statement(statement: dict[str, Any]) -> str:
    """The digest of a statement's canonical bytes: what the ledger has, and what `evidence verify` prints."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps(statement)).hexdigest()


def host_name() -> str:
    """A name of this host."""
    try:
        told = Path("/etc/machine-id").read_text().strip()
    except OSError:
        told = ""
    return hashlib.sha256(f"clearinghouse/bench-host/{told or socket.gethostname()}".encode()).hexdigest()[:16]


def sweep(instance: Instance) -> int:
    """Take away what this host keeps of cases that were erased, and cells beyond the bound; gives how much went."""
    folder = Folder(builds_folder(instance), instance.policy.bench_queue.artefact_bytes_max)
    with instance.database.read() as tx:
        cases = memory_store.system_cases_with_cells(tx, instance.policy.bench_queue.cells_max)
    # Asked after the folder was listed: what a case began meanwhile stays.
    gone = folder.clear(lambda: _cases_built(instance))
    with instance.database.write() as tx:
        return gone + sum(memory_store.forget_oldest_cells(tx, case, instance.policy.bench_queue.cells_max) for case in cases)


def _cases_built(instance: Instance) -> frozenset[CaseId]:
    with instance.database.read() as tx:
        return store.system_cases(tx)


@dataclass
class _Shops:
    """The workshops a worker has open, the least used closed first."""

    instance: Instance
    sandbox: Sandbox
    _open: OrderedDict[str, tuple[Opened, Workshop]] = field(default_factory=OrderedDict)

    def open(self, case_id: CaseId, stop: threading.Event) -> Opened | None:
        with self.instance.database.read() as tx:
            docket = system_docket(tx, self.instance, case_id)
        if docket is None:
            self._close(case_id)
            return None
        if case_id not in self._open:
            folder = Folder(builds_folder(self.instance), self.instance.policy.bench_queue.artefact_bytes_max)
            memory = Memory(self.instance.database, docket, folder, self.instance.clock.now)
            shop = Workshop(self.sandbox, memory, self.instance.policy.bench, cache=memory, stop=stop, place=host_name())
            self._open[case_id] = (Opened(docket, memory, shop), shop)
            while len(self._open) > _SHOPS_MAX:
                self._close(next(iter(self._open)))
        self._open.move_to_end(case_id)
        return self._open[case_id][0]

    def forget_erased(self) -> bool:
        """Take away what is unpacked and open of cases that were erased; False, as it is no work."""
        for case_id in list(self._open):
            with self.instance.database.read() as tx:
                docket = system_docket(tx, self.instance, case_id)
            if docket is None:
                self._close(case_id)
        return False

    def _close(self, case_id: str) -> None:
        if (found := self._open.pop(case_id, None)) is not None:
            found[1].close()


def _with_second(instance: Instance, docket: Docket, validation: Validation, found: Assessment, host: str) -> Assessment:
    """The assessment, in the tier that a second validator on another host gives it where one came to the same."""
    with instance.database.read() as tx:
        for other in store.system_validations(tx, docket):
            same = other.report_id == validation.report_id and other.recipe == validation.recipe and other.state is ValidationState.DONE
            if not same or other.verifier in (None, instance.actor.id):
                continue
            document = store.system_result(tx, docket, other)
            kept = None if document is None else parse_kept(document)
            if kept is not None and kept.host != host:
                tier = second_tier(found, kept.assessment)
                if tier is not found.tier:
                    return replace(found, tier=tier)
    return found


__all__ = ["bench_of", "digest_of_statement", "evidence_key", "host_name", "sweep"]
