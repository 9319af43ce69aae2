// Fetches the parts of the start page that change, every two seconds while somebody looks. Without it: load the page again.
"use strict";

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/live", { cache: "no-store" });
    if (!answer.ok) return;
    const news = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll(".live")) show(part, news.getElementById(part.id));
  } catch {
    // The sandbox has ended; what was last seen stays.
  }
}

function show(part, news) {
  // A part that holds the focus is left alone, so that nobody loses their place.
  if (part.innerHTML !== news.innerHTML && !part.contains(document.activeElement)) part.innerHTML = news.innerHTML;
}

setInterval(refresh, 2000);
