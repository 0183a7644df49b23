// A small list that floats under or over what it belongs to, and stays with it while things scroll.

/** Show `popup` beside `anchor`, in the nearest [data-popups] element so that a dialog keeps it inside. */
export function place(popup, anchor, { matchWidth = true } = {}) {
  const host = anchor.closest("[data-popups]") ?? document.body;
  if (popup.parentNode !== host) host.append(popup);
  const box = anchor.getBoundingClientRect();
  const below = innerHeight - box.bottom - 12;
  const above = box.top - 12;
  const up = below < Math.min(220, popup.scrollHeight) && above > below;
  const left = Math.min(box.left, innerWidth - Math.max(popup.offsetWidth, box.width) - 8);
  popup.style.left = `${Math.max(8, left)}px`;
  if (matchWidth) popup.style.width = `${box.width}px`;
  popup.style.maxHeight = `${Math.min(320, up ? above : below)}px`;
  popup.style.top = up ? "auto" : `${box.bottom + 4}px`;
  popup.style.bottom = up ? `${innerHeight - box.top + 4}px` : "auto";
}

/** Keep calling `again` while the page scrolls or changes size; returns a function that stops it. */
export function whileMoving(again) {
  addEventListener("scroll", again, true);
  addEventListener("resize", again);
  return () => {
    removeEventListener("scroll", again, true);
    removeEventListener("resize", again);
  };
}
