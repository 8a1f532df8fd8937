import type { Auth } from "@tandem/react";

/** The login of this tab; it ends with the tab. */
const KEY = "tandem.login";

export interface Login {
  token: string;
  name: string;
}

const listeners = new Set<() => void>();

export function getLogin(): Login | null {
  const text = sessionStorage.getItem(KEY);
  if (text !== known.text) known = { text, login: text ? (JSON.parse(text) as Login) : null };
  return known.login;
}

/** The same text is the same login, so that React can compare. */
let known: { text: string | null; login: Login | null } = { text: null, login: null };

export function setLogin(login: Login | null): void {
  if (login) sessionStorage.setItem(KEY, JSON.stringify(login));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the hooks ask for the login. */
export const auth: Auth = {
  getToken: async () => getLogin()?.token ?? null,
  onChange: subscribe,
  signIn: () => setLogin(null),
};
