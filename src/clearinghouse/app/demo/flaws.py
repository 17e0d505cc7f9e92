"""What is wrong with `libtinyimg`, a library that does not exist, in the words of people who see it differently."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw, with several ways to say each thing."""

    key: str
    function: str
    path: str
    line: int
    weakness: str
    crash: str
    """What a sanitizer says, empty where nothing crashes."""
    access: str
    fixed: str
    titles: tuple[str, ...]
    causes: tuple[str, ...]
    effects: tuple[str, ...]
    frames: tuple[str, ...]


FLAWS: tuple[Flaw, ...] = (
    Flaw(
        "palette", "png_read_palette", "src/png.c", 412, "CWE-787", "heap-buffer-overflow", "WRITE of size 3", "1.8.3",
        (
            "Heap buffer overflow in png_read_palette",
            "Out-of-bounds write when a PNG carries an oversized PLTE chunk",
            "PLTE chunk longer than 768 bytes corrupts the heap",
            "libtinyimg PNG palette parsing memory corruption",
        ),
        (
            "The number of palette entries is taken from the PLTE chunk length and never compared with the 256 entries that were allocated.",
            "png_read_palette() divides the chunk length by three and copies that many entries into a fixed table of 256.",
            "While decoding the palette of an indexed PNG the loop bound comes from the file, not from the table it fills.",
        ),
        (
            "A crafted image overwrites memory behind the palette table.",
            "An attacker who can supply a PNG may corrupt the heap and possibly run code.",
            "Opening a prepared picture writes up to 64 KB past an allocation.",
        ),
        ("png_read_palette", "png_read_chunks", "ti_load_png", "ti_load"),
    ),
    Flaw(
        "text", "png_read_text", "src/png.c", 655, "CWE-125", "heap-buffer-overflow", "READ of size 1", "1.8.3",
        (
            "Out-of-bounds read in png_read_text",
            "Missing terminator in tEXt keyword leads to heap over-read",
            "PNG tEXt chunk without NUL separator reads past the buffer",
            "libtinyimg PNG text chunk information leak",
        ),
        (
            "The keyword of a tEXt chunk is measured with strlen although nothing guarantees a terminating zero inside the chunk.",
            "png_read_text() searches for the NUL between keyword and text and does not stop at the end of the chunk.",
            "A tEXt chunk that holds no separator makes the comment reader run on into the following heap block.",
        ),
        (
            "Heap contents end up in the comment returned to the caller.",
            "Applications that show image comments may disclose memory.",
            "The process reads beyond its buffer and may crash.",
        ),
        ("png_read_text", "png_read_chunks", "ti_load_png", "ti_load"),
    ),
    Flaw(
        "rows", "bmp_alloc_rows", "src/bmp.c", 188, "CWE-190", "heap-buffer-overflow", "WRITE of size 4096", "1.8.3",
        (
            "Integer overflow in bmp_alloc_rows",
            "Row table of a BMP is allocated too small after 32-bit multiplication wraps",
            "biHeight times stride overflows in the BMP loader",
            "BMP dimensions are multiplied without an overflow check",
        ),
        (
            "Height and stride of the bitmap header are multiplied as 32-bit integers before the allocation.",
            "bmp_alloc_rows() computes biHeight * stride in an unsigned int, which wraps for tall images.",
            "The size handed to malloc is the truncated product of two header fields.",
        ),
        (
            "The decoder then writes whole rows into a block that is far too small.",
            "A small file leads to a large controlled write.",
            "Memory behind the row buffer is overwritten while pixels are copied.",
        ),
        ("bmp_copy_row", "bmp_alloc_rows", "ti_load_bmp", "ti_load"),
    ),
    Flaw(
        "scale", "bmp_scale_row", "src/bmp.c", 301, "CWE-369", "FPE", "", "1.8.4",
        (
            "Division by zero in bmp_scale_row",
            "Thumbnailing a BMP of width zero kills the process",
            "Zero biWidth is not rejected before scaling",
        ),
        (
            "bmp_scale_row() divides by the source width, and a bitmap header may say that it is zero.",
            "The width of the header is used as a divisor when thumbnails are made.",
        ),
        (
            "The process ends with SIGFPE.",
            "A service that makes thumbnails can be stopped with one 54-byte upload.",
        ),
        ("bmp_scale_row", "ti_thumbnail", "main"),
    ),
    Flaw(
        "frame", "gif_next_frame", "src/gif.c", 247, "CWE-416", "heap-use-after-free", "READ of size 8", "1.8.3",
        (
            "Use-after-free in gif_next_frame",
            "Animated GIF with disposal method 3 uses a freed canvas",
            "Dangling previous-frame pointer in the GIF animator",
            "Freed frame is dereferenced when a GIF restores the previous canvas",
        ),
        (
            "The canvas saved for disposal method 3 is released with the frame it belongs to and read again for the next one.",
            "gif_next_frame() keeps a pointer to the previous canvas after gif_free_frame() has given it back.",
            "When a frame asks to restore the previous picture, the saved copy has been freed already.",
        ),
        (
            "An animated GIF makes the viewer read, and later write, freed memory.",
            "Code execution cannot be excluded where the allocator can be groomed.",
            "Playing the animation crashes the application.",
        ),
        ("gif_next_frame", "ti_animate", "main"),
    ),
    Flaw(
        "skip", "gif_skip_block", "src/gif.c", 96, "CWE-835", "timeout", "", "1.8.4",
        (
            "Endless loop in gif_skip_block",
            "GIF with a truncated extension block hangs the decoder",
            "Sub-block length is not checked at end of file, decoder spins",
        ),
        (
            "gif_skip_block() advances by the length byte it reads and does not notice that nothing more can be read.",
            "At the end of a truncated file the sub-block reader gets zero bytes again and again.",
        ),
        (
            "One core is kept busy for ever.",
            "A service that decodes uploads stops answering.",
        ),
        ("gif_skip_block", "gif_read_extension", "ti_load_gif"),
    ),
    Flaw(
        "strip", "tiff_read_strip", "src/tiff.c", 530, "CWE-908", "use-of-uninitialized-value", "", "1.8.4",
        (
            "Uninitialised memory returned by tiff_read_strip",
            "Short TIFF strips leave pixels uninitialised",
            "Heap contents leak into images decoded from TIFF files with short strips",
        ),
        (
            "If StripByteCounts says less than a full strip, tiff_read_strip() decodes what there is and leaves the rest of the buffer as malloc gave it.",
            "The strip buffer is not cleared and a truncated strip fills only part of it.",
        ),
        (
            "Fragments of other images become visible in the output.",
            "A converter that returns the decoded picture discloses process memory.",
        ),
        ("tiff_read_strip", "tiff_decode", "ti_load_tiff", "ti_load"),
    ),
    Flaw(
        "export", "ti_export_sprites", "tools/sprites.c", 74, "CWE-22", "", "", "1.8.4",
        (
            "Path traversal in ti_export_sprites",
            "Sprite names from an atlas file are used as file names without a check",
            "tinyimg-sprites writes outside the output directory",
        ),
        (
            "The name of each sprite is appended to the output directory, and `../` in it is kept.",
            "ti_export_sprites() opens `<outdir>/<name>.png` with the name taken verbatim from the atlas.",
        ),
        (
            "Unpacking a prepared atlas overwrites any file the user may write.",
            "Files outside the chosen folder can be replaced.",
        ),
        (),
    ),
    Flaw(
        "huffman", "jpg_build_huffman", "src/jpg.c", 365, "CWE-787", "stack-buffer-overflow", "WRITE of size 2", "1.8.3",
        (
            "Stack buffer overflow in jpg_build_huffman",
            "DHT segment with more than 256 codes overruns a local array",
            "Malformed JPEG Huffman table smashes the stack",
            "Too many symbols in a DHT marker are written to a fixed array",
        ),
        (
            "The sixteen counts of a DHT segment are summed up and that many symbols are copied into an array of 256 on the stack.",
            "jpg_build_huffman() trusts the code counts of the file; their sum may be as large as 4080.",
            "Nobody checks that the symbols of a Huffman table fit the local buffer.",
        ),
        (
            "A crafted JPEG overwrites the return address where no stack protector is in use.",
            "Decoding a photo from the network may crash or be taken over.",
        ),
        ("jpg_build_huffman", "jpg_read_segments", "ti_load_jpg", "ti_load"),
    ),
)
