// Without this the page reloads itself; with it only what changed is read out.
"use strict";
async function look() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("progress");
  const shown = document.getElementById("progress");
  if (now && shown.innerHTML !== now.innerHTML) {
    shown.innerHTML = now.innerHTML;
    document.title = page.title;
  }
  // Outside the live region: nobody wants every second read out.
  const elapsed = document.getElementById("elapsed");
  if (elapsed) elapsed.textContent = page.getElementById("elapsed")?.textContent ?? "";
  if (now && now.dataset.ended === "yes") clearInterval(timer);
}
const timer = setInterval(() => look().catch(() => {}), 1000);
