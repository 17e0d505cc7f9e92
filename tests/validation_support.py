"""A small made-up program with one planted flaw, its patches and inputs, and bytes by digest. Nobody runs it."""

import io
import tarfile
from dataclasses import dataclass, field

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import NotFound
from clearinghouse.core.policy import BenchPolicy
from clearinghouse.disclosure.validation.recipes.document import read_recipe
from clearinghouse.disclosure.validation.recipes.records import Recipe
from clearinghouse.disclosure.validation.workshop.materials import digest_of

STRIPS = b"""#include <stdint.h>
#include <stddef.h>
static volatile int sum;

static int read_strip(const uint8_t *data, size_t size) {
  int total = 0;
  uint8_t count = data[1];
  for (int at = 0; at < count; at++) total += data[2 + at];
  return total;
}

static int read_file(const uint8_t *data, size_t size) {
  if (size < 2) return -1;
  if (data[0] != 'S') return -2;
  return read_strip(data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sum = read_file(data, size);
  return 0;
}
"""
FIX = b"""--- a/strips.c
+++ b/strips.c
@@ -5,5 +5,6 @@
 static int read_strip(const uint8_t *data, size_t size) {
   int total = 0;
   uint8_t count = data[1];
+  if ((size_t)count + 2 > size) return -3;
   for (int at = 0; at < count; at++) total += data[2 + at];
   return total;
"""
STUB = b"""--- a/strips.c
+++ b/strips.c
@@ -12,6 +12,7 @@
 static int read_file(const uint8_t *data, size_t size) {
+  return 0;
   if (size < 2) return -1;
   if (data[0] != 'S') return -2;
   return read_strip(data, size);
 }
"""
NO_FIX = b"""--- a/strips.c
+++ b/strips.c
@@ -12,5 +12,6 @@
 static int read_file(const uint8_t *data, size_t size) {
+  /* looked at, and left as it was */
   if (size < 2) return -1;
   if (data[0] != 'S') return -2;
   return read_strip(data, size);
"""
OTHER_FILE = b"--- a/nothing.c\n+++ b/nothing.c\n@@ -1,1 +1,1 @@\n-int a;\n+int b;\n"
CRASHING = b"S\xff123"
BENIGN = b"S\x03123"


def bench_policy() -> BenchPolicy:
    """The numbers of a fresh instance."""
    return parse_policy(1, default_policy_document()).bench


def tar_of(files: dict[str, bytes], *, gzip: bool = True) -> bytes:
    """An archive of files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz" if gzip else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


@dataclass
class Bytes:
    """Bytes by digest, in memory."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def add(self, content: bytes) -> str:
        """Keep bytes; gives their digest."""
        digest = digest_of(content)
        self.kept[digest] = content
        return digest

    def read(self, digest: str) -> bytes:
        """Bytes kept before."""
        if digest not in self.kept:
            raise NotFound(f"no bytes of {digest}")
        return self.kept[digest]


def strips_document(
    materials: Bytes, *, fixed: bytes | None = FIX, reproducer: bytes = CRASHING, benign: tuple[bytes, ...] = (BENIGN,),
    name: str = "heap-buffer-overflow", function: str = "read_strip", effect: str = "sanitizer", source: bytes = STRIPS,
    supplier: str = "reporter", harness: str = "reporter", extra: str = "", builds: str = "",
) -> bytes:
    """A recipe for the strips, its files kept in `materials`."""
    archive = materials.add(tar_of({"strips-1.2/strips.c": source}))
    patch = f'[builds.fixed]\npatches = ["{materials.add(fixed)}"]\n' if fixed is not None else ""
    listed = ", ".join(f'"{materials.add(each)}"' for each in benign)
    return f"""
format = "clearinghouse-recipe/1"
title = "A strip's count is believed"
component = "pkg:generic/strips"
language = "c"
build = [["clang", "{{flags}}", "-o", "harness", "strips.c", "{{driver}}"]]
reproducer = "{materials.add(reproducer)}"
benign = [{listed}]
{extra}
[[sources]]
name = "strips-1.2.tar.gz"
digest = "{archive}"
supplier = "{supplier}"
[harness]
kind = "function"
supplier = "{harness}"
[expected]
effect = "{effect}"
name = "{name}"
function = "{function}"
{patch}
{builds}
""".encode()


def strips(materials: Bytes, **changes: object) -> Recipe:
    """The recipe of `strips_document`."""
    return read_recipe(strips_document(materials, **changes), bench_policy())  # type: ignore[arg-type]
