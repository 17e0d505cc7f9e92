// What is new is announced and never moved under the eyes of a reader: following the bar loads the page again.
// The server sends events named "change" with data {"topic": "inbox", "count": 3}; a topic is what the page's bar asks for.
const bars = [...document.querySelectorAll("[data-live]")];
if (bars.length && "EventSource" in window) {
  const topics = bars.map((bar) => bar.dataset.live).join(",");
  const source = new EventSource(`/live?topics=${encodeURIComponent(topics)}`);
  const counts = new Map();
  source.addEventListener("change", (event) => {
    const { topic, count = 1 } = JSON.parse(event.data);
    for (const bar of bars) {
      if (bar.dataset.live !== topic) continue;
      counts.set(topic, (counts.get(topic) ?? 0) + count);
      bar.querySelector("a").textContent = `${counts.get(topic)} new: show`;
      bar.hidden = false;
    }
  });
  addEventListener("pagehide", () => source.close());
}
