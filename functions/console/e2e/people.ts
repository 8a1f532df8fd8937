import { env } from "./env";

export type Person = { id: string; name: string; email: string; jwt: string };

const PEOPLE = JSON.parse(env("E2E_PEOPLE")) as Person[];

/** A user of the CRM; each test takes its own, so that none meets what another one left. */
export function person(name: string): Person {
  const found = PEOPLE.find((one) => one.name === name);
  if (found === undefined) {
    throw new Error(`there is no ${name}`);
  }
  return found;
}

/** Calls the console's API as this user. */
export async function api<T = unknown>(
  who: Person,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(`${env("E2E_APP")}/functions/v1/console/api${path}`, {
    method,
    headers: { authorization: `Bearer ${who.jwt}`, "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  return JSON.parse(text) as T;
}
