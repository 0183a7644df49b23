// The app's Home tab.

import { inWords, slack } from "/page/api.js";
import { drawBlocks } from "/page/blocks.js";
import { h, reconcile, toast } from "/page/dom.js";
import { Form } from "/page/form.js";
import { names, store } from "/page/store.js";

const open = { root: null, view: null, cache: new Map(), form: new Form() };

/** Open the Home tab in `root`: Slack tells the app, and the app publishes. */
export async function drawHome(root) {
  Object.assign(open, { root, view: null, cache: new Map(), form: new Form() });
  root.replaceChildren(h("p", { class: "empty" }, "The app has not drawn its Home yet."));
  const held = await slack.home(store.me);
  if (held.view && open.root === root) showHome(held.view);
  const answer = await slack.openHome(store.me);
  if (answer.ok === false) toast(inWords(answer.error));
}

/** Read the open Home anew. */
export async function loadHome() {
  if (open.root?.isConnected) showHome((await slack.home(store.me)).view);
}

/** Draw what the app published. */
export function showHome(view) {
  if (!open.root?.isConnected || !view) return;
  open.view = view;
  open.form.adopt(view.blocks, view.state?.values);
  const surface = {
    names, form: open.form, errors: {},
    ask: (block, element, value) => slack.options(store.me, { view_id: open.view.id, block_id: block.block_id, action_id: element.action_id, value }),
    act: async (block, action) => {
      const container = { type: "view", view_id: open.view.id };
      const answer = await slack.action(store.me, { container, block_id: block.block_id, action, state: { values: open.form.values } });
      if (!answer.ok) toast(inWords(answer.error));
    },
  };
  const had = open.root.contains(document.activeElement) ? document.activeElement : null;
  const key = had?.dataset.key;
  let inner = open.root.querySelector(".blocks");
  if (!inner) {
    inner = h("div", { class: "blocks" });
    open.root.replaceChildren(inner);
  }
  reconcile(inner, drawBlocks(view.blocks, surface, open.cache));
  if (had && document.activeElement !== had) (key && inner.querySelector(`[data-key="${CSS.escape(key)}"]`) || open.root).focus();
}
