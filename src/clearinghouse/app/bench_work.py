"""Everything a bench does, in its order: validations first, then patches on trial, then matrices that lack something."""

import sys
import threading

from clearinghouse.app.bench import bench_of
from clearinghouse.app.matrix import fill_next
from clearinghouse.app.patch_trials import try_next
from clearinghouse.app.wiring import Instance
from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.validation.queue.jobs import Bench
from clearinghouse.sandbox import Sandbox, open_sandbox


def working_bench(instance: Instance, sandbox: Sandbox) -> Bench:
    """A worker of the bench that does all there is to do, acting as the instance's party."""
    return bench_of(instance, sandbox, lambda stop: try_next(instance, sandbox, stop) or fill_next(instance, sandbox, stop))


def run_in_thread(instance: Instance, stop: threading.Event) -> threading.Thread | None:
    """The work of the bench beside a server, where the settings say so; None where they do not, or this host has no sandbox."""
    if not instance.settings.bench.on_server:
        return None

    def work() -> None:
        try:
            with open_sandbox(instance.settings.sandbox) as sandbox:
                working_bench(instance, sandbox).run(stop, instance.policy.worker.pause_seconds)
        except Unavailable as error:
            sys.stderr.write(f"clearinghouse bench: {error}; nothing is validated here\n")

    thread = threading.Thread(target=work, name="bench", daemon=True)
    thread.start()
    return thread
