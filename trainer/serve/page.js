"use strict";
// What comes from the service or the user enters the page as text, never as markup.
const $ = (id) => document.getElementById(id);
const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const chosen = {};  // side -> base64 of its picture

function base64(buffer) {
  let binary = "";
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(binary);
}

async function choose(side, file) {
  const name = side.dataset.side;
  chosen[name] = base64(await file.arrayBuffer());
  const picture = side.querySelector("img");
  if (picture.src) URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(file);
  picture.alt = file.name;
  picture.hidden = false;
}

function build(side, model) {
  if (model.images) {
    const label = element("label", "An image: drop it here, or ");
    const input = element("input");
    input.type = "file";
    input.accept = "image/png,image/jpeg,image/webp,.pgm,.ppm";
    input.addEventListener("change", () => input.files.length && choose(side, input.files[0]));
    label.append(input);
    const picture = element("img");
    picture.hidden = true;
    side.append(label, picture);
    side.addEventListener("dragover", (event) => { event.preventDefault(); side.classList.add("over"); });
    side.addEventListener("dragleave", () => side.classList.remove("over"));
    side.addEventListener("drop", (event) => {
      event.preventDefault();
      side.classList.remove("over");
      if (event.dataTransfer.files.length) choose(side, event.dataTransfer.files[0]);
    });
  }
  if (model.texts) {
    const label = element("label", model.images ? "or a text" : "A text");
    label.append(element("textarea"));
    side.append(label);
  }
}

// A text that was typed goes before an image that was chosen.
function request(names, more) {
  const body = {...more};
  for (const name of names) {
    const side = document.querySelector(`[data-side=${name}]`);
    const text = side.querySelector("textarea")?.value.trim();
    if (text) (body.texts ??= []).push(text);
    else if (chosen[name]) (body.images ??= []).push(chosen[name]);
    else throw new Error("Choose an image or type a text in every field.");
  }
  return body;
}

async function ask(path, body) {
  const headers = {"Content-Type": "application/json"};
  if ($("token").value) headers.Authorization = "Bearer " + $("token").value;
  const response = await fetch(path, {method: "POST", headers, body: JSON.stringify(body)});
  const answer = await response.json();
  if (!response.ok) throw new Error(`${response.status}: ${answer.error}`);
  return answer;
}

function verdict(same) {
  return same === null ? "" : same ? "the same" : "not the same";
}

function show_comparison(answer) {
  const kind = answer.same === null ? "" : answer.same ? "same" : "other";
  const words = verdict(answer.same) || "no threshold is set, so there is no verdict";
  const rest = `similarity ${answer.score.toFixed(4)}, distance ${answer.distance.toFixed(4)}` +
    (answer.threshold === null ? "" : `, the same from ${answer.threshold.toFixed(4)}`);
  $("verdict").replaceChildren(element("div", words, "answer " + kind), element("div", rest));
}

function show_hits(answer) {
  const table = element("table");
  const head = element("tr");
  const columns = [["", "number"], ["label"], ["similarity", "number"], ["verdict"], ["sample"]];
  for (const [name, kind] of columns) head.append(element("th", name, kind));
  table.append(head);
  answer.answers[0].hits.forEach((hit, i) => {
    const row = element("tr");
    row.append(element("td", i + 1, "number"), element("td", hit.label), element("td", hit.score.toFixed(4), "number"),
      element("td", verdict(hit.same), hit.same ? "same" : "other"), element("td", hit.id));
    table.append(row);
  });
  const scroll = element("div", undefined, "scroll");
  scroll.append(table);
  $("found").replaceChildren(scroll);
}

function on(form, output, path, names, more, show) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = $(form).querySelector("button");
    button.disabled = true;
    try {
      show(await ask(path, request(names, more)));
    } catch (error) {
      $(output).replaceChildren(element("div", error.message, "error"));
    } finally {
      button.disabled = false;
    }
  });
}

async function start() {
  $("who").addEventListener("submit", (event) => event.preventDefault());
  try {
    const model = await (await fetch("healthz")).json();
    const kinds = [model.images && "images", model.texts && "texts"].filter(Boolean).join(" and ");
    const gallery = model.gallery === null ? "" : `; a gallery of ${model.gallery}`;
    $("model").textContent = `A model of ${kinds}, step ${model.step}${gallery}.`;
    for (const side of document.querySelectorAll(".side")) build(side, model);
    $("search-section").hidden = model.gallery === null;
  } catch (error) {
    $("model").textContent = "The service does not answer: " + error.message;
  }
  on("compare", "verdict", "verify", ["a", "b"], {}, show_comparison);
  on("search", "found", "search", ["q"], {k: 10}, show_hits);
}
start();
