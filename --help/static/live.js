// What is new is announced and never moved under the eyes of a reader: following the bar loads the page again.
// The server sends events named "change" with data {"topic": "inbox", "count": 3, "kind": ""}; a topic is what the page's bar asks for.
// In a case a kind is "message" or "step"; what the page knew when it was made stands in the bar's data and is added to.
const bars = [...document.querySelectorAll("[data-live]")];
if (bars.length && "EventSource" in window) {
  const topics = bars.map((bar) => bar.dataset.live).join(",");
  const source = new EventSource(`/live?topics=${encodeURIComponent(topics)}`);
  const words = (kind, count) => (kind ? `${count} new ${kind}${count === 1 ? "" : "s"}` : `${count} new`);
  source.addEventListener("change", (event) => {
    const { topic, count = 1, kind = "" } = JSON.parse(event.data);
    for (const bar of bars) {
      if (bar.dataset.live !== topic) continue;
      const name = kind || "things";
      bar.dataset[name] = Number(bar.dataset[name] ?? 0) + count;
      const said = ["message", "step", ""].filter((one) => Number(bar.dataset[one || "things"] ?? 0) > 0);
      bar.querySelector("a").textContent = `${said.map((one) => words(one, Number(bar.dataset[one || "things"]))).join(", ")}: show`;
      bar.hidden = false;
    }
  });
  addEventListener("pagehide", () => source.close());
}
