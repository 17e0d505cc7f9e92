"""The table `[sandbox]`."""

from pathlib import Path

import pytest

from clearinghouse.app.settings import load_settings
from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox import Guard, SandboxSettings


def load(home: Path, text: str) -> SandboxSettings:
    (home / "clearinghouse.toml").write_text(text)
    return load_settings(home).sandbox


def test_settings_without_the_table_want_every_guard_but_those_that_need_root_or_another_kernel(tmp_path: Path) -> None:
    found = load(tmp_path, "")
    assert found == SandboxSettings("auto", 0, 990_000, None, frozenset(Guard) - {Guard.USER, Guard.KERNEL})


def test_settings_are_what_the_table_says(tmp_path: Path) -> None:
    text = '[sandbox]\nkind = "bubblewrap"\nslots = 3\nfirst_uid = 70000\ncgroup = "/system.slice/x"\nrequired = ["network", "system calls"]\n'
    assert load(tmp_path, text) == SandboxSettings("bubblewrap", 3, 70_000, "/system.slice/x", frozenset((Guard.NETWORK, Guard.SYSTEM_CALLS)))


@pytest.mark.parametrize(
    "line", ['kind = "none"', "kind = 1", "slots = -1", "slots = true", "first_uid = 0", 'first_uid = "x"', 'cgroup = "x"', 'cgroup = "/../x"',
             'required = "network"', 'required = ["walls"]', "required = [1]", "level = 1"],
)  # fmt: skip
def test_settings_of_another_form_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(Invalid, match=r"\[sandbox\]"):
        load(tmp_path, f"[sandbox]\n{line}\n")
