// The page of the service. It asks the service's API and nothing else.

const AT_ONCE = 3; // Requests in hand: the service has other users too.
const THUMBNAIL = 480;
const $ = (id) => document.getElementById(id);
const items = new Map(); // Photographs by number, in the order in which they came.
const groups = new Map(); // Observations by number.
let model = null;
let ready = null; // Once what the model is has been asked.
let last = 0;
let lastGroup = 0;

// ---- small helpers

function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on")
      for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const percent = (value) => {
  if (value > 0.9995) return "over 99.9 %";
  if (value < 0.0005) return "under 0.1 %";
  return `${(100 * value).toFixed(value < 0.0995 || value > 0.9905 ? 1 : 0)} %`;
};
const shown = (entry) => entry.calibrated ?? entry.probability;
const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function within(limit) {
  // Runs so many functions at a time, the others in their order.
  const waiting = [];
  let running = 0;
  const next = () => {
    if (running >= limit || !waiting.length) return;
    running += 1;
    const [work, resolve, reject] = waiting.shift();
    work().then(resolve, reject).finally(() => { running -= 1;
      next(); });
  };
  return (work) => new Promise((resolve, reject) => { waiting.push([work, resolve, reject]);
    next(); });
}
const asking = within(AT_ONCE);
const drawing = within(2);

// What the service says of an image, for people.
function inWords(status, detail) {
  const megabytes = model ? Math.floor(model.limits.max_request_bytes / 2 ** 20) : 16;
  if (/is not an image/.test(detail))
  return "This file is no photograph that can be read. JPEG, PNG, WebP, BMP, GIF and TIFF can.";
  if (/cannot be read as an image|cannot be read|truncated|broken/.test(detail))
  return "This photograph is damaged: it cannot be read to its end.";
  if (/too large an image/.test(detail))
  return "This photograph has more pixels than can be taken. Make it smaller, please.";
  if (/too costly/.test(detail))
  return "This photograph takes too long to open. Save it anew, please.";
  if (status === 413) return `This file is too large: ${megabytes} MB can be sent at once.`;
  if (status === 503) return "The service is busy. Try again in a while, please.";
  if (status === 0) return "The service does not answer. Is it still running?";
  if (status >= 500) return "Something went wrong in the service.";
  return detail || "This photograph could not be answered.";
}

class Refused extends Error {}

async function ask(path, files) {
  const body = new FormData();
  for (const file of files) body.append("images", file, file.name || "photograph.png");
  for (let turn = 0;; turn += 1) {
    let response;
    try {
      response = await fetch(path, { method: "POST", body });
    } catch {
      throw new Refused(inWords(0, ""));
    }
    if (response.status === 503 && turn < 8) {
      await pause(1000 * (1 + turn));
      continue;
    }
    const content = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused(inWords(response.status, String(content.detail ?? "")));
    return content;
  }
}

const query = (parameters) => new URLSearchParams(parameters).toString();

// ---- photographs

const painter = new Worker("page/thumbnails.js", { type: "module" });
const painted = new Map(); // Who waits for a thumbnail, by the number of the photograph.
painter.addEventListener("message", ({ data: { number, made } }) => {
  painted.get(number)?.(made && { ...made, url: URL.createObjectURL(made.blob) });
  painted.delete(number);
});
painter.addEventListener("error", () => {
  for (const resolve of painted.values()) resolve(null);
  painted.clear();
});

const thumbnail = ({ number, file }) => new Promise((resolve) => {
  painted.set(number, resolve);
  painter.postMessage({ number, file, side: THUMBNAIL });
});

// Cards are drawn a few in each frame, lest a hundred of them hold up a click.
const due = new Set();
const SLICE = 8; // Milliseconds of a frame.

function later(item) {
  if (!due.size) requestAnimationFrame(drawDue);
  due.add(item);
}

function drawDue() {
  const end = performance.now() + SLICE;
  for (const item of due) {
    due.delete(item);
    if (items.has(item.number)) show(item);
    if (performance.now() > end) break;
  }
  if (due.size) requestAnimationFrame(drawDue);
}

