// Puts the page together: who one is, where one looks, and what arrives over the live streams.

import { cloud, readGuide, slack } from "/page/api.js";
import { buildCloud, drawCloud, drawIds, drawRequests } from "/page/cloud.js";
import { hearMessage, leaveConversation, loadConversation, pointAt, redrawConversation, showConversation } from "/page/conversation.js";
import { h, remember } from "/page/dom.js";
import { loadHome, showHome } from "/page/home.js";
import { dropModals, overlook, syncModals } from "/page/modal.js";
import { refreshDates } from "/page/mrkdwn.js";
import { drawSidebar } from "/page/sidebar.js";
import { appDm, channelOf, dmOf, hrefTo, names, readPlace, store } from "/page/store.js";
import { hearThread, loadThread, redrawThread, showThread } from "/page/thread.js";
import { dayKey, now, setClock } from "/page/time.js";
import { buildTop, drawClock, drawPeople, drawSideToggle, drawToggles } from "/page/top.js";
import { redrawTour, startTour, tourHears } from "/page/tour.js";
import { buildWire, showWire } from "/page/wire.js";

const narrow = () => matchMedia("(width < 760px)").matches;
const panels = new Set((remember.get("panels") ?? (narrow() ? "" : "Cloud")).split(" ").filter(Boolean));
const met = new Set();
let unfollow = null;

function togglePanel(name) {
  const on = !panels.has(name);
  if (narrow()) panels.clear();
  if (on) panels.add(name);
  else panels.delete(name);
  showSide(false);
  remember.set("panels", [...panels].join(" "));
  drawPanels();
}

function drawPanels() {
  document.getElementById("cloud").hidden = !panels.has("Cloud");
  document.getElementById("wire").hidden = !panels.has("Wire");
  document.body.classList.toggle("with-cloud", panels.has("Cloud"));
  document.body.classList.toggle("with-wire", panels.has("Wire"));
  showWire(panels.has("Wire"));
  drawToggles(panels);
}

/** Show or hide the conversations where there is no room for them beside the open one. */
function showSide(on) {
  document.body.classList.toggle("with-side", on);
  drawSideToggle(on);
}

function become(id) {
  remember.set("me", id);
  location.hash = `#/${id}/${store.place.channel ?? ""}`;
}

/** Follow the address: another person, another place, another thread. */
async function follow() {
  const wish = readPlace();
  const me = store.people.some(({ id }) => id === wish.me) ? wish.me : remember.get("me") ?? store.people[0].id;
  if (me !== store.me) {
    await enter(me);
    return;
  }
  go(wish);
}

/** Become `me`: drop what was the other's, and read everything as this person. */
async function enter(me) {
  unfollow?.();
  dropModals();
  store.me = store.people.some(({ id }) => id === me) ? me : store.people[0].id;
  Object.assign(store, { workspace: null, place: { channel: null, thread: null } });
  leaveConversation();
  showThread();
  drawPeople();
  let first = true;
  unfollow = slack.events(store.me, {
    open: async () => {
      away(false);
      const workspace = await loadWorkspace();
      if (!workspace) return;
      if (!met.has(store.me)) overlook(workspace.modals);
      met.add(store.me);
      syncModals(workspace.modals);
      if (first) go(readPlace());
      else {
        loadConversation();
        loadThread();
        loadHome();
      }
      first = false;
    },
    down: () => away(true),
    message: hear,
  });
}

async function loadWorkspace() {
  const me = store.me;
  const workspace = await slack.workspace(me);
  if (me !== store.me || !workspace.channels) return null;
  store.workspace = workspace;
  drawSidebar();
  drawCloud();
  drawIds();
  return workspace;
}

const exists = (place) => Boolean(place === "home" ? appDm() : channelOf(place) || dmOf(place));

function firstPlace() {
  const mine = store.workspace.channels.filter(({ member, archived }) => member && !archived);
  return (mine.find(({ name }) => name.includes("upgrade")) ?? mine[0] ?? store.workspace.dms[0])?.id ?? "home";
}

function go(wish) {
  if (!store.workspace) return;
  const channel = exists(wish.channel) ? wish.channel : firstPlace();
  const thread = channel === wish.channel && channel !== "home" ? wish.thread : null;
  const moved = channel !== store.place.channel;
  const turned = moved || thread !== store.place.thread;
  store.place = { channel, thread };
  const address = hrefTo(channel, thread);
  if (location.hash.split("?")[0] !== address) history.replaceState(null, "", address);
  drawSidebar();
  if (moved) showConversation();
  else pointAt(wish.point);
  if (turned) showThread();
  showSide(false);
  redrawTour();
}

function hear(event) {
  if (event.type === "workspace") refreshSidebar();
  if (event.type === "modals") {
    if (event.modals.length) tourHears("modal");
    syncModals(event.modals);
  }
  if (event.type === "home") showHome(event.view);
  if (!event.type.startsWith("message")) return;
  hearThread(event);
  const here = hearMessage(event);
  if (event.type === "message" && !here) refreshSidebar();
  if (event.type === "message" && /SCHEDULED_NOTIFIED|reminder|upcoming/i.test(`${event.message.text}`)) tourHears("reminded");
}

let refreshing = null;

function refreshSidebar() {
  clearTimeout(refreshing);
  refreshing = setTimeout(loadWorkspace, 120);
}

function away(on) {
  let note = document.getElementById("away");
  if (!on) note?.remove();
  else if (!note) document.body.append(h("p", { id: "away", role: "alert" }, "The sandbox does not answer. Trying again."));
}

let today = null;

/** Write what depends on the time of day anew. */
function refresh() {
  refreshDates(document.body);
  const day = dayKey(now(), names.tz);
  if (day === today) return;
  today = day;
  redrawConversation();
  redrawThread();
}

let reading = false;
let readAgain = false;

async function loadCloud() {
  if (reading) {
    readAgain = true;
    return;
  }
  reading = true;
  const state = await cloud.read();
  reading = false;
  if (state.clusters) {
    store.cloud = state;
    setClock(state.now, state.paused ? 0 : state.speed);
    drawClock();
    drawCloud();
    refresh();
  }
  if (readAgain) {
    readAgain = false;
    loadCloud();
  }
}

async function begin() {
  buildTop({ become, toggle: togglePanel, side: () => showSide(!document.body.classList.contains("with-side")), tour: () => startTour({ again: true }) });
  buildCloud();
  buildWire();
  drawPanels();
  cloud.events({ open: loadCloud, message: (event) => (event.type === "requests" ? drawRequests(event.requests) : loadCloud()) });
  let people = await slack.people();
  while (!Array.isArray(people) || !people.length) {
    away(true);
    await new Promise((done) => { setTimeout(done, 1000); });
    people = await slack.people();
  }
  store.people = people;
  store.guide = await readGuide();
  addEventListener("hashchange", follow);
  await follow();
  setInterval(refresh, 5000);
  const waiting = setInterval(() => {
    if (!store.workspace) return;
    clearInterval(waiting);
    startTour({ again: false });
  }, 100);
}

begin();
