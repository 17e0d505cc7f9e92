"""Frames that say nothing about a flaw: sanitizers, fuzzers, allocators, signal delivery, start-up code, panic machinery.

Our own list, grown from logs: add a name here when it turns up on top of unrelated crashes.
"""

ENTRY_FUNCTIONS = frozenset({
    "LLVMFuzzerTestOneInput", "main.LLVMFuzzerTestOneInput", "rust_fuzzer_test_input", "TestOneInput", "fuzzerTestOneInput",
    "FuzzerTestOneInput", "fuzz_target",
})
"""A fuzzer's way into the code: below it nothing belongs to the program under test."""

PANIC_FUNCTIONS = frozenset({
    "panic", "runtime.gopanic", "runtime.panicmem", "runtime.sigpanic", "runtime.goPanicIndex", "runtime.goPanicSliceB",
    "runtime.throw", "runtime.fatalthrow", "rust_begin_unwind", "rust_panic", "core::panicking::panic",
    "core::panicking::panic_fmt", "core::panicking::panic_bounds_check", "core::result::unwrap_failed",
    "core::option::expect_failed", "core::option::unwrap_failed", "core::panicking::panic_nounwind",
    "core::panicking::assert_failed", "core::panicking::assert_failed_inner", "std::panicking::begin_panic",
    "std::panicking::begin_panic_handler", "std::panicking::rust_panic_with_hook", "rust_oom",
    "alloc::alloc::handle_alloc_error", "std::panicking::begin_panic_fmt",
})
"""Where a runtime begins to fail: every frame further in is its own."""

RUNTIME_FUNCTIONS = frozenset({
    # start-up and threads
    "main", "_start", "start", "start_main", "__libc_start_main", "__libc_start_call_main", "__libc_start_main_impl", "start_thread",
    "clone", "clone3", "__clone", "__clone3", "_pthread_start", "thread_start", "BaseThreadInitThunk", "RtlUserThreadStart",
    "__scrt_common_main_seh", "__libc_csu_init", "_init", "wmain", "WinMain", "wWinMain", "runtime.main", "runtime.goexit", "main.main",
    # ending a process
    "abort", "__GI_abort", "raise", "__GI_raise", "gsignal", "__pthread_kill_implementation", "__pthread_kill_internal", "pthread_kill",
    "__GI___pthread_kill", "kill", "tgkill", "exit", "_exit", "__assert_fail", "__GI___assert_fail", "__assert_fail_base", "__assert_rtn",
    "__fortify_fail", "__GI___fortify_fail", "__stack_chk_fail", "__libc_message", "__chk_fail", "std::terminate",
    "__cxa_throw", "__cxa_rethrow", "__cxxabiv1::__terminate", "_Unwind_Resume", "__restore_rt", "killpg", "waitpid", "wait4",
    "__GI___wait4", "do_system", "system", "runtime.raise", "runtime.dieFromSignal", "runtime.crash", "runtime.fatalpanic",
    "runtime.sigfwdgo", "runtime.sigtrampgo", "runtime.sigtramp", "runtime.newstack", "runtime.morestack", "runtime.systemstack",
    "runtime.mcall", "runtime.asmcgocall", "runtime.cgocall", "runtime.cgocallback", "runtime.cgocallbackg", "runtime.cgocallbackg1",
    # allocation
    "malloc", "free", "cfree", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc", "valloc", "operator new",
    "operator new[]", "operator delete", "operator delete[]", "__libc_malloc", "__GI___libc_malloc", "__libc_free", "__GI___libc_free",
    "__libc_calloc", "__libc_realloc", "_int_malloc", "_int_free", "_int_realloc", "unlink_chunk", "malloc_consolidate", "sysmalloc",
    "__malloc_assert", "malloc_printerr", "munmap_chunk", "tcache_get", "tcache_put", "__libcpp_allocate", "strdup", "__strdup",
    "__GI___strdup", "strndup", "__strndup", "g_malloc", "g_malloc0", "g_realloc", "g_free", "kmalloc", "kfree", "kmem_cache_alloc",
    # copying and comparing memory: the caller is what matters
    "memcpy", "memmove", "memset", "memcmp", "bcmp", "memchr", "memmem", "strlen", "strnlen", "strcpy", "strncpy", "strcat", "strncat",
    "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strchr", "strrchr", "strstr", "strtol", "strtoul", "strspn", "strcspn", "wcslen",
    "printf", "vprintf", "fprintf", "sprintf", "vsprintf", "snprintf", "vsnprintf", "__vsnprintf", "puts", "fwrite", "fread", "read",
    "write", "qsort", "bsearch", "atoi", "atol", "strerror", "printf_common",
    # kernel
    "dump_stack", "__dump_stack", "dump_stack_lvl", "show_stack", "dump_backtrace", "print_address_description", "print_report",
    "kasan_report", "kasan_report_error", "kasan_report_user_access", "check_memory_region", "check_region_inline", "kasan_check_range",
    "kasan_save_stack", "panic_on_warn", "__warn", "report_bug", "handle_bug", "exc_invalid_op", "asm_exc_invalid_op",
    "entry_SYSCALL_64_after_hwframe", "do_syscall_64", "__do_sys_ioctl", "ret_from_fork", "kthread", "worker_thread", "process_one_work",
    "end_report", "__kasan_report", "do_error_trap", "invalid_op", "el0_svc", "el0_sync", "ret_fast_syscall", "asm_exc_page_fault",
    # Python, Java, Rust
    "lambda", "<module>", "runpy._run_module_as_main", "rust_maybe_catch_panic", "__rust_maybe_catch_panic", "__rust_try",
    "rust_eh_personality", "backtrace",
})

