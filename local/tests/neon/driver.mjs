// Cases for Neon's own driver. Each asserts what the driver gives to an application.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const { neon, neonConfig, NeonDbError } = await import(pathToFileURL(process.env.DRIVER));
neonConfig.fetchEndpoint = process.env.ENDPOINT;
const sql = neon(process.env.CONNECTION_STRING);
const full = neon(process.env.CONNECTION_STRING, { fullResults: true });
const arrays = neon(process.env.CONNECTION_STRING, { arrayMode: true });

const cases = {
  "a template's values become parameters": async () => {
    assert.deepEqual(await sql`select ${1}::int + ${2}::int as sum`, [{ sum: 3 }]);
  },
  "numbers, booleans and texts keep their types": async () => {
    const [row] = await sql`select 1::int2 as a, 2::int4 as b, 1.5::float8 as c, true as d, 'x'::text as e`;
    assert.deepEqual(row, { a: 1, b: 2, c: 1.5, d: true, e: "x" });
  },
  "what JavaScript cannot hold stays a text": async () => {
    const [row] = await sql`select 9007199254740993::int8 as a, 0.10::numeric as b`;
    assert.deepEqual(row, { a: "9007199254740993", b: "0.10" });
  },
  "null comes and goes": async () => {
    assert.deepEqual(await sql`select ${null}::text as a, ${null}::text is null as b`, [{ a: null, b: true }]);
  },
  "json comes as a value and goes as one": async () => {
    const value = { a: [1, { b: "ü" }], c: null };
    assert.deepEqual(await sql`select ${value}::jsonb as j`, [{ j: value }]);
    assert.deepEqual(await sql.query("select $1::jsonb as j", [JSON.stringify([1, 2])]), [{ j: [1, 2] }]);
  },
  "arrays come and go": async () => {
    const texts = ["a", "b,c", 'q"\\', "NULL", "", null];
    assert.deepEqual(await sql`select ${texts}::text[] as t`, [{ t: texts }]);
    assert.deepEqual(await sql`select ${[[1, 2], [3, 4]]}::int[] as n`, [{ n: [[1, 2], [3, 4]] }]);
    assert.deepEqual(await sql`select ${[]}::int[] as n`, [{ n: [] }]);
  },
  "times come as dates": async () => {
    const [row] = await sql`select '2026-01-02T03:04:05.678Z'::timestamptz as t`;
    assert.equal(row.t.toISOString(), "2026-01-02T03:04:05.678Z");
    const [back] = await sql`select ${row.t}::timestamptz = '2026-01-02T03:04:05.678Z' as same`;
    assert.equal(back.same, true);
  },
  "bytes come as a buffer": async () => {
    const [row] = await sql`select '\\x00ff10'::bytea as b`;
    assert.deepEqual([...row.b], [0, 255, 16]);
  },
  "letters of all scripts come back": async () => {
    const text = "Grüße 你好 🎉 \t\n\"'\\";
    assert.deepEqual(await sql`select ${text}::text as t`, [{ t: text }]);
  },
  "rows can be arrays": async () => {
    assert.deepEqual(await arrays`select 1 as a, 2 as a`, [[1, 2]]);
  },
  "full results describe their fields": async () => {
    const result = await full`select 1::int4 as a, 'x'::varchar(5) as b`;
    assert.equal(result.command, "SELECT");
    assert.equal(result.rowCount, 1);
    assert.equal(result.rowAsArray, false);
    assert.deepEqual(result.fields.map((field) => [field.name, field.dataTypeID]), [["a", 23], ["b", 1043]]);
    assert.equal(result.fields[1].dataTypeModifier, 9);
  },
  "commands count their rows": async () => {
    await sql`create table counted (n int)`;
    const counts = [];
    for (const text of [
      "insert into counted select generate_series(1, 3)",
      "update counted set n = n + 1 where n > 1",
      "delete from counted where n = 1",
    ]) {
      const { command, rowCount } = await full.query(text);
      counts.push([command, rowCount]);
    }
    assert.deepEqual(counts, [["INSERT", 3], ["UPDATE", 2], ["DELETE", 1]]);
    assert.deepEqual(await sql`insert into counted values (7) returning n`, [{ n: 7 }]);
  },
  "a statement without rows gives none": async () => {
    assert.deepEqual(await sql`select 1 where false`, []);
    assert.deepEqual(await sql.query(""), []);
    const { command, rowCount, rows } = await full`create table nothing ()`;
    assert.deepEqual([command, rowCount, rows], ["CREATE", null, []]);
  },
  "a syntax error has its place": async () => {
    const error = await failure(sql.query("select 1 frm t"));
    assert.ok(error instanceof NeonDbError);
    assert.deepEqual([error.code, error.position, error.severity], ["42601", "14", "ERROR"]);
    assert.equal(error.message, 'syntax error at or near "t"');
  },
  "a broken constraint says which": async () => {
    await sql`create table unique_names (name text constraint only_once unique)`;
    await sql`insert into unique_names values ('a')`;
    const error = await failure(sql`insert into unique_names values ('a')`);
    assert.equal(error.code, "23505");
    assert.equal(error.constraint, "only_once");
    assert.deepEqual([error.schema, error.table], ["public", "unique_names"]);
    assert.equal(error.detail, "Key (name)=(a) already exists.");
  },
  "an own error keeps its code, detail and hint": async () => {
    const raise = "do $$ begin raise exception 'no' using errcode = 'PT409', detail = 'd', hint = 'h'; end $$";
    const error = await failure(sql.query(raise));
    assert.deepEqual([error.message, error.code, error.detail, error.hint], ["no", "PT409", "d", "h"]);
    assert.match(error.where, /PL\/pgSQL/);
  },
  "several statements in one query are refused": async () => {
    assert.equal((await failure(sql.query("select 1; select 2"))).code, "42601");
  },
  "too few parameters are refused": async () => {
    assert.equal((await failure(sql.query("select $1::int + $2::int", [1]))).code, "08P01");
  },
  "a value of the wrong type is refused": async () => {
    assert.equal((await failure(sql.query("select $1::int", ["one"]))).code, "22P02");
  },
  "a batch is one transaction": async () => {
    await sql`create table batched (n int)`;
    const results = await sql.transaction([
      sql`insert into batched values (1)`,
      sql`select txid_current() as id`,
      sql`select txid_current() as id, (select count(*)::int from batched) as n`,
    ]);
    assert.deepEqual(results[0], []);
    assert.equal(results[1][0].id, results[2][0].id);
    assert.equal(results[2][0].n, 1);
  },
  "a batch that fails leaves nothing": async () => {
    await sql`create table half (n int)`;
    const batch = sql.transaction([sql`insert into half values (1)`, sql`select 1 / 0`, sql`select 1`]);
    assert.equal((await failure(batch)).code, "22012");
    assert.deepEqual(await sql`select n from half`, []);
  },
  "a batch runs as it was asked to": async () => {
    const [[level], [readOnly], [deferrable]] = await sql.transaction(
      [sql`show transaction_isolation`, sql`show transaction_read_only`, sql`show transaction_deferrable`],
      { isolationLevel: "Serializable", readOnly: true, deferrable: true },
    );
    assert.deepEqual(
      [level.transaction_isolation, readOnly.transaction_read_only, deferrable.transaction_deferrable],
      ["serializable", "on", "on"],
    );
    const writing = sql.transaction([sql`create table never ()`], { readOnly: true });
    assert.equal((await failure(writing)).code, "25006");
  },
  "local settings of a batch reach its statements and end with it": async () => {
    const [, [inside]] = await sql.transaction([
      sql`select set_config('request.jwt.claims', '{"sub": "u"}', true)`,
      sql`select current_setting('request.jwt.claims') as claims`,
    ]);
    assert.equal(inside.claims, '{"sub": "u"}');
    const [outside] = await sql`select current_setting('request.jwt.claims', true) as claims`;
    assert.ok(!outside.claims);
  },
  "an empty batch is nothing": async () => {
    assert.deepEqual(await sql.transaction([]), []);
  },
  "many queries at a time do not mix": async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const rows = await Promise.all(numbers.map((n) => sql`select ${n}::int as n, pg_sleep(0.001)`));
    assert.deepEqual(rows.map(([row]) => row.n), numbers);
  },
  "ten thousand rows arrive in order": async () => {
    const rows = await arrays`select n, repeat('x', 50) from generate_series(1, 10000) n`;
    assert.deepEqual(rows.map(([n]) => n), Array.from({ length: 10000 }, (_, index) => index + 1));
  },
  "a wrong password is refused": async () => {
    const stranger = neon(process.env.CONNECTION_STRING.replace(":postgres@", ":wrong@"));
    assert.match((await failure(stranger`select 1`)).message, /password authentication failed for user 'postgres'/);
  },
};

async function failure(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it should have failed");
}

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (error) {
    failed += 1;
    console.error(`${name}: ${error.stack}`);
  }
}
if (failed > 0) {
  process.exit(1);
}
console.log(`${Object.keys(cases).length} cases passed`);
