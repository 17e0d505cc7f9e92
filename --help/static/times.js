// The page speaks UTC, which is the same for all; the reader's own time stands in the hint.
const written = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) time.title = `${time.title ? `${time.title}; ` : ""}here: ${written.format(at)}`;
}