function add(files) {
  const found = [...files].filter((file) => file.size && !file.name?.startsWith("."));
  const made = document.createDocumentFragment();
  for (const file of found) {
    const item = { number: ++last, file, name: file.name || `photograph ${last}`,
      state: "waiting", group: 0, picked: [] };
    items.set(item.number, item);
    item.card = el("li", { className: "card" });
    made.append(item.card);
    later(item);
    item.seen = drawing(() => thumbnail(item)).then((thumb) => {
      item.thumb = thumb;
      later(item);
    });
    asking(() => answer(item));
  }
  $("cards").append(made);
  progress();
}

async function answer(item) {
  await ready;
  if (!items.has(item.number)) return;
  item.state = "asked";
  later(item);
  try {
    const content = await ask(
      `predict?${query({ top: 5, references: model?.references ? 3 : 0 })}`, [item.file]);
    const [found] = content.predictions;
    if (found.error) throw new Refused(inWords(200, found.error));
    Object.assign(item, { state: "answered", top: found.top, sure: found.sure });
  } catch (error) {
    Object.assign(item, { state: "failed", error: error instanceof Refused ? error.message :
        inWords(500, "") });
    if (!(error instanceof Refused)) console.error(error);
  }
  later(item);
  progress();
}

function remove(item) {
  if (item.thumb) URL.revokeObjectURL(item.thumb.url);
  items.delete(item.number);
  item.card.remove();
  if (item.group) join(item, 0);
  progress();
}

function progress() {
  const all = [...items.values()];
  const answered = all.filter((item) => item.state === "answered").length;
  const failed = all.filter((item) => item.state === "failed").length;
  $("tools").hidden = !all.length;
  $("observations").hidden = answered < 2 && !groups.size;
  $("progress").hidden = answered + failed === all.length;
  $("progress").max = all.length || 1;
  $("progress").value = answered + failed;
  $("status").textContent = !all.length ? "" :
    `${answered} of ${plural(all.length, "photograph", "photographs")} answered` + (failed ?
      `, ${failed} could not be` : "") + ".";
}

function picture(item, describe) {
  if (!item.thumb) return el("div", { className: "nothing" }, item.thumb === null ? "no picture" :
    "…");
  return el("img", {
    className: "thumb",
    src: item.thumb.url,
    alt: describe,
    decoding: "async",
    draggable: true,
    width: item.thumb.width,
    height: item.thumb.height,
    on: { dragstart: (event) => event.dataTransfer.setData("application/x-photograph", String(
        item.number)) },
  });
}

function show(item) {
  // Whatever has the focus keeps it where it is drawn anew.
  const focused = item.card.contains(document.activeElement) ? document.activeElement.dataset
    .key : null;
  const title = el("h2", {}, el("bdi", {}, item.name));
  const body = el("div", {});
  item.card.replaceChildren(title, picture(item, `Photograph ${item.name}`), body);
  item.card.setAttribute("aria-busy", String(item.state === "waiting" || item.state === "asked"));
  if (item.state === "waiting") body.append(el("p", { className: "small" }, "Waiting"));
  if (item.state === "asked") body.append(el("p", { className: "small" }, "Looking at it…"));
  if (item.state === "failed") body.append(el("p", { className: "error" }, item.error));
  if (item.state === "answered") showAnswer(item, body);
  else item.card.append(el("p", { className: "wide actions" }, removing(item)));
  if (focused) item.card.querySelector(`[data-key="${focused}"]`)?.focus();
}

const removing = (item) => keyed("remove", el("button", { type: "button",
  ariaLabel: `Remove ${item.name}`, on: { click: () => remove(item) } }, "Remove"));

function keyed(key, element) {
  element.dataset.key = key;
  return element;
}

// Of a photograph or an observation.
function badge(item) {
  if (item.sure === undefined) return null;
  return item.sure ? el("span", { className: "badge sure" }, "sure") : el(
  "span", { className: "badge unsure" }, "not sure");
}

