// Queries over rows, in a language made up for measuring; nobody runs it. Its flaws are planted, each with a canary.
"use strict";

const canaries = process.env.CANARIES ? (flaw, triggered) => triggered && process.stderr.write(`canary ${flaw} triggered\n`) : () => undefined;

class QueryError extends Error {}

let askedBy = "";

function pick(row, name) {
  return row.fields[name];
}

function read(rows, index, name) {
  canaries(askedBy, !(index in rows));
  return pick(rows[index], name);
}

function select(rows, index, name) {
  return read(rows, index, name);
}

function show(state, rest) {
  const [index, name] = rest.split(".");
  askedBy = "query/row";
  return select(state.rows, index, name);
}

function join(state, rest) {
  const [left, right] = rest.split("+");
  if (!(left in state.rows)) throw new QueryError("no such row");
  const other = state.rows[left].link;
  askedBy = "query/link";
  return other === undefined ? right : select(state.rows, other, right);
}

function depth(text) {
  let open = 0, most = 0;
  for (const letter of text) {
    open += letter === "(" ? 1 : letter === ")" ? -1 : 0;
    most = Math.max(most, open);
  }
  return most;
}

function inner(text, at) {
  if (text[at] !== "(") return at + 1;
  let next = inner(text, at + 1);
  while (next < text.length && text[next] !== ")") next = inner(text, next);
  return next + 1;
}

function nest(state, rest) {
  canaries("query/nest", depth(rest) > 5000);
  return inner(rest, 0);
}

function row(state, rest) {
  const [name, fields, link] = rest.split(" ");
  if (!fields) throw new QueryError("a row has fields");
  const made = { fields: {}, link: link || undefined };
  for (const field of fields.split(",")) made.fields[field.split("=")[0]] = field.split("=")[1];
  state.rows[name] = made;
}

const verbs = { show, join, nest, row };

function reproduce(data) {
  const state = { rows: Object.create(null) };
  try {
    for (const line of data.toString("latin1").split("\n").filter(Boolean)) {
      const verb = line.split(" ", 1)[0];
      if (!Object.hasOwn(verbs, verb)) throw new QueryError("no such verb");
      verbs[verb](state, line.slice(verb.length + 1));
    }
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
  }
}

module.exports = { reproduce };
