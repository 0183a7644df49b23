// Modals as Slack draws them: a stack of views for one person, kept in step with what the app opens and updates.

import { inWords, slack } from "/page/api.js";
import { drawBlocks } from "/page/blocks.js";
import { focusable, openDialog } from "/page/dialogs.js";
import { h, reconcile } from "/page/dom.js";
import { Form } from "/page/form.js";
import { names, store } from "/page/store.js";
import { tourHears } from "/page/tour.js";

const TROUBLE = "We had some trouble connecting. Try again?";
const troubled = (error) => (/\s/.test(error) ? error : `${TROUBLE} ${inWords(error)}`);
const shown = new Map();
const past = new Set();

/** Never show these views: they were opened before this page was, and as in Slack a page loaded anew shows no modal. */
export const overlook = (views) => views.forEach(({ id }) => past.add(id));

/** Show exactly these views, bottom first. */
export function syncModals(all) {
  const views = all.filter(({ id }) => !past.has(id));
  const wanted = new Set(views.map(({ id }) => id));
  for (const [id, modal] of [...shown].reverse()) if (!wanted.has(id)) modal.leave();
  for (const view of views) {
    const modal = shown.get(view.id);
    if (modal) modal.update(view);
    else shown.set(view.id, new Modal(view));
  }
}

/** Close all of them on this page only, when one becomes somebody else. */
export const dropModals = () => syncModals([]);

class Modal {
  constructor(view) {
    this.cache = new Map();
    this.pending = Promise.resolve();
    this.surface = {
      names, form: new Form(), errors: {},
      act: (block, action) => this.act(block, action),
      ask: (block, element, value) =>
        slack.options(store.me, { view_id: this.view.id, block_id: block.block_id, action_id: element.action_id, value }),
      changed: (block) => this.forgive(block),
      submit: () => this.submit(),
    };
    this.dialog = openDialog({ title: view.title.text, dismiss: () => this.close() });
    this.banner = h("p", { class: "banner", role: "alert", hidden: true });
    this.host = h("div", { class: "blocks" });
    this.dialog.body.append(this.banner, this.host);
    this.closing = h("button", { type: "button", class: "button", on: { click: () => this.close() } });
    this.sending = h("button", { type: "button", class: "button primary", on: { click: () => this.submit() } });
    this.dialog.foot.append(this.closing, this.sending);
    this.update(view);
    const wish = this.view.blocks.find(({ element }) => element?.focus_on_load);
    const first = wish && this.host.querySelector(`[data-key="${CSS.escape(`${wish.block_id} ${wish.element.action_id}`)}"]`);
    (first ?? focusable(this.host)[0] ?? this.dialog.node).focus();
  }

  update(view) {
    if (JSON.stringify(view) === JSON.stringify(this.view)) return;
    this.view = view;
    this.surface.form.adopt(view.blocks, view.state?.values);
    this.dialog.name(view.title.text);
    this.closing.textContent = view.close?.text ?? "Cancel";
    this.sending.textContent = view.submit?.text ?? "Submit";
    this.closing.hidden = !view.close && !view.submit;
    this.sending.hidden = !view.submit;
    this.dialog.foot.hidden = this.closing.hidden && this.sending.hidden;
    this.draw();
  }

  draw() {
    const focus = this.host.contains(document.activeElement) ? document.activeElement : null;
    const key = focus?.dataset.key;
    const caret = focus && "selectionStart" in focus ? [focus.selectionStart, focus.selectionEnd] : null;
    reconcile(this.host, drawBlocks(this.view.blocks, this.surface, this.cache));
    this.dialog.readable(!focusable(this.host).length);
    if (!focus || document.activeElement === focus) return;
    const again = key && this.host.querySelector(`[data-key="${CSS.escape(key)}"]`);
    (again ?? this.dialog.node).focus();
    if (again && caret?.[0] != null) again.setSelectionRange(...caret);
  }

  forgive(block) {
    if (!this.surface.errors[block]) return;
    const { [block]: _, ...rest } = this.surface.errors;
    this.surface.errors = rest;
    this.draw();
  }

  complain(errors) {
    this.surface.errors = errors;
    this.draw();
    const first = this.host.querySelector("[aria-invalid=true]");
    first?.scrollIntoView({ block: "center" });
    first?.focus();
  }

  say(text) {
    this.banner.hidden = !text;
    this.banner.textContent = text ?? "";
    if (text) this.banner.scrollIntoView({ block: "nearest" });
  }

  async act(block, action) {
    const container = { type: "view", view_id: this.view.id };
    const body = { container, block_id: block.block_id, action, state: { values: this.surface.form.values } };
    this.pending = this.pending.then(() => slack.action(store.me, body));
    const answer = await this.pending;
    this.say(answer.ok ? null : troubled(answer.error));
  }

  async submit() {
    if (this.busy || !this.view.submit) return;
    const missing = this.surface.form.missing(this.view.blocks);
    this.complain(missing);
    if (Object.keys(missing).length) return;
    this.busy = true;
    this.sending.classList.add("busy");
    await this.pending;
    const answer = await slack.submit(store.me, { view_id: this.view.id, state: { values: this.surface.form.values } });
    this.busy = false;
    this.sending.classList.remove("busy");
    this.say(answer.ok ? null : troubled(answer.error));
    if (answer.outcome === "errors") this.complain(answer.errors ?? {});
    if (answer.outcome === "closed") this.leave();
    if (answer.ok && answer.outcome !== "errors") tourHears("submitted");
    if (answer.outcome === "cleared") dropModals();
  }

  async close() {
    this.leave();
    await slack.close(store.me, this.view.id);
  }

  leave() {
    shown.delete(this.view.id);
    this.dialog.close();
  }
}