function showAnswer(item, body) {
  const best = item.top[0];
  body.append(
    el("p", { className: "said" }, item.corrected ? el("bdi", {}, item.corrected) : el(
      "bdi", {}, best.class)),
    el("p", {}, item.corrected ? el("span", { className: "badge" }, "corrected by you") : badge(
      item)),
  );
  const rows = el("ul", { className: "classes" });
  item.top.forEach((entry, place) => {
    const bar = el("span", { className: "bar", ariaHidden: "true" });
    bar.style.width = `${100 * shown(entry)}%`;
    const pressed = item.picked.includes(entry.class);
    const button = el("button", {
        type: "button",
        ariaPressed: String(pressed),
        title: "Pick two classes to compare them",
        on: { click: () => pick(item, entry.class) }
      },
      bar, el("bdi", { className: "name" }, entry.class), el("span", { className: "value" },
        percent(shown(entry))));
    rows.append(el("li", {}, keyed(`class ${place}`, button)));
  });
  body.append(rows);
  if (model?.maps && item.top.length > 1) body.append(el("p", { className: "small" }, item.picked
    .length ? "Pick another class to compare it with." :
    "Pick two classes to see what tells them apart."));
  const alike = item.top.slice(0, 3).flatMap((entry) => (entry.references ?? []).slice(0,
    entry === best ? 3 : 1));
  if (alike.length) {
    item.card.append(el("div", { className: "wide" }, el("h3", {}, model.attends ?
      "References it attended to" : "Look-alikes"), el(
    "ul", { className: "alike" }, ...alike.map((each) => el("li", {}, figure(each))))));
  }
  const actions = el("p", { className: "wide actions" });
  if (model?.maps || model?.attends) actions.append(keyed("why", el("button", { type: "button", on: { click: () =>
        why(item) } }, "Why?")));
  if (items.size > 1 || groups.size) actions.append(membership(item));
  if (model?.corrections) actions.append(keyed("correct", el("button", { type: "button",
    ariaExpanded: String(!!item.correcting), on: { click: () => { item.correcting = !item
          .correcting;
        show(item);
        item.card.querySelector("[data-key=correction]")?.focus(); } } }, "Correct")));
  actions.append(removing(item));
  item.card.append(actions);
  if (item.correcting) item.card.append(correction(item));
}

function figure(each, ...more) {
  return el("figure", {}, el("img", { src: each.photograph,
      alt: `Reference photograph of ${each.class || each.name}`, loading: "lazy",
      decoding: "async" }), ...more,
    el("figcaption", {}, el("b", {}, el("bdi", {}, each.class)), el("span", {}, el("bdi", {},
      each.name.split("/").pop()), each.share === undefined ?
      `, likeness ${each.likeness.toFixed(2)}` : `, attention ${percent(each.share)}`)));
}

function attention(attended) {
  // Whom an image attended to, and what that changed.
  const made = el("section", { ariaLabel: "Attention" }, el("h3", {}, "What it was related to"), el(
    "p", {}, `The model relates it to ${plural(model.references, "reference photograph",
      "reference photographs")} that it keeps. `));
  const without = attended.without?.[0];
  const said = made.lastChild;
  if (without && attended.changed < 0.0005) said.append(
    "Without them nothing would be different: the model makes no use of them here.");
  else if (without) said.append(`They change its probabilities by up to ${(100 * attended.changed).toFixed(1)} points. Without them it would be `,
    el("b", {}, el("bdi", {}, without.class)), `, ${percent(without.probability)} before calibration.`);
  made.append(el("p", { className: "small" },
    `Of its attention ${percent(attended.itself)} is on your photograph itself, the rest on these. The most is on:`
  ), el("ul", { className: "alike" }, ...attended.references.map((each) => el("li", {},
    figure(each)))));
  return made;
}

// ---- why, and two classes compared

function colour(name) {
  const [red, green, blue] = getComputedStyle(document.documentElement).getPropertyValue(name)
    .trim().match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
  return [red, green, blue];
}

function heat(value) {
  // From nothing over red to yellow.
  return [Math.min(255, 90 + 330 * value), Math.min(255, 255 * Math.max(0, 1.6 * value - 0.6)),
    30, 255 * Math.min(1, 1.25 * value)
  ];
}

const tinted = (name) => { const rgb = colour(name); return (value) => [...rgb, 255 * Math.min(1,
    1.2 * value)]; };

function layer(rows, paint) {
  const [height, width] = [rows.length, rows[0].length];
  const small = el("canvas", { width, height });
  const pixels = small.getContext("2d").createImageData(width, height);
  rows.flat().forEach((value, place) => pixels.data.set(paint(value), 4 * place));
  small.getContext("2d").putImageData(pixels, 0, 0);
  // Enlarged as the map of Grad-CAM is: between the middles of its places.
  const side = 256;
  const large = el("canvas", { width: side, height: side, ariaHidden: "true" });
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, side, side);
  return large;
}

function layered(source, describe, ...layers) {
  return el("div", { className: "layered" }, el("img", { src: source, alt: describe }), ...
  layers);
}

