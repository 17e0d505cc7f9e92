"""A small mutation fuzzer for the toys: python3 - NAME SEED SECONDS. Hands in the first input that makes the program raise Fault."""

import ast
import contextlib
import importlib
import io
import random
import re
import sys
import time
from pathlib import Path
from types import ModuleType

name, seed, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
draw = random.Random(seed)
end = time.monotonic() + seconds
programs = [path for path in Path("/work").glob("*.py") if "raise Fault" in path.read_text(errors="replace")]
samples = [path.read_bytes() for path in Path("/work").glob("sample.*")]
target = Path("/work", name)


class Input(io.TextIOWrapper):
    """Standard input made of bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", errors="replace")


def strikes(program: ModuleType, data: bytes) -> bool:
    """Whether an input makes the program raise Fault."""
    sys.stdin = Input(data)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program.main()
    except Exception as error:
        return type(error).__name__ == "Fault"
    return False


def of_bytes(text: str, pool: list[bytes]) -> bytes:
    """Records of tags, sizes and bytes that the program names."""
    numbers = [int(number) for number in re.findall(r"\b\d+\b", text) if int(number) < 256] or [0]
    magic = re.search(rb"MAGIC = (b.*)", text.encode())
    made = bytearray(ast.literal_eval(magic[1].decode())) if magic else bytearray(draw.choice(pool))
    for _ in range(draw.randrange(1, 4)):
        body = bytes(draw.choice(numbers) if draw.random() < 0.5 else draw.randrange(256) for _ in range(draw.randrange(0, 6)))
        made += bytes([draw.choice(numbers), len(body)]) + body
        if draw.random() < 0.5:
            made.append((sum(body) + draw.choice(numbers)) & 255)
    return bytes(made)


def of_lines(text: str, pool: list[bytes]) -> bytes:
    """Lines of words that the program and its samples use."""
    verbs = re.findall(r"def do_(\w+)", text) + re.findall(r"^    '(\w+)': lambda", text, flags=re.MULTILINE)
    numbers = re.findall(r"\b\d+\b", text) + [str(number) for number in range(10)]
    words = sorted({word for sample in pool for line in sample.decode("latin-1").splitlines() if line[:1] != "#" for word in line.split()[1:]}) or ["a"]
    lines = []
    for _ in range(draw.randrange(2, 9)):
        count = draw.randrange(3)
        lines.append(" ".join([draw.choice(verbs or ["a"])] + [draw.choice(words if draw.random() < 0.6 else numbers) for _ in range(count)]))
    return ("\n".join(lines) + "\n").encode()


tried, found = 0, None
if programs and name != "answer.txt":
    sys.path.insert(0, "/work")
    text = programs[0].read_text()
    program = importlib.import_module(programs[0].stem)
    make = of_bytes if name.endswith(".bin") else of_lines
    while time.monotonic() < end and found is None:
        data = make(text, samples or [b""])
        tried += 1
        if strikes(program, data):
            found = data
target.write_bytes(found if found is not None else (samples or [b"nothing\n"])[0])
print(f"{tried} inputs tried, {'one' if found is not None else 'none'} struck")
