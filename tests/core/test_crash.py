"""What of a frame is kept for comparing, and what is left out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.crash import fold_recursion, is_runtime, normalise_function, normalise_path, significant_frames


@pytest.mark.parametrize(("given_name", "expected"), [
    ("void ns::Reader::copy<ns::Line, 3>(ns::Line*, int) const", "ns::Reader::copy"),
    ("net::(anonymous namespace)::Parse(char const*)", "net::Parse"),
    ("std::__1::vector<int, std::__1::allocator<int> >::push_back(int&&)", "std::vector::push_back"),
    ("__interceptor_memcpy.part.35", "memcpy"),
    ("decode_row.constprop.1", "decode_row"),
    ("key_destroy+0xe2/0x186", "key_destroy"),
    ("operator new[](unsigned int)", "operator new[]"),
    ("A::operator()(int) const", "A::operator()"),
    ("bool operator==<char>(a const&, b const&)", "operator=="),
    ("main.(*Server).handle.func2.1(0xc000010000)", "main.(*Server).handle"),
    ("img::decode::h3e3f989126541ea9", "img::decode"),
    ("img::run::_$u7b$$u7b$closure$u7d$$u7d$::h8a22640c22e97ee8", "img::run::lambda"),
    ("_$LT$img..Png$u20$as$u20$img..Decode$GT$::next::h8a22640c22e97ee8", "img::Png::next"),
    ("org.example.Reader$1.lambda$read$0", "org.example.Reader.read"),
    ("non-virtual thunk to ui::Window::~Window()", "ui::Window::~Window"),
    ("??", ""), ("(null)", ""), ("", ""),
])
def test_normalise_function(given_name: str, expected: str) -> None:
    assert normalise_function(given_name) == expected


@pytest.mark.parametrize(("given_path", "expected"), [
    ("/src/libpng/pngread.c", "libpng/pngread.c"),
    ("../../third_party/x/y.c", "third_party/x/y.c"),
    ("/home/anna/work/../lib/a.c", "lib/a.c"),
    ("C:\\b\\src\\a.cc", "b/src/a.cc"),
    ("/home/x/.local/lib/python3.11/site-packages/pkg/mod.py", "pkg/mod.py"),
    ("/root/.cargo/registry/src/example.org-1ecc6299db9ec823/img-0.3.2/src/lib.rs", "img-0.3.2/src/lib.rs"),
    ("/go/src/example.org/a/b.go", "example.org/a/b.go"),
    ("lib/a.c", "lib/a.c"), ("??", ""),
])
def test_normalise_path(given_path: str, expected: str) -> None:
    assert normalise_path(given_path) == expected


def test_significant_frames_leave_out_runtime_and_harness() -> None:
    functions = ["__interceptor_memcpy", "png_read_row", "png_read_row", "png_read_image", "LLVMFuzzerTestOneInput", "fuzzer::Fuzzer::RunOne(x)", "main"]
    assert significant_frames(functions) == ("png_read_row", "png_read_image")


def test_significant_frames_begin_below_the_panic() -> None:
    functions = ["main.cleanup.func1(0x0)", "panic({0x1, 0x2})", "example.org/a.parse(...)", "main.main()"]
    assert significant_frames(functions) == ("example.org/a.parse",)


def test_significant_frames_fall_back_to_the_harness() -> None:
    assert significant_frames(["abort", "LLVMFuzzerTestOneInput", "main"]) == ("LLVMFuzzerTestOneInput",)


def test_runtime_by_path() -> None:
    assert is_runtime("helper", "/src/llvm-project/compiler-rt/lib/asan/x.cpp")
    assert not is_runtime("png_read_row", "libpng/pngread.c")


def test_mutual_recursion_is_folded() -> None:
    assert fold_recursion(["a", "b", "a", "b", "a", "b", "c"]) == ["a", "b", "a", "c"]


@given(st.text(max_size=300))
def test_normalising_any_text_ends_and_is_stable_in_type(text: str) -> None:
    assert isinstance(normalise_function(text), str)
    assert isinstance(normalise_path(text), str)
    assert significant_frames([text, text], [text]) == significant_frames([text, text], [text])


@pytest.mark.parametrize("sign", ["A", "(", "<", "$", ".func1", "{lambda(", "$u7b$", "::", "/", "../", "operator<", ") at "])
def test_normalising_hostile_names_takes_no_time(sign: str) -> None:
    begun = time.process_time()
    for _ in range(20):
        normalise_function(sign * 100_000)
        normalise_path(sign * 100_000)
    assert time.process_time() - begun < 2
