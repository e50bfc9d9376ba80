"use strict";
// What comes from the service or the user enters the page as text or as the address of an image, never as
// markup.
const $ = (id) => document.getElementById(id);
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const chosen = new Map();  // the name of a side -> its image files
let model = {};
let last = null;  // the side that was used last: where a pasted image goes

function base64(buffer) {
  let binary = "";
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < bytes.length; i += 32768)
    binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(binary);
}

// Sides: where images are dropped, pasted or chosen, or a text is typed.

const many = (side) => Number(side.dataset.many || 1);

function show_chosen(side) {
  const list = side.querySelector(".chosen");
  for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  list.replaceChildren(...chosen.get(side.dataset.side).map((file, i) => {
    const item = element("li");
    const image = element("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    image.addEventListener("error", () => image.remove());  // a format that the browser does not show
    const away = element("button", "remove");
    away.type = "button";
    away.setAttribute("aria-label", `remove ${file.name}`);
    away.addEventListener("click", () => {
      chosen.get(side.dataset.side).splice(i, 1);
      show_chosen(side);
    });
    item.append(image, element("span", file.name), away);
    return item;
  }));
}

function choose(side, files) {
  last = side;
  const all = many(side) > 1 ? [...chosen.get(side.dataset.side), ...files] : [...files];
  chosen.set(side.dataset.side, all.slice(0, many(side)));
  show_chosen(side);
}

function empty(side) {
  chosen.set(side.dataset.side, []);
  show_chosen(side);
  const text = side.querySelector("textarea");
  if (text) text.value = "";
}

function accept_images(side) {
  const label = element("label", many(side) > 1 ? "Images: " : "An image: ");
  const input = element("input");
  input.type = "file";
  input.accept = "image/png,image/jpeg,image/webp,.pgm,.ppm,.pbm";
  input.multiple = many(side) > 1;
  input.addEventListener("change", () => {
    if (input.files.length) choose(side, [...input.files]);
    input.value = "";
  });
  label.append(input);
  side.append(label, element("p", "or drop or paste here", "hint"), element("ul", undefined, "chosen"));
  side.addEventListener("dragover", (event) => { event.preventDefault(); side.classList.add("over"); });
  side.addEventListener("dragleave", () => side.classList.remove("over"));
  side.addEventListener("drop", (event) => {
    event.preventDefault();
    side.classList.remove("over");
    if (event.dataTransfer.files.length) choose(side, [...event.dataTransfer.files]);
  });
}

function build(side) {
  side.replaceChildren();
  chosen.set(side.dataset.side, []);
  side.addEventListener("focusin", () => { last = side; });
  if (model.images) accept_images(side);
  if (model.texts) {
    const label = element("label", model.images ? "or a text" : "A text");
    label.append(element("textarea"));
    side.append(label);
  }
}

function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  const shown = [...document.querySelectorAll(".side")].filter((side) => side.offsetParent);
  const side = event.target.closest?.(".side") ?? last
      ?? shown.find((one) => !chosen.get(one.dataset.side).length);
  if (!files.length || !side || !model.images) return;
  event.preventDefault();
  choose(side, files);
}

// What a request holds. A text that was typed goes before images that were chosen.
async function request(names, more) {
  const body = {...more};
  const shown = [];
  for (const name of names) {
    const side = document.querySelector(`[data-side=${name}]`);
    const text = side.querySelector("textarea")?.value.trim();
    const files = chosen.get(name) ?? [];
    if (text) (body.texts ??= []).push(text), shown.push(text);
    else if (files.length)
      for (const file of files) (body.images ??= []).push(base64(await file.arrayBuffer())),
          shown.push(file.name);
    else throw new Error(model.images ? "Choose an image or type a text in every field."
        : "Type a text in every field.");
  }
  return {body, shown};
}

async function ask(method, path, body) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if ($("token").value) headers.Authorization = "Bearer " + $("token").value;
  const response = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
  const answer = await response.json();
  if (response.status === 401) {
    $("who").hidden = false;  // only a service with a token asks for one
    $("token").focus();
  }
  if (!response.ok) throw new Error(`${response.status}: ${answer.error}`);
  return answer;
}

// Answers.

const verdict = (same) => same === null ? "" : same ? "the same" : "not the same";
const kind_of = (same) => same === null ? "" : same ? "same" : "other";
const counted = (count, one, several) => `${count} ${count === 1 ? one : several}`;

function show_comparison(answer) {
  const words = verdict(answer.same) || "no threshold is set, so there is no verdict";
  const rest = `similarity ${answer.score.toFixed(4)}, distance ${answer.distance.toFixed(4)}` +
    (answer.threshold === null ? "" : `, the same from ${answer.threshold.toFixed(4)}`);
  $("verdict").replaceChildren(element("div", words, "answer " + kind_of(answer.same)),
      element("div", rest, "number"));
}

// A list item with the thumbnail, if there is one.
function card_of(hit) {
  const card = element("li");
  if (!hit.thumbnail) return card;
  const image = element("img");
  image.src = hit.thumbnail;
  image.alt = hit.label || hit.name || hit.id;
  card.append(image);
  return card;
}

function hit_card(hit, place) {
  const card = card_of(hit);
  if (hit.text) card.append(element("div", hit.text, "text"));
  card.append(element("div", `${place}. ${hit.label}`, "label"), element("div", hit.score.toFixed(4),
      "number"),
    element("div", verdict(hit.same), "verdict " + kind_of(hit.same)), element("div", hit.id, "id"));
  return card;
}

