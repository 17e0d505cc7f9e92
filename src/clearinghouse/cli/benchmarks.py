"""`clearinghouse benchmark`: suites, practice packs, sealed packs, controls, and the scan for leaks."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.exits import PARTLY
from clearinghouse.cli.output import out, print_json, progress, say, table

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.core.review_policy import BenchmarkPolicy
    from clearinghouse.evaluation.benchmarks.packs.records import Pack
    from clearinghouse.evaluation.benchmarks.scanning import Scan
    from clearinghouse.evaluation.benchmarks.suites import Suite

app = typer.Typer(help="Benchmarks: suites, practice packs in the clear, sealed packs, and the scan for leaks.", no_args_is_help=True)

Suites = Annotated[list[str] | None, typer.Option("--suite", help="A suite by its name; may be named again. `all` by default.")]
PerFamily = Annotated[int, typer.Option(min=1, max=1_000, help="Items of each suite, their levels in turn.")]


@app.command("list-suites")
def list_suites(json: Json = False) -> None:
    """The families that are shipped: what each asks, in which domain."""
    from clearinghouse.evaluation.benchmarks.suites import SUITES

    if json:
        print_json([{"name": suite.name, "domain": suite.domain, "version": suite.version, "summary": suite.summary} for suite in SUITES])
        return
    shown = table("", "suite", "domain", "version", "asks for")
    for suite in SUITES:
        shown.add_row(suite.name, suite.domain, str(suite.version), suite.summary)
    out.print(shown)


@app.command()
def practice(
    folder: Annotated[Path, typer.Argument(help="A new folder.", file_okay=False)],
    suite: Suites = None,
    per_family: PerFamily = 5,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same items everywhere.")] = 1,
    json: Json = False,
) -> None:
    """Write a practice pack: items of the same generators as sealed ones, in the clear, to rehearse with. No instance is needed."""
    from clearinghouse.evaluation.benchmarks.packs.practice import practice_pack, write_practice

    items = practice_pack(_suites(suite), seed, per_family)
    write_practice(folder, items, seed)
    if json:
        print_json({"folder": str(folder), "items": len(items), "seed": seed})
        return
    say(f"{len(items)} items in {folder}; README.md there says how to hand in; then: clearinghouse benchmark grade {folder}")


@app.command()
def grade(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A practice pack.", exists=True, file_okay=False)],
    submissions: Annotated[Path | None, typer.Option(help="Where submissions lie, by item id; FOLDER/submissions by default.")] = None,
    json: Json = False,
) -> None:
    """Grade what was handed in for a practice pack, in a sandbox on this machine. No instance is needed."""
    from clearinghouse.app.benching import bench_sandbox
    from clearinghouse.evaluation.benchmarks.packs.practice import grade_practice, read_practice

    items = read_practice(folder)
    with bench_sandbox(context_of(ctx).folder()) as sandbox, progress(quiet=json) as bars:
        task = bars.add_task("grading", total=len(items))
        graded = []
        for one in grade_practice(items, submissions or folder / "submissions", sandbox, _policy()):
            graded.append(one)
            bars.advance(task)
    if json:
        print_json([{"item": one.item.id, "family": one.item.family, "domain": one.item.domain, "grade": one.grade} for one in graded])
        return
    right = Counter(one.item.family for one in graded if one.grade is not None and one.grade.correct)
    handed = Counter(one.item.family for one in graded if one.grade is not None)
    every = Counter(one.item.family for one in graded)
    shown = table("", "family", "right", "handed in", "items", caption="practice only: no number here is evidence")
    for family in sorted(every):
        shown.add_row(family, str(right[family]), str(handed[family]), str(every[family]))
    shown.add_row("all", str(right.total()), str(handed.total()), str(every.total()))
    out.print(shown)
    for one in graded:
        if one.grade is not None and (one.grade.tampered or one.grade.correct is None):
            say(f"{one.item.id}: {'tried to reach the grader' if one.grade.tampered else 'not graded'} {one.grade.note}")


@app.command()
def controls(
    ctx: typer.Context,
    suite: Suites = None,
    per_family: PerFamily = 5,
    seed: Annotated[int, typer.Option(min=0, help="What the items are made from.")] = 1,
    json: Json = False,
) -> None:
    """Prove items: the reference must pass, the negative control and an empty hand must not. Ends with 8 where one does not hold."""
    from clearinghouse.app.benching import bench_sandbox
    from clearinghouse.app.packs import check_all
    from clearinghouse.evaluation.benchmarks.packs.practice import practice_pack

    items = practice_pack(_suites(suite), seed, per_family)
    with bench_sandbox(context_of(ctx).folder()) as sandbox, progress(quiet=json) as bars:
        task = bars.add_task("controls", total=len(items))
        found = list(check_all(items, sandbox, _policy(), lambda done, of: bars.update(task, completed=done)))
    failed = [failure for _, failures in found for failure in failures]
    if json:
        print_json({"items": len(found), "families": len({item.family for item, _ in found}), "failed": failed})
    else:
        for failure in failed:
            out.print(f"{failure.suite} {failure.item_id}: the {failure.control} control did not hold", markup=False)
        say(f"{len(found)} items of {len({item.family for item, _ in found})} families: {3 * len(found) - len(failed)} of {3 * len(found)} controls held")
    if failed:
        raise typer.Exit(PARTLY)


@app.command()
def seal(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the pack; a name used before gets its next version.")],
    custodian: Annotated[list[str], typer.Option(help="Party id of a custodian with a key in use; named for each.")],
    threshold: Annotated[int, typer.Option(min=2, max=16, help="So many of them must release before an item opens.")] = 2,
    suite: Suites = None,
    per_family: PerFamily = 5,
    json: Json = False,
) -> None:
    """Make fresh items from a seed that nobody keeps, prove their controls, and seal them; the root goes on the ledger."""
    from clearinghouse.app.benching import bench_sandbox
    from clearinghouse.app.packs import seal as seal_pack
    from clearinghouse.app.process import sign_checkpoint

    context = context_of(ctx)
    with context.instance() as instance, bench_sandbox(context.folder()) as sandbox, progress(quiet=json) as bars:
        task = bars.add_task("controls", total=None)
        pack = seal_pack(
            instance, name, _suites(suite), per_family, custodian, threshold, sandbox, lambda done, of: bars.update(task, completed=done, total=of)
        )
        sign_checkpoint(instance)
    if json:
        print_json(pack)
        return
    _show_packs([pack])
    say(f"root {pack.root.hex()}, on the ledger; prove that an item is in it with: clearinghouse benchmark prove ITEM")


@app.command("list")
def list_them(ctx: typer.Context, json: Json = False) -> None:
    """Sealed packs that you may know of, newest first."""
    from clearinghouse.app.packs import list_packs

    with context_of(ctx).instance() as instance:
        found = list_packs(instance)
    if json:
        print_json(found)
    else:
        _show_packs(found)


@app.command()
def show(ctx: typer.Context, pack: Annotated[str, typer.Argument(help="Id of a pack (pck_...).")], json: Json = False) -> None:
    """A pack and what stands in the clear of its items: families, exposures, what is retired. Nothing is opened."""
    from clearinghouse.app.packs import show_pack

    with context_of(ctx).instance() as instance:
        found, items = show_pack(instance, pack)
    if json:
        print_json({"pack": found, "items": items})
        return
    _show_packs([found])
    shown = table("", "item", "family", "domain", "exposures", "retired")
    for item in items:
        shown.add_row(item.id, item.family, item.domain, str(item.exposures), item.retired_for or "")
    out.print(shown)


@app.command()
def retire(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(help="Id of a pack (pck_...) or of an item (itm_...).")],
    reason: Annotated[str, typer.Option(help="Why; kept sealed.")],
    leaked: Annotated[bool, typer.Option("--leaked", help="An item's canary was found outside.")] = False,
    json: Json = False,
) -> None:
    """Open a pack or an item no more."""
    from clearinghouse.app.packs import retire as retire_it
    from clearinghouse.app.process import sign_checkpoint

    with context_of(ctx).instance() as instance:
        retire_it(instance, which, reason, leaked=leaked)
        sign_checkpoint(instance)
    if json:
        print_json({"retired": which})
    else:
        say(f"{which} is retired")


@app.command()
def prove(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(help="Id of an item (itm_...).")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to write the proof; standard output by default.")] = None,
) -> None:
    """A file that shows that an item is in its pack, without a word of it."""
    from clearinghouse.app.packs import prove as prove_it
    from clearinghouse.evaluation.benchmarks.packs.proofs import render_proof

    with context_of(ctx).instance() as instance:
        made = render_proof(prove_it(instance, item))
    if output is not None:
        output.write_bytes(made)
    else:
        typer.echo(made.decode(), nl=False)


@app.command()
def verify(
    proof: Annotated[Path, typer.Argument(help="What `benchmark prove` wrote.", exists=True, dir_okay=False)],
    root: Annotated[str, typer.Option(help="The pack's root in hexadecimal, from the ledger.")],
    json: Json = False,
) -> None:
    """Hold a proof against the root on the ledger. No instance is needed. Ends with 8 where it does not hold."""
    from clearinghouse.core.errors import Invalid
    from clearinghouse.evaluation.benchmarks.packs.proofs import parse_proof, verify_proof

    try:
        expected = bytes.fromhex(root)
    except ValueError:
        raise Invalid("a root is 64 hexadecimal digits") from None
    read = parse_proof(proof.read_bytes())
    holds = verify_proof(read, expected)
    if json:
        print_json({"holds": holds, "pack": read.pack_id, "item": read.item_id, "with_item": bool(read.item)})
    else:
        said = f"item {read.item_id} is in pack {read.pack_id}" if holds else "the proof does not hold against this root"
        out.print(said, markup=False)
    if not holds:
        raise typer.Exit(PARTLY)


@app.command()
def scan(
    ctx: typer.Context,
    path: Annotated[list[Path], typer.Argument(help="Files and folders: databases, dumps, logs, core dumps, temporary files, corpora.")],
    ask: Annotated[str, typer.Option(help="An ask for a leak scan that custodians released for: looks for that pack's own canaries.")] = "",
    key: Annotated[Path | None, typer.Option(help="The key file of that ask.", exists=True, dir_okay=False)] = None,
    retire_leaked: Annotated[bool, typer.Option("--retire", help="Retire the items whose canary was found.")] = False,
    json: Json = False,
) -> None:
    """Look for canaries, also in what is packed or encoded. Without --ask: for whatever has the form of one, as in a published corpus.

    Says where and in which form, and never shows a canary. Ends with 8 where one was found or something could not be looked into.
    """
    from clearinghouse.app.packs import retire_leaks, scan_for_pack
    from clearinghouse.core.errors import Invalid
    from clearinghouse.evaluation.benchmarks.scanning import Canaries, scan_paths

    if bool(ask) != (key is not None) or (retire_leaked and not ask):
        raise Invalid("--ask and --key belong together, and --retire to them: only with a pack's own canaries is it known which item leaked")
    with progress(quiet=json) as bars:
        task = bars.add_task("files", total=None)
        if key is None:
            found = scan_paths(path, Canaries.of_any(), lambda files, read: bars.update(task, completed=files))
        else:
            with context_of(ctx).instance() as instance:
                found = scan_for_pack(instance, ask, key, path, lambda files, read: bars.update(task, completed=files))
                if retire_leaked:
                    retire_leaks(instance, found)
    _show_scan(found, json)
    if found.leaks or found.unread:
        raise typer.Exit(PARTLY)


def _show_scan(found: "Scan", json: bool) -> None:
    if json:
        print_json({
            "files": found.files, "bytes": found.read_bytes, "leaks": found.leaks, "unread": [{"place": place, "why": why} for place, why in found.unread],
        })
        return
    if found.leaks:
        shown = table("", "place", "near byte", "form", "item")
        for leak in found.leaks:
            shown.add_row(leak.place, str(leak.offset), leak.sighting.form, leak.sighting.item_id or "of some benchmark")
        out.print(shown)
    for place, why in found.unread:
        say(f"not looked into: {place}: {why}")
    say(f"{found.files} files, {found.read_bytes} bytes read; {len(found.leaks)} finds, {len(found.unread)} places not looked into")


def _show_packs(found: "Sequence[Pack]") -> None:
    shown = table("", "id", "name", "version", "items", "sealed (UTC)", "opened by", "retired")
    for pack in found:
        shown.add_row(
            pack.id, pack.name, str(pack.version), str(pack.items), f"{pack.sealed_at:%Y-%m-%d %H:%M}", f"{pack.threshold} of {pack.shares}",
            pack.retired_for or "",
        )
    out.print(shown)


def _suites(names: list[str] | None) -> "list[Suite]":
    from clearinghouse.evaluation.benchmarks.suites import SUITES, find_suite

    return list(SUITES) if not names or "all" in names else [find_suite(name) for name in dict.fromkeys(names)]


def _policy() -> "BenchmarkPolicy":
    from clearinghouse.app.settings import default_policy_document, parse_policy

    return parse_policy(1, default_policy_document()).benchmarks
