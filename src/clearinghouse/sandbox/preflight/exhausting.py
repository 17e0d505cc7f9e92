"""Attacks that use up: processes, memory, files, output, time."""

from clearinghouse.sandbox.base import Ending, Guard, Ran
from clearinghouse.sandbox.preflight.base import LIMITS, Answer, Attack, Judge, told, within

_SLACK_SECONDS = 3.0


def _all_killed(ran: Ran) -> tuple[Answer, str]:
    if ran.memory_kills is None:
        return Answer.BROKEN, "nobody counts memory"
    return (Answer.HELD if ran.ending is Ending.MEMORY else Answer.BROKEN), f"ended by {ran.ending}, {ran.memory_kills} processes killed"


def _cut_at_the_bound(ran: Ran) -> tuple[Answer, str]:
    right = ran.ending is Ending.OUTPUT and len(ran.untrusted_stdout) == LIMITS.output_bytes_max
    return (Answer.HELD if right else Answer.BROKEN), f"ended by {ran.ending} after {len(ran.untrusted_stdout)} bytes"


def _in_time(*endings: Ending, wall_seconds: float) -> Judge:
    def judge(ran: Ran) -> tuple[Answer, str]:
        right = ran.ending in endings and ran.wall_seconds < wall_seconds + _SLACK_SECONDS
        return (Answer.HELD if right else Answer.BROKEN), f"ended by {ran.ending} after {ran.wall_seconds:.1f} s, {ran.cpu_seconds or 0:.1f} s of processor"

    return judge


def _filled(ran: Ran) -> tuple[Answer, str]:
    """Being killed for memory is a bound as well."""
    return (Answer.HELD, "killed for memory") if ran.ending is Ending.MEMORY else told(ran)


_SPIN = within(cpu_seconds=0.6, wall_seconds=6.0)

EXHAUSTING = (
    Attack(8, "fork bomb", Guard.PIDS, f"""
made = 0
while made < {LIMITS.processes_max * 4}:
    try:
        if os.fork() == 0:
            signal.pause()
            os._exit(0)
    except OSError:
        break
    made += 1
tell([f"{{made}} processes"] if made > {LIMITS.processes_max} else [], f"stopped after {{made}} processes")
""", of_kernel=True),
    Attack(9, "five thousand threads", Guard.PIDS, f"""
import threading
threading.stack_size(65536)
made, over = 0, threading.Event()
while made < {LIMITS.processes_max * 4}:
    try:
        threading.Thread(target=over.wait, daemon=True).start()
    except RuntimeError:
        break
    made += 1
print(json.dumps({{"broken": [f"{{made}} threads"] if made > {LIMITS.processes_max} else [], "note": f"stopped after {{made}} threads"}}), flush=True)
os._exit(0)
""", of_kernel=True),
    Attack(10, "memory bomb in six processes", Guard.MEMORY, """
for _ in range(6):
    if os.fork() == 0:
        held = []
        for _ in range(25):
            held.append(bytearray(b"x" * (1 << 22)))
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
""", judge=_all_killed),
    Attack(11, "fill every place that takes bytes", Guard.FILES, f"""
def fill(path):
    done = 0
    try:
        for index in range(60):
            with open(f"{{path}}/{{index}}", "wb", 0) as file:
                for _ in range(4):
                    done += file.write(b"x" * (1 << 20))
    except OSError:
        pass
    for index in range(60):
        trial(os.unlink, f"{{path}}/{{index}}")
    return done
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
found = {{place: fill(place) for place in ("/work", "/tmp", "/out", "/dev/shm", "/dev", "/in", "/")}}
bounds = {{"/work": {LIMITS.scratch_bytes_max}, "/tmp": {LIMITS.scratch_bytes_max}, "/out": {LIMITS.scratch_bytes_max}, "/dev/shm": 1 << 20}}
held = os.memfd_create("held")
done = 0
try:
    while done < {LIMITS.file_bytes_max * 2}:
        done += os.write(held, b"x" * (1 << 20))
except OSError:
    pass
found["memory file"], bounds["memory file"] = done, {LIMITS.file_bytes_max}
tell([f"{{place}} took {{size}}" for place, size in found.items() if size > bounds.get(place, 0)])
""", judge=_filled, of_kernel=True),
    Attack(12, "four hundred thousand empty files", Guard.FILES, f"""
made = {{}}
for place in ("/work", "/out"):
    for index in range(400_000):
        try:
            os.close(os.open(f"{{place}}/{{index}}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            break
    made[place] = index
tell([f"{{count}} files in {{place}}" for place, count in made.items() if count > {LIMITS.files_max + 8}], f"stopped after {{made}}")
""", judge=_filled),
    Attack(16, "four gigabytes of output", Guard.FILES, """
chunk = b"x" * (1 << 20)
for _ in range(4096):
    os.write(1, chunk)
""", judge=_cut_at_the_bound),
    Attack(17, "spin in six processes, deaf to signals", Guard.CPU, """
for number in range(1, 32):
    trial(signal.signal, number, signal.SIG_IGN) if number not in (9, 19) else None
for _ in range(5):
    if os.fork() == 0:
        break
while True:
    pass
""", judge=_in_time(Ending.CPU_TIME, wall_seconds=2.0), limits=_SPIN),
    Attack(19, "close all output and stay", Guard.PROCESSES, """
os.close(0), os.close(1), os.close(2)
time.sleep(600)
""", judge=_in_time(Ending.WALL_TIME, wall_seconds=0.5), limits=within(wall_seconds=0.5)),
)  # fmt: skip
