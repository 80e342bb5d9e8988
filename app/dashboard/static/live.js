"use strict";
// While a run goes on, take the page anew every few seconds and swap <main>: parts that somebody opened or
// folded stay so, logs that were read at their end stay at their end. Without this script the page reloads itself.
(() => {
  const opened = (main) => new Map([...main.querySelectorAll("details[id]")].map((part) => [part.id, part.open]));
  const atEnd = (log) => log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  const logs = (main) => [...main.querySelectorAll("pre.log")];
  const toEnd = (main) => logs(main).forEach((log) => { log.scrollTop = log.scrollHeight; });

  let served = opened(document.querySelector("main"));

  const swap = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const [before, after] = [document.querySelector("main"), fresh.querySelector("main")];
    if (!after) return false;
    if (before.innerHTML !== after.innerHTML) {
      const states = opened(before);
      const ends = logs(before).map(atEnd);
      const tops = logs(before).map((log) => log.scrollTop);
      const anew = opened(after);
      for (const part of after.querySelectorAll("details[id]")) {
        if (states.get(part.id) !== served.get(part.id)) part.open = states.get(part.id);
      }
      served = anew;
      before.replaceWith(after);
      document.title = fresh.title;
      logs(after).forEach((log, at) => {
        log.scrollTop = ends[at] === false ? tops[at] : log.scrollHeight;
      });
    }
    return "live" in after.dataset;
  };

  const later = (seconds) => setTimeout(again, seconds * 1000);
  const again = async () => {
    const seconds = Number(document.querySelector("main").dataset.live || 3);
    if (document.hidden) return later(seconds);
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.status === 404 || answer.status === 410) return undefined;
      if (!answer.ok || swap(await answer.text())) later(answer.ok ? seconds : 15);
    } catch {
      later(15);
    }
    return undefined;
  };
  toEnd(document.querySelector("main"));
  later(Number(document.querySelector("main").dataset.live || 3));
})();