function opacity(container, start = 0.6) {
  const set = (value) => container.querySelectorAll("canvas").forEach((each) => { each.style
      .opacity = value; });
  const slider = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: start,
    on: { input: (event) => set(event.target.value) } });
  set(start);
  return { set: () => set(slider.value), label: el("label", {}, "Opacity of the map", slider) };
}

function open(title, ...content) {
  $("dialog-title").textContent = title;
  $("dialog-body").replaceChildren(...content);
  if (!$("dialog").open) $("dialog").showModal();
}

async function why(item) {
  const wait = el("p", { role: "status" }, "Looking…");
  open(`Why: ${item.name}`, wait);
  const choice = el("select", {}, ...item.top.map((entry) => el("option", { value: entry
      .class }, entry.class)));
  const place = el("div", { className: "layers" });
  const slider = opacity(place);
  const say = el("p", { className: "small" });
  const related = el("div", {});
  const draw = async () => {
    try {
      const name = choice.value;
      const [found] = (await ask(`explain?${query({ class: name })}`, [item.file]))
      .explanations;
      if (found.error) throw new Refused(inWords(200, found.error));
      if (found.attended && !related.firstChild) related.append(attention(found.attended));
      const [map] = found.maps;
      if (!map) return;
      item.map = map;
      place.replaceChildren(el("div", { className: "why" }, layered(item.thumb?.url ?? "",
          `Photograph ${item.name} with what speaks for ${name}`, layer(map.rows, heat)
          )));
      slider.set();
      const none = map.rows.flat().every((value) => value === 0);
      say.textContent = none ? `Nothing in this photograph speaks for ${name}.` :
        `Bright places speak for ${name} (Grad-CAM, ${map.rows.length} × ${map.rows[0].length} places).`;
    } catch (error) {
      say.textContent = error.message;
    }
  };
  choice.addEventListener("change", draw);
  await item.seen;
  await draw();
  const settings = el("div", { className: "settings" }, el("label", {}, "What speaks for", choice),
    slider.label);
  wait.replaceWith(...(model.maps ? [settings, place] : []), say, related);
}

function pick(item, name) {
  if (!model?.maps) return;
  item.picked = item.picked.includes(name) ? item.picked.filter((each) => each !== name) : [...
    item.picked, name
  ];
  const pair = item.picked;
  if (pair.length === 2) {
    item.picked = [];
    show(item);
    compare(item, ...pair);
  } else show(item);
}

async function compare(item, first, second) {
  const wait = el("p", { role: "status" }, "Looking…");
  open(`${first} or ${second}?`, wait);
  try {
    await item.seen;
    const [found] = (await ask(`compare?${query({ first, second, references: 1 })}`, [item
      .file])).comparisons;
    if (found.error) throw new Refused(inWords(200, found.error));
    const [orange, blue] = [tinted("--first"), tinted("--second")];
    const both = (rows) => [layer(rows.first, orange), layer(rows.second, blue)];
    const place = el("div", { className: "layers" });
    const numbers = found.classes.map((entry) => `${entry.class} ${percent(shown(entry))}`)
      .join(", ");
    place.append(el("figure", {}, layered(item.thumb?.url ?? "", `Photograph ${item.name}`, ...
      both(found)), el("figcaption", {}, el("b", {}, "Your photograph"), ` ${numbers}`)));
    for (const each of found.references) {
      place.append(el("figure", {}, layered(each.photograph,
        `Reference photograph of ${each.class}`, ...both(each)), el("figcaption", {}, el(
        "b", {}, el("bdi", {}, each.class)), ` ${each.name.split("/").pop()}`)));
    }
    const slider = opacity(place);
    const which = el("select", { on: { change: () => place.querySelectorAll(".layered").forEach(
            (each) => { const [a, b] = each.querySelectorAll("canvas");
              a.hidden = which.value === "second";
              b.hidden = which.value === "first"; }) } },
      el("option", { value: "both" }, "either"), el("option", { value: "first" }, first), el(
        "option", { value: "second" }, second));
    wait.replaceWith(
      el("p", {}, "Orange places speak for ", el("b", { className: "first" }, el("bdi", {},
          first)), ", blue ones for ", el("b", { className: "second" }, el("bdi", {},
        second)), "."),
      el("div", { className: "settings" }, el("label", {}, "Show what speaks for", which),
        slider.label), place);
  } catch (error) {
    wait.textContent = error.message;
  }
}

