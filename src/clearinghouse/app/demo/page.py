"""The page of the demonstration: one file, nothing loaded from anywhere, every text from outside escaped."""

from importlib import resources

from jinja2 import Environment, StrictUndefined

from clearinghouse.app.demo.run import Result
from clearinghouse.app.views.report import strongest
from clearinghouse.core.untrusted import clean_line
from clearinghouse.disclosure.deconfliction.records import Evidence


def render_page(result: Result) -> str:
    """The page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["line"] = lambda text, width=160: clean_line(str(text), width)
    template = (resources.files("clearinghouse.app.demo") / "page.html").read_text()
    refused = [entry for entry in result.taken if entry.notes]
    return environment.from_string(template).render(
        result=result, refused=refused, chart=chart, files=len(result.flood.files),
        finders=len({finder for finder, _, _ in result.flood.files}), formats=len({kind for *_, kind in result.flood.files} - {"hostile"}),
        verifier=result.instance.signer.verifier.render(),
    )


def chart(evidence: tuple[Evidence, ...]) -> list[dict[str, object]]:
    """The bars of an evidence chart, strongest first: where each begins and how wide it is, in percent of the track."""
    shown = strongest(evidence)
    widest = max((abs(entry.contribution) for entry in shown), default=1.0) or 1.0
    bars: list[dict[str, object]] = []
    for entry in shown:
        width = max(0.5, 50.0 * abs(entry.contribution) / widest)
        speaks_for = entry.contribution > 0
        bars.append({
            "left": round(50.0 if speaks_for else 50.0 - width, 1), "width": round(width, 1),
            "side": "for" if speaks_for else "against", "wording": entry.wording, "amount": f"{entry.contribution:+.2f}",
        })
    return bars
