"""Hands in something of the right form, by chance: python3 - NAME SEED COMMAS"""

import random
import re
import sys
from pathlib import Path

name, seed, commas = sys.argv[1], sys.argv[2], int(sys.argv[3])
draw = random.Random(seed)
files = sorted(path for path in Path("/work").iterdir() if path.is_file() and path.name != "answer.txt")
text = "\n".join(path.read_text(errors="replace") for path in files)
target = Path("/work", name)
if name == "answer.txt":
    words = sorted(set(re.findall(r"[A-Za-z0-9][A-Za-z0-9_.:-]{2,}", text))) or ["nothing"]
    target.write_text(",".join(draw.choice(words) for _ in range(commas + 1)) + "\n")
elif target.exists():
    lines = target.read_text(errors="replace").split("\n")
    del lines[draw.randrange(len(lines))]
    target.write_text("\n".join(lines))
elif name.endswith(".bin"):
    target.write_bytes(bytes(draw.randrange(256) for _ in range(draw.randrange(1, 60))))
else:
    words = sorted(set(re.findall(r"[A-Za-z0-9/]+", text))) or ["nothing"]
    target.write_text("".join(" ".join(draw.choice(words) for _ in range(3)) + "\n" for _ in range(5)))
print(target.read_bytes()[:200].decode("latin-1").split("\n")[0])