// ---- several photographs of one thing

function membership(item) {
  const choice = el("select", { on: { change: () => join(item, choice.value === "new" ? -1 :
          Number(choice.value)) } },
    el("option", { value: 0 }, "none"), ...[...groups.values()].map((group) => el(
    "option", { value: group.number }, `observation ${group.number}`)), el(
    "option", { value: "new" }, "a new one"));
  choice.value = String(item.group);
  return el("label", {}, "Observation ", keyed("observation", choice));
}

function join(item, number) {
  const before = groups.get(item.group);
  if (number === -1) {
    number = ++lastGroup;
    groups.set(number, { number, name: `observation ${number}` });
  }
  item.group = number;
  for (const group of [before, groups.get(number)])
    if (group) observe(group);
  showGroups();
  for (const each of items.values())
    if (each.state === "answered") later(each);
}

const members = (group) => [...items.values()].filter((item) => item.group === group.number &&
  item.state === "answered");

async function observe(group) {
  const of = members(group);
  if (!of.length) {
    groups.delete(group.number);
    showGroups();
    return;
  }
  const turn = (group.turn = (group.turn ?? 0) + 1);
  group.answer = null;
  try {
    const answer = await asking(() => ask("observations?top=5", of.map((item) => item.file)));
    if (turn === group.turn) Object.assign(group, { answer, error: null, of });
  } catch (error) {
    if (turn === group.turn) group.error = error.message;
  }
  showGroups();
}

function showGroups() {
  $("groups").replaceChildren(...[...groups.values()].map(showGroup));
  progress();
}

function showGroup(group) {
  const made = el("li", { className: "group" }, el("h3", {}, `Observation ${group.number}`));
  dropping(made, (item) => join(item, group.number));
  if (group.error) made.append(el("p", { className: "error" }, group.error));
  else if (!group.answer) made.append(el("p", { className: "small", role: "status" },
    "Looking at all of them…"));
  else {
    const { observation, images } = group.answer;
    const total = images.reduce((sum, each) => sum + Math.abs(each.support ?? 0), 0) || 1;
    made.append(
      el("p", { className: "said" }, el("bdi", {}, observation.top[0].class),
        ` ${percent(observation.top[0].probability)}`),
      el("p", {}, badge(observation)),
      el("p", { className: "small" }, observation.top.slice(1, 3).map((entry) =>
        `${entry.class} ${percent(entry.probability)}`).join(", ")),
      el("ul", { className: "members" }, ...images.map((each, place) => {
        const item = group.of[place];
        const share = each.support ?? 0;
        return el("li", {}, picture(item, item.name), el("span", {},
            `${share < 0 ? "against it, " : ""}share ${percent(Math.abs(share) / total)}`
            ));
      })),
    );
    if (!observation.calibrated) made.append(el("p", { className: "small" },
      "The mean of the photographs; not calibrated."));
  }
  return made;
}

function dropping(element, use) {
  const number = (event) => event.dataTransfer.types.includes("application/x-photograph");
  element.addEventListener("dragover", (event) => { if (number(event)) { event.preventDefault();
      event.stopPropagation();
      element.classList.add("over"); } });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    if (!number(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const item = items.get(Number(event.dataTransfer.getData("application/x-photograph")));
    if (item?.state === "answered") use(item);
  });
}

// ---- corrections

function correction(item) {
  const input = keyed("correction", el("input", { type: "text", autocomplete: "off",
    list: "classes" }));
  const say = el("p", { className: "small", role: "status" });
  const form = el("form", { className: "wide correct" }, el("label", {}, "What it is", input), el(
    "button", { className: "primary" }, "Keep"), say);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!model.classes.includes(name)) {
      say.textContent = "Choose one of the classes, please.";
      input.focus();
      return;
    }
    try {
      await ask(`corrections?${query({ class: name, given: item.top[0].class })}`, [item
        .file
      ]);
      Object.assign(item, { corrected: name, correcting: false });
      show(item);
      item.card.querySelector("[data-key=correct]")?.focus();
    } catch (error) {
      say.textContent = error.message;
    }
  });
  return form;
}

// ---- export

