// What a page of the explorer does besides being read: it shows what is new, and finds a ballot by the words of its code without
// sending them. A list of many ballots is fetched, by the first words alone, and searched here. Nothing is stored.
"use strict";

// Live: parts of the page are fetched again when the ledger has a new head, soon, but not all visitors at the same moment.
const AGAIN = Number(document.body.dataset.again || 10_000);
const SPREAD = AGAIN / 3;

function live() {
  let due = false;
  let last = 0;
  const events = new EventSource(document.body.dataset.live);
  let first = true;
  const lost = document.getElementById("lost"); // what is shown is old: whoever says so must not be shown as if it were new
  events.addEventListener("error", () => lost && (lost.hidden = false));
  events.addEventListener("open", () => lost && (lost.hidden = true));
  events.addEventListener("head", () => {
    if (first || due) {
      first = false;
      return;
    }
    due = true;
    const wait = Math.max(0, last + AGAIN - Date.now()) + Math.random() * SPREAD;
    setTimeout(async () => {
      due = false;
      last = Date.now();
      await renew();
    }, wait);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) renew();
  });
}

async function renew() {
  if (document.hidden) return;
  let fresh;
  try {
    fresh = await fetched(location.pathname + location.search);
  } catch {
    return; // the page stays as it is
  }
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-part]")) {
    const found = fresh.getElementById(part.id);
    if (!found || found.innerHTML === (part.pending ?? part).innerHTML) continue;
    if (part.dataset.part === "asks") offer(part, found);
    else part.replaceChildren(...found.childNodes);
  }
}

// Rows never move under the reader: they come when asked for.
function offer(part, found) {
  part.pending = found;
  if (part.button) return;
  part.button = document.createElement("button");
  part.button.className = "new";
  part.button.textContent = part.dataset.new;
  part.button.addEventListener("click", () => {
    part.replaceChildren(...part.pending.childNodes);
    part.pending = undefined;
    part.button.remove();
    part.button = undefined;
  });
  part.before(part.button);
}

async function fetched(path) {
  const answer = await fetch(path, { credentials: "omit" });
  if (!answer.ok) throw new Error(answer.status);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Find a ballot.
const WORD_BITS = 10;
const WORDS = 9;

async function find() {
  const form = document.getElementById("find");
  const typed = document.getElementById("typed");
  const verdict = document.getElementById("verdict");
  const shown = document.getElementById("found");
  const bits = Number(form.dataset.bits);
  const numbers = numbersOf(await (await fetch(form.dataset.words)).json());
  const lists = new Map();
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());

  function say(text) {
    verdict.textContent = text;
    verdict.hidden = !text;
  }

  typed.addEventListener("input", async () => {
    const text = typed.value;
    shown.hidden = true;
    const meant = meaning(text, numbers);
    if (meant.unknown) return say(meant.final ? form.dataset.unknown.replace("#", meant.unknown) : "");
    if (meant.known < bits || (bits === 0 && meant.known === 0)) {
      const count = Math.floor(meant.known / WORD_BITS);
      return say(count ? form.dataset.more.replace("#", count) : "");
    }
    const place = bits === 0 ? 0 : parseInt(meant.code.slice(0, bits), 2);
    let list;
    try {
      if (!lists.has(place)) lists.set(place, fetched(`${form.dataset.lists}/${bits}/${place}`));
      list = await lists.get(place);
    } catch {
      lists.delete(place);
      return say(form.dataset.failed);
    }
    if (typed.value !== text) return; // went on typing meanwhile
    const rows = [...list.querySelectorAll("tr[data-code]")];
    const fits = rows.filter((row) => bitsOf(row.dataset.code).startsWith(meant.code));
    const whole = fits.filter((row) => meant.check === undefined || Number(row.dataset.check) === meant.check);
    if (fits.length && !whole.length) return say(form.dataset.typo);
    if (!fits.length) return say(form.dataset.none);
    const table = list.querySelector("#codes table").cloneNode(true);
    table.tBodies[0].replaceChildren(...whole.slice(0, 20).map((row) => row.cloneNode(true)));
    shown.replaceChildren(table);
    shown.hidden = false;
    say(form.dataset.many.replace("#", whole.length));
  });
}

// Which number a word has, by what of it counts: its first four letters, in either language (veche.words).
function numbersOf(languages) {
  const numbers = new Map();
  for (const words of Object.values(languages)) words.forEach((word, number) => numbers.set(keyOf(word), number));
  return numbers;
}

function keyOf(word) {
  return [...word.toLowerCase().replaceAll("ё", "е")].slice(0, 4).join("");
}

function bitsOf(hex) {
  return [...hex].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
}

// What was typed, as the first bits of a code. The last word may not be complete.
function meaning(text, numbers) {
  const joined = text.replace(/\s/g, "");
  if (/^[0-9a-f]{64}$/i.test(joined)) {
    const code = bitsOf(joined).slice(0, (WORDS - 1) * WORD_BITS);
    return { code, known: code.length };
  }
  const words = text.trim().split(/\s+/).filter(Boolean).slice(0, WORDS);
  let code = "";
  let check;
  for (const [place, word] of words.entries()) {
    const last = place === words.length - 1 && !/\s$/.test(text);
    const number = word.length < 4 ? undefined : numbers.get(keyOf(word));
    if (number === undefined) {
      if (last && word.length < 4) break;
      return { unknown: word, final: true };
    }
    if (place === WORDS - 1) check = number;
    else code += number.toString(2).padStart(WORD_BITS, "0");
  }
  return { code, check, known: code.length };
}

if (document.body.dataset.live) live();
if (document.getElementById("find")) find();
