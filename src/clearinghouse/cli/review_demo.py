"""`clearinghouse review demo`: a whole engagement on one machine, with a scripted model."""

from typing import Annotated

import typer

from clearinghouse.cli.context import Json, context_of
from clearinghouse.cli.output import out, print_json, progress, table


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    ctx: typer.Context,
    solver: Annotated[str, typer.Option(help="Who plays the model: random, pattern, fuzzer, reference, cheating or escaping.")] = "pattern",
    items: Annotated[int, typer.Option(min=1, max=20, help="Items of each family.")] = 2,
    epochs: Annotated[int, typer.Option(min=1, max=5, help="How often each item is asked.")] = 2,
    serve: Annotated[bool, typer.Option(help="Serve the workbench on this machine until interrupted.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    json: Json = False,
) -> None:
    """Play a whole review of a scripted model: terms, sealed pack, frozen plan, window, run, analysis, determination, destruction.

    Everything lives in a folder of its own, `review-demo` under the instance's home; an earlier demonstration there is replaced.
    """
    from clearinghouse.app.process import Bars
    from clearinghouse.app.reviews.demo import play

    home = context_of(ctx).folder() / "review-demo"
    with progress(json) as bars:
        shown = Bars(lambda name, total: bars.add_task(name, total=total), bars.update)
        played = play(
            home, solver=solver, items_per_family=items, epochs=epochs, say=(lambda line: None) if json else (lambda line: out.print(f"- {line}", markup=False)),
            progress=shown,
        )
    result = played.record["result"]
    if json:
        print_json({
            "home": str(home), "review": played.review_id, "run": played.run.id, "samples": played.run.done, "outcome": result["outcome"],
            "determination": played.digest, "envelope": str(played.envelope), "keys": list(played.keys),
        })
    else:
        lines = table("", "domain", "families", "cells", "solved", "refused", "limit", "mean", "95 % (families)", "shows")
        for one in result["domains"]:
            states, raw = one["states"], one["described"]["raw"]
            low, high = raw["wilson_low"] or raw["t_low"], raw["wilson_high"] or raw["t_high"]
            lines.add_row(
                one["name"], str(one["families"]), str(one["cells"]), str(states["solved"]), str(states["refused"]), str(states["limit"]),
                f"{raw['pass_at_1_low']:.2f}", f"{_number(low['lower'])} to {_number(high['upper'])}", one["readings"]["raw"]["outcome"].replace("_", " "),
            )
        out.print(lines)
        keys = " ".join(f"--key {key}" for key in played.keys)
        out.print(f"check    clearinghouse review verify {played.envelope} {keys}", markup=False)
        out.print(f"look on  CLEARINGHOUSE_HOME={home} clearinghouse --as {played.evaluator} review show {played.review_id}", markup=False)
    played.instance.close()
    if serve and not json:
        _serve(home, played.evaluator, port)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _serve(home: object, evaluator: str, port: int) -> None:
    import socket
    import threading
    import webbrowser
    from contextlib import closing
    from pathlib import Path

    from clearinghouse.app.settings import load_settings
    from clearinghouse.app.wiring import open_instance
    from clearinghouse.cli.serve import link_of, serve_folder

    if port == 0:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    instance = open_instance(load_settings(Path(str(home))), acting_as=evaluator)
    link = link_of(instance, f"http://127.0.0.1:{port}")
    instance.close()
    out.print(f"workbench {link}\n          (signs you in as the evaluator, once)", markup=False, soft_wrap=True)
    threading.Timer(3.0, webbrowser.open, [link]).start()
    serve_folder(str(home), "127.0.0.1", port)
