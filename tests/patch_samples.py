"""A patch, and its backport into a copy with other context."""

PATCH = """\
From 1234 Mon Sep 17 00:00:00 2001
Subject: check the length

diff --git a/src/chunk.c b/src/chunk.c
index 3b18e51..9daeafb 100644
--- a/src/chunk.c
+++ b/src/chunk.c
@@ -10,5 +10,7 @@ static int chunk_read(struct stream *in)
     uint32_t size = read_u32(in);
     char buffer[256];

+    if (size > sizeof buffer)
+        return CHUNK_TOO_LONG;
     read_bytes(in, buffer, size);
     return 0;
diff --git a/CHANGELOG.md b/CHANGELOG.md
index 1111111..2222222 100644
--- a/CHANGELOG.md
+++ b/CHANGELOG.md
@@ -1,2 +1,3 @@
 # Changes
+- chunks longer than the buffer are refused
 - more
"""
BACKPORT = """\
diff --git a/third_party/wombat/src/chunk.c b/third_party/wombat/src/chunk.c
index 7777777..8888888 100644
--- a/third_party/wombat/src/chunk.c
+++ b/third_party/wombat/src/chunk.c
@@ -310,3 +310,5 @@ static int chunk_read(struct stream *in)
     char old_buffer[128];
+    if (size > sizeof  buffer)
+        return CHUNK_TOO_LONG;
     read_bytes(in, old_buffer, size);
     return 0;
"""