function save(name, content, kind) {
  const url = URL.createObjectURL(new Blob([content], { type: kind }));
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const cell = (value) => {
  const text = String(value ?? "");
  // What a spreadsheet would take for a formula is text.
  return `"${(/^\s*[=+\-@\t\r\n＝＋－＠]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text).replaceAll('"', '""')}"`;
};

function csv() {
  const rows = [
    ["image", "class", "probability", "calibrated", "sure", "second", "second probability",
      "observation", "observation class", "observation sure", "corrected", "error"
    ]
  ];
  for (const item of items.values()) {
    const [best, second] = item.top ?? [];
    const observation = groups.get(item.group)?.answer?.observation;
    rows.push([item.name, best?.class, best?.probability, best?.calibrated, item.sure, second
      ?.class, second?.probability, item.group || "", observation?.top[0].class, observation?.sure, item.corrected, item.error
    ]);
  }
  return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

const inside = (blob) => new Promise((resolve) => { const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.readAsDataURL(blob); });
const escaped = (text) => String(text ?? "").replace(/[&<>"']/g, (sign) =>
  `&#${sign.charCodeAt(0)};`);

async function withMap(item) {
  // The photograph with the map that was looked at, as one picture.
  const bitmap = await createImageBitmap(item.thumb.blob);
  const canvas = el("canvas", { width: bitmap.width, height: bitmap.height });
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  context.globalAlpha = 0.6;
  context.drawImage(layer(item.map.rows, heat), 0, 0, bitmap.width, bitmap.height);
  return canvas.toDataURL("image/jpeg", 0.85);
}

async function report() {
  const parts = [];
  for (const item of items.values()) {
    await item.seen;
    const image = item.thumb ? `<img alt="" src="${await inside(item.thumb.blob)}">` : "";
    const map = item.map && item.thumb ?
      `<figure><img alt="" src="${await withMap(item)}"><figcaption>speaks for ${escaped(item.map.class)}</figcaption></figure>` :
      "";
    let alike = "";
    for (const each of (item.top ?? []).slice(0, 3).flatMap((entry) => (entry.references ?? [])
        .slice(0, 1))) {
      const blob = await (await fetch(each.photograph)).blob();
      alike +=
        `<figure><img alt="" src="${await inside(blob)}"><figcaption>${escaped(each.class)}</figcaption></figure>`;
    }
    const classes = (item.top ?? []).map((entry) =>
      `<tr><td>${escaped(entry.class)}</td><td>${percent(shown(entry))}</td></tr>`).join("");
    const sure = item.sure === undefined ? "" : item.sure ? " (sure)" : " (not sure)";
    const said = item.error ? escaped(item.error) :
      `<b>${escaped(item.corrected ?? item.top?.[0].class)}</b>${item.corrected ? " (corrected)" : sure}`;
    const group = groups.get(item.group)?.answer?.observation.top[0];
    parts.push(
      `<section><h2>${escaped(item.name)}</h2><div>${image}${map}${alike}</div><p>${said}${group ? `; observation ${item.group}: ${escaped(group.class)} ${percent(group.probability)}` : ""}</p><table>${classes}</table></section>`
      );
  }
  const style =
    "body{font:16px/1.4 system-ui,sans-serif;max-width:70rem;margin:auto;padding:1rem;color:#1d2520}section{border-top:1px solid #ccc}img{max-height:14rem;max-width:100%;border-radius:.4rem}div{display:flex;flex-wrap:wrap;gap:.6rem}figure{margin:0}figcaption{font-size:.8rem}td{padding:0 1rem .1rem 0}";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>What is it?</title><style>${style}</style><h1>What is it?</h1><p>${escaped($("promise").textContent)}</p>${parts.join("")}</html>`;
}

// ---- the model

function promise() {
  const found = model.confidence;
  if (!found) return "No validation images say from which probability on an answer is sure.";
  if (found.threshold === null)
  return `On ${found.images} validation images there is no probability from which on 95 answers of 100 are right: none is called sure.`;
  return `"Sure" is an answer of ${percent(found.threshold)} and more: on ${found.images} validation images ${Math.round(100 * found.sure)} of 100 were, and ${Math.floor(1000 * found.right) / 10} % of these were right.`;
}

function showModel() {
  const row = (name, value) => [el("dt", {}, name), el("dd", {}, value)];
  const facts = el("dl", {},
    ...row("Classes", String(model.classes.length)), ...row("Images",
      `${model.image_size} × ${model.image_size} pixels`),
    ...row("Relations", model.relations), ...row("Reference photographs", String(model
      .references) + (model.attends ? ", which the model relates photographs to" : "")),
    ...row("Maps", model.maps ? "yes" : model.no_maps || "no"), ...row("Sure", promise()),
    ...row("Made with",
      `keras-rbi ${model.keras_rbi_version ?? "(not told)"}${model.precision ? `, ${model.precision}` : ""}`
      ));
  const names = el("details", {}, el("summary", {}, "All classes"), el("ul", {}, ...model.classes
    .map((name) => el("li", {}, el("bdi", {}, name)))));
  $("model").replaceChildren(el("h2", {}, "The model"), facts, names, model.card ? markdown(model
    .card) : el("p", { className: "small" },
    "There is no model card (README.md) beside this model."));
}

function markdown(text) {
  // Headings, lists, tables, code and paragraphs: what a model card is made of. Never HTML.
  const made = el("div", { className: "markdown" });
  const lines = text.replace(/^---\n[\s\S]*?\n---\n/, "").split("\n");
  const plain = (line) => line.replace(/\*\*|`/g, "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  let at = 0;
  const taken = (test) => { const found = []; while (at < lines.length && test(lines[at])) found
      .push(lines[at++]); return found; };
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) at += 1;
    else if (/^#{1,6} /.test(line)) { made.append(el(/^# /.test(line) ? "h2" : "h3", {}, plain(
        line.replace(/^#+ /, ""))));
      at += 1; } else if (/^```/.test(line)) { at += 1;
      made.append(el("pre", { tabIndex: 0 }, taken((each) => !/^```/.test(each)).join("\n")));
      at += 1; } else if (/^\s*[-*] /.test(line)) made.append(el("ul", {}, ...taken((each) =>
      /^\s*[-*] |^ {2,}\S/.test(each)).map((each) => el("li", {}, plain(each.replace(
      /^\s*[-*] /, ""))))));
    else if (/^\|/.test(line)) {
      const rows = taken((each) => /^\|/.test(each)).filter((each) => !/^\|[\s:|-]+\|?\s*$/.test(
        each)).map((each) => each.replace(/^\||\|\s*$/g, "").split("|"));
      made.append(el("table", { tabIndex: 0 }, ...rows.map((row, number) => el("tr", {}, ...row
        .map((each) => el(number ? "td" : "th", {}, plain(each.trim())))))));
    } else made.append(el("p", {}, plain(taken((each) => each.trim() && !/^(#|```|\||\s*[-*] )/
      .test(each)).join(" ") || lines[at++])));
  }
  return made;
}