function candidate_card(one) {
  const card = card_of(one);
  card.append(element("div", one.name, "label"), element("div", one.score.toFixed(4), "number"));
  return card;
}

function show_hits(answer, shown) {
  $("found").replaceChildren(...answer.answers.flatMap(({hits}, i) => {
    const list = element("ol", undefined, "hits");
    list.append(...hits.map((hit, place) => hit_card(hit, place + 1)));
    return [element("div", shown[i], "asked"), list];
  }));
}

function show_identities_found(answer, shown) {
  $("identified").replaceChildren(...answer.answers.flatMap(({name, candidates}, i) => {
    const list = element("ol", undefined, "hits");
    list.append(...candidates.map(candidate_card));
    return [element("div", shown[i], "asked"), element("div", name ?? "unknown",
        "answer " + kind_of(name !== null)),
      element("div", `known from ${answer.threshold.toFixed(4)}; the nearest:`, "number"), list];
  }));
}

async function show_enrolled(answer) {
  $("enrolled").replaceChildren(
    element("div", `${answer.name}: ${counted(answer.of_this_name, "photograph", "photographs")}`,
        "answer same"));
  empty(document.querySelector("[data-side=e]"));
  await refresh();
}

// Identities.

function identity_row({name, photographs}) {
  const row = element("li");
  const button = element("button", "remove");
  button.type = "button";
  button.setAttribute("aria-label", `remove ${name}`);
  button.addEventListener("click", async () => {
    if (button.textContent === "remove") {
      button.textContent = "really remove?";
      return;
    }
    try {
      await ask("DELETE", "gallery?name=" + encodeURIComponent(name));
      $("removed").replaceChildren(element("div", `${name} is removed.`));
      await refresh();
    } catch (error) {
      $("removed").replaceChildren(element("div", error.message, "error"));
    }
  });
  row.append(element("span", name || "(no name)"), element("span", counted(photographs, "row", "rows"),
      "number"));
  if (model.changes) row.append(button);
  return row;
}

async function list_identities(after) {
  const answer = await ask("GET", "gallery?limit=50" + (after === undefined ? ""
      : "&after=" + encodeURIComponent(after)));
  if (after === undefined) $("identities").replaceChildren();
  $("identities").append(...answer.page.map(identity_row));
  $("identities-count").textContent =
    `${counted(answer.identities, "identity", "identities")}, ${counted(answer.photographs, "row", "rows")}.`;
  $("more").hidden = answer.next === null;
  $("more").onclick = () => list_identities(answer.next);
}

// The model.

function card(title, value) {
  const made = element("div", undefined, "card");
  made.append(element("b", value), element("span", title));
  return made;
}

function show_model(rows) {
  const kinds = [model.images && "images", model.texts && "texts"].filter(Boolean).join(" and ");
  const gallery = rows === null || rows === undefined ? "" : `; a gallery of ${rows}`;
  $("model").textContent = `A model of ${kinds}, step ${model.step}${gallery}.`;
  if (model.run === undefined) return;
  $("run").textContent = model.run;
  document.title = `${model.run}: Lodestone`;
  const cards = model.metrics.map((one) =>
    card(one.title, one.rate ? `${(100 * one.value).toFixed(1)} %` : one.value.toFixed(4)));
  if (model.threshold !== null)
    cards.push(card(`the same from, at ${100 * model.false_accept_rate} % false accepts`,
        model.threshold.toFixed(4)));
  $("cards").replaceChildren(...cards);
}

// With the token, if the service asks for one: until then only what the service tells everybody.
async function refresh() {
  try {
    model = await ask("GET", "model");
    show_model(model.gallery?.photographs);
    $("identify-section").hidden = model.gallery === null || model.threshold === null;
    $("enroll-section").hidden = model.gallery === null || !model.changes;
    $("identities-section").hidden = $("identify-section").hidden && $("enroll-section").hidden;
    $("told").replaceChildren();
    if (!$("identities-section").hidden) await list_identities();
  } catch (error) {
    $("told").replaceChildren(element("div", error.message, "error"));
  }
}

function on(form, output, method, path, names, more, show) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $(form).querySelector("button:not([type])");
    button.disabled = true;
    try {
      const {body, shown} = await request(names, more());
      await show(await ask(method, path, body), shown);
    } catch (error) {
      $(output).replaceChildren(element("div", error.message, "error"));
    } finally {
      button.disabled = false;
    }
  });
}

async function start() {
  try {
    model = await (await fetch("healthz")).json();
    show_model(model.gallery);
    for (const side of document.querySelectorAll(".side")) build(side);
    $("search-section").hidden = model.gallery === null;
  } catch (error) {
    $("model").textContent = "The service does not answer: " + error.message;
    return;
  }
  $("who").addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
  $("token").addEventListener("change", refresh);
  document.addEventListener("paste", paste);
  on("compare", "verdict", "POST", "verify", ["a", "b"], () => ({}), show_comparison);
  on("search", "found", "POST", "search", ["q"], () => ({k: 10, thumbnails: true}), show_hits);
  on("identify", "identified", "POST", "identify", ["i"], () => ({k: 4, thumbnails: true}),
      show_identities_found);
  on("enroll", "enrolled", "POST", "enroll", ["e"], () => ({name: $("name").value}), show_enrolled);
  await refresh();
}
start();
