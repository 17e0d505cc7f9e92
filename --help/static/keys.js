// Keys for those who keep their hands on the keyboard. Nothing here does what a link or a button does not do as well.
const typing = (target) => target instanceof HTMLElement
  && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
const items = () => [...document.querySelectorAll("[data-item]")].map((item) => item.querySelector("a.title") ?? item.querySelector("a"));
const dialog = document.getElementById("keys");
let waitingForPlace = false;

function move(step) {
  const all = items().filter(Boolean);
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
  all[next].focus();
  all[next].closest("[data-item]").scrollIntoView({ block: "nearest" });
}

// A key presses the button that bears it; one that asks for a reason is opened and the cursor put into the field.
function press(key) {
  const scope = document.activeElement?.closest("[data-item]") ?? document;
  const bearer = scope.querySelector(`[data-key="${key}"]`) ?? document.querySelector(`[data-key="${key}"]`);
  if (!bearer) return;
  if (bearer.tagName === "DETAILS") {
    bearer.open = true;
    bearer.querySelector("input:not([type=hidden]), textarea, select, button")?.focus();
  } else bearer.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
  if (typing(event.target) || dialog?.open) return;
  if (waitingForPlace) {
    waitingForPlace = false;
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  switch (event.key) {
    case "j": move(1); break;
    case "k": move(-1); break;
    case "o": document.activeElement?.closest("[data-item]")?.querySelector("a")?.click(); break;
    case "m": case "s": case "u": case "n": press(event.key); break;
    case "g": waitingForPlace = true; break;
    case "/": document.querySelector("[data-search]")?.focus(); break;
    case "?": dialog?.showModal(); break;
    default: return;
  }
  event.preventDefault();
});
document.querySelectorAll("[data-show-keys]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => dialog?.showModal());
});