function turnTo(name) {
  for (const each of ["photographs", "model"]) {
    $(each).hidden = each !== name;
    $(`tab-${each}`).ariaPressed = String(each === name);
  }
}

// ---- what the page hears

async function filesOf(entries) {
  // Folders that were dropped, to the bottom.
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) found.push(await new Promise((resolve, reject) => entry.file(resolve,
      reject)));
    else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve,
          reject));
        if (!some.length) break;
        for (const each of some) await walk(each);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

function listen() {
  for (const id of ["files", "folder", "camera"]) {
    $(id).addEventListener("change", (event) => { add(event.target.files);
      event.target.value = ""; });
  }
  document.addEventListener("paste", (event) => { if (event.clipboardData?.files.length) add(event
      .clipboardData.files); });
  document.addEventListener("dragover", (event) => { event.preventDefault(); if (event
      .dataTransfer.types.includes("Files")) $("drop").classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop")
      .classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.())
      .filter(Boolean);
    const files = [...event.dataTransfer.files];
    add(entries.some((entry) => entry.isDirectory) ? await filesOf(entries) : files);
  });
  dropping($("new-group"), (item) => join(item, -1));
  $("csv").addEventListener("click", () => save("answers.csv", `\ufeff${csv()}`, "text/csv"));
  $("report").addEventListener("click", async () => save("answers.html", await report(),
    "text/html"));
  $("clear").addEventListener("click", () => { for (const item of [...items.values()]) remove(
      item);
    $("files").focus(); });
  for (const name of ["photographs", "model"]) $(`tab-${name}`).addEventListener("click", () =>
    turnTo(name));
}

async function begin() {
  listen();
  try {
    model = await (await fetch("model")).json();
  } catch {
    $("status").textContent = inWords(0, "");
    return;
  }
  $("promise").textContent = promise();
  $("classes").append(...model.classes.map((name) => el("option", { value: name })));
  showModel();
}

ready = begin();
