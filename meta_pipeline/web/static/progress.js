// Replaces what changed, so that screen readers announce only that. Without JavaScript the page reloads itself.
"use strict";
async function refresh() {
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.getElementById("progress");
  const shown = document.getElementById("progress");
  if (next && shown.innerHTML !== next.innerHTML) {
    shown.innerHTML = next.innerHTML;
    document.title = page.title;
  }
  // Outside the live region, so that the seconds are not announced.
  const elapsed = document.getElementById("elapsed");
  if (elapsed) elapsed.textContent = page.getElementById("elapsed")?.textContent ?? "";
  if (next && next.dataset.ended === "yes") clearInterval(timer);
}
const timer = setInterval(() => refresh().catch(() => {}), 1000);