RUNTIME_PREFIXES = (
    "__asan", "__msan", "__tsan", "__ubsan", "__lsan", "__hwasan", "__sanitizer", "__interceptor", "___interceptor", "__kasan", "kasan_",
    "fuzzer::", "centipede::", "fuzztest::internal::", "testing::internal::", "testing::Test::", "testing::UnitTest::", "atheris",
    "libfuzzer_sys::", "afl::", "std::panicking::", "std::panic::", "std::rt::", "std::sys::", "std::sys_common::", "std::process::",
    "core::panicking::", "core::ops::function::", "core::fmt::", "core::result::Result::unwrap", "core::result::Result::expect",
    "core::option::Option::unwrap", "core::option::Option::expect", "core::slice::index::", "alloc::vec::", "alloc::raw_vec::",
    "alloc::alloc::", "std::alloc::", "std::io::", "backtrace::", "runtime.panic", "runtime.goPanic", "runtime.sig", "runtime.fatal",
    "main._cgoexp", "_cgoexp", "__memcpy", "__memmove", "__memset", "__memcmp", "__strlen", "__str", "__GI_", "__GI__", "__pthread_",
    "std::vector::", "std::basic_string::", "std::unique_ptr::", "std::shared_ptr::", "std::allocator", "std::__", "std::_",
    "base::debug::", "logging::LogMessage", "logging::CheckError", "v8::base::OS::Abort", "V8_Fatal", "WTF::PartitionAlloc", "__libc_", "_IO_", "__vfprintf",
    "__vsprintf", "__vsnprintf", "__printf", "__sprintf", "__snprintf", "__fprintf", "___sprintf",
    "___printf", "___snprintf", "___vs", "___fprintf", "___str", "___mem",
    "java.lang.reflect.", "jdk.internal.", "sun.reflect.", "java.lang.Thread.", "com.code_intelligence.jazzer.", "java.util.Objects.",
    "java.base/", "org.junit.", "_pytest.", "pluggy.", "unittest.",
)

RUNTIME_PATHS = (
    "/compiler-rt/", "/libfuzzer/", "/libFuzzer/", "/sysdeps/", "/libstd/", "/library/std/", "/library/core/", "/library/alloc/",
    "/libcore/", "/liballoc/", "/libpanic_unwind/", "/nptl/", "/csu/", "/glibc-", "/eglibc-", "/include/c++/", "/libc++/", "/libcxx/",
    "/lib/Fuzzer/", "/zircon/", "third_party/fuzztest/", "third_party/googletest/", "<embedded stdlib>", "/asan_", "<frozen ",
    "bits/stl_", "bits/basic_string", "/runtime/panic.go", "/runtime/asm_", "/runtime/proc.go",
)
