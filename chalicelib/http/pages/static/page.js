/*
 * The client's page: local times, the countdown, a payment made ready, and asking again when things may have changed.
 * The page works without it. It trusts the server's clock, never the device's, and stores nothing.
 */
"use strict";

(() => {
  const facts = document.body.dataset;
  const ASK_AT_MOST_EVERY = 5000;
  const GIVE_THE_BUTTON_BACK_AFTER = 15000;
  const TRIES_TO_PREPARE = 6;
  const SECONDS_BETWEEN_TRIES = 5;

  // --- the server's clock ------------------------------------------------------------------------------------------

  let serverTime = Date.parse(facts.now);
  let readAt = answeredAt();

  /** When the page's first byte arrived: the moment nearest to the server's `now`, in milliseconds since navigation. */
  function answeredAt() {
    const [navigation] = performance.getEntriesByType("navigation");
    return navigation ? navigation.responseStart : performance.now();
  }

  function now() {
    return serverTime + performance.now() - readAt;
  }

  // --- times in the reader's zone ----------------------------------------------------------------------------------

  /** The page is in English, so its dates are too, in the reader's kind of English if there is one. */
  const locale = navigator.languages.find((language) => /^en\b/i.test(language)) || "en-GB";
  const DAY = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  const TIME = { hour: "numeric", minute: "2-digit" };

  function written(date, parts) {
    return new Intl.DateTimeFormat(locale, parts).format(date);
  }

  function showLocalTimes() {
    const start = document.querySelector('[data-shows="start"]');
    if (!start) return;
    const firstDay = written(new Date(start.dateTime), DAY);
    for (const time of document.querySelectorAll("time[data-shows]")) {
      time.textContent = localText(new Date(time.dateTime), time.dataset.shows, firstDay);
    }
    document.querySelector("[data-utc]").textContent = "";
    document.querySelector("[data-zone]").textContent = zoneText(new Date(start.dateTime));
    document.querySelector("[data-when]").classList.add("local");
  }

  function localText(date, shows, firstDay) {
    const day = written(date, DAY);
    const hours = written(date, TIME);
    if (shows === "day") return day;
    return shows === "start" || day === firstDay ? hours : `${day}, ${hours}`;
  }

  /** The zone's name; where it has none but its distance from Greenwich, its city too. */
  function zoneText(date) {
    const format = new Intl.DateTimeFormat(locale, { timeZoneName: "long" });
    const name = format.formatToParts(date).find((part) => part.type === "timeZoneName").value;
    const city = (format.resolvedOptions().timeZone || "").split("/").slice(1).pop();
    const place = city && /^(GMT|UTC)/.test(name) ? ` (${city.replace(/_/g, " ")})` : "";
    return `In your time zone: ${name}${place}`;
  }

  // --- the countdown ------------------------------------------------------------------------------------------------

  function showCountdown() {
    const countdown = document.querySelector("[data-countdown]");
    if (!countdown) return;
    const seconds = Math.max(0, Math.ceil((Date.parse(facts.turnsAt) - now()) / 1000));
    const text = durationText(seconds);
    const place = countdown.querySelector("b");
    if (place.textContent !== text) place.textContent = text;
    countdown.querySelector(".aside").hidden = seconds > 3600;
    countdown.hidden = false;
  }

  function durationText(seconds) {
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const days = Math.floor(hours / 24);
    if (days >= 2) return `${days} days`;
    if (days === 1) return `1 day ${counted(hours % 24, "hour")}`;
    if (hours > 0) return `${counted(hours, "hour")} ${counted(minutes % 60, "minute")}`;
    if (minutes >= 10) return counted(minutes, "minute");
    return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  }

  function counted(number, unit) {
    return number === 0 ? "" : `${number} ${unit}${number === 1 ? "" : "s"}`;
  }

  // --- asking again -------------------------------------------------------------------------------------------------

  let asking = false;
  let askedAt = performance.now();

  /** Looks whether the server would show another page now, and only then goes there: no blank page when offline. */
  async function ask() {
    if (!facts.selfUrl || asking || performance.now() - askedAt < ASK_AT_MOST_EVERY) return;
    asking = true;
    try {
      const answer = await fetch(facts.selfUrl, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.status < 500 && answer.status !== 429) compare(await answer.text());
    } catch (error) {
      // No connection just now. What the page says still holds, and it asks again.
    } finally {
      asking = false;
      askedAt = performance.now();
    }
  }

  function compare(html) {
    const other = new DOMParser().parseFromString(html, "text/html").body.dataset;
    if (other.state && other.state !== facts.state) {
      location.replace(facts.selfUrl);
    } else if (other.now) {
      serverTime = Date.parse(other.now);
      readAt = performance.now();
    }
  }

  function tick() {
    showCountdown();
    if (document.hidden) return;
    const turned = facts.turnsAt && now() >= Date.parse(facts.turnsAt);
    const due = facts.refreshFor && performance.now() - askedAt >= Number(facts.refreshFor) * 1000;
    if (turned || due) ask();
  }

  // --- the payment, made ready while the page is read ---------------------------------------------------------------

  async function prepare(form, triesLeft) {
    const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" } }).catch(() => null);
    const late = !answer || answer.status >= 500 || answer.status === 429;
    form.querySelector("[data-late]").textContent = late
      ? "The payment page is taking a little longer to get ready. We keep trying; you can also press the button."
      : "";
    if (late && triesLeft > 1) {
      setTimeout(() => prepare(form, triesLeft - 1), 1000 * secondsToWait(answer));
    } else if (answer && !answer.ok && !late) {
      askedAt = -ASK_AT_MOST_EVERY;
      ask();
    }
  }

  function secondsToWait(answer) {
    const asked = answer ? Number(answer.headers.get("Retry-After")) : 0;
    return Math.min(Math.max(asked || 0, SECONDS_BETWEEN_TRIES), 60);
  }

  // --- one press, one request ---------------------------------------------------------------------------------------

  function pressOnce(form) {
    const button = form.querySelector("button");
    const label = button.textContent;
    const give = () => {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    };
    form.addEventListener("submit", (event) => {
      if (button.hasAttribute("aria-disabled")) {
        event.preventDefault();
        return;
      }
      button.setAttribute("aria-disabled", "true");
      button.textContent = button.dataset.busy;
      setTimeout(give, GIVE_THE_BUTTON_BACK_AFTER);
    });
    window.addEventListener("pageshow", give);
  }

  // --- all together -------------------------------------------------------------------------------------------------

  document.querySelectorAll("form").forEach(pressOnce);
  document.querySelectorAll("form[data-prepare]").forEach((form) => prepare(form, TRIES_TO_PREPARE));
  showLocalTimes();
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    askedAt = -ASK_AT_MOST_EVERY;
    ask();
  });
})();
