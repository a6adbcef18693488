// The OpenAPI description of the service, as a page.

function el(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter(Boolean));
  return made;
}

function kind(schema) {
  if (!schema) return "";
  const one = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
  return one.type === "array" ? `${kind(one.items)}, several` : one.type ?? "";
}

function example(path, method, operation) {
  const needed = (operation.parameters ?? []).filter((each) => each.in === "query" && each
    .required).map((each) => `${each.name}=NAME`);
  const url =
    `${new URL(".", location.href).href.replace(/\/$/, "")}${path}${needed.length ? `?${needed.join("&")}` : ""}`;
  return method === "post" ? `curl -F images=@photo.jpg "${url}"` : `curl "${url}"`;
}

function described(path, method, operation) {
  const rows = (operation.parameters ?? []).map((each) =>
    el("tr", "", el("td", "", each.name), el("td", "", kind(each.schema)), el("td", "", each
      .required ? "needed" : each.schema?.default === undefined ? "" :
      `default ${each.schema.default}`)));
  const answers = Object.entries(operation.responses).map(([status, response]) => el("tr", "", el(
    "td", "", status), el("td", "", response.description)));
  const schema = operation.responses["200"]?.content?.["application/json"]?.schema;
  return el("section", "panel",
    el("h2", "", `${method.toUpperCase()} ${path}`),
    ...(operation.description ?? "").split("\n\n").map((text) => el("p", "", text)),
    el("pre", "", example(path, method, operation)),
    rows.length ? el("table", "", el("tr", "", el("th", "", "parameter"), el("th", "", "kind"),
      el("th", "", "")), ...rows) : null,
    el("table", "", el("tr", "", el("th", "", "status"), el("th", "", "when")), ...answers),
    schema ? el("details", "", el("summary", "", "What comes back"), el("pre", "", JSON
      .stringify(schema, null, 1))) : null);
}

const description = await (await fetch("openapi.json")).json();
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(methods)) document.getElementById("main")
    .append(described(path, method, operation));
}
document.querySelectorAll("pre, table").forEach((each) => { each.tabIndex = 0; });
