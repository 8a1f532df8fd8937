// The CRM's own login page: there with a nonce, back with a token and the same nonce.
import { setLogin } from "./session";

const NONCE = "tandem.nonce";

/** The address of the CRM's login page for this visit. */
export function loginAddress(url: string): string {
  const nonce = crypto.randomUUID();
  sessionStorage.setItem(NONCE, nonce);
  const address = new URL(url);
  address.searchParams.set("return_to", `${window.location.origin}/`);
  address.searchParams.set("state", nonce);
  return address.toString();
}

/**
 * Takes a token out of the address. Only a login that this tab began counts: a link with somebody else's
 * token would let its user work in a stranger's calendar.
 */
export function arrive(): void {
  const parameters = new URLSearchParams(window.location.hash.slice(1));
  const token = parameters.get("access_token");
  if (token === null) return;
  window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  const nonce = sessionStorage.getItem(NONCE);
  sessionStorage.removeItem(NONCE);
  if (nonce === null || parameters.get("state") !== nonce) return;
  setLogin({ token, name: "" });
}
