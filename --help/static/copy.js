// A button beside what one copies; without a script one double click selects the whole of it.
for (const shown of document.querySelectorAll("[data-copy-button]")) {
  if (!navigator.clipboard) break;
  shown.hidden = false;
  shown.addEventListener("click", async () => {
    await navigator.clipboard.writeText(shown.dataset.copyButton);
    const before = shown.textContent;
    shown.textContent = "Copied";
    setTimeout(() => { shown.textContent = before; }, 1500);
  });
}
// The menu of the account closes when one looks elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
