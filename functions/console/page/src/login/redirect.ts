// The CRM's own login page: there with a state and a code challenge (RFC 7636), back with the state and a code.
import { setLogin } from "./session";

const KEY = "tandem.login-request";

/** What this tab asked for; only it knows the verifier. */
interface LoginRequest {
  state: string;
  verifier: string;
}

const FAILED = "Your login did not arrive from the CRM. Sign in again.";

/** The address of the CRM's login page for this visit. */
export async function loginAddress(url: string): Promise<string> {
  const request: LoginRequest = { state: random(), verifier: random() };
  sessionStorage.setItem(KEY, JSON.stringify(request));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(request.verifier));
  const address = new URL(url);
  address.searchParams.set("return_to", `${window.location.origin}/`);
  address.searchParams.set("state", request.state);
  address.searchParams.set("code_challenge", base64url(new Uint8Array(hash)));
  address.searchParams.set("code_challenge_method", "S256");
  return address.toString();
}

/**
 * Takes a code out of the address at once, and then the login for it. Only a login that this tab began counts: a
 * link with somebody else's code would let its user work in a stranger's calendar. Null where there is no code;
 * otherwise what to tell the user, if anything.
 */
export function arrive(): Promise<string | null> | null {
  const address = new URL(window.location.href);
  const code = address.searchParams.get("code");
  const state = address.searchParams.get("state");
  if (code === null || state === null) return null;
  for (const name of ["code", "state"]) address.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", address);
  const asked = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  const request = asked === null ? null : (JSON.parse(asked) as LoginRequest);
  if (request?.state === state) return exchange(code, request.verifier);
  // Whoever asked for this code shall not find it good in a log.
  return spend(code);
}

/** A code counts once, whatever the verifier is. */
async function spend(code: string): Promise<string> {
  await redeem(code, random());
  return FAILED;
}

async function exchange(code: string, verifier: string): Promise<string | null> {
  const token = await redeem(code, verifier);
  if (token === null) return FAILED;
  setLogin({ token, name: "" });
  return null;
}

async function redeem(code: string, verifier: string): Promise<string | null> {
  try {
    const answer = await fetch("/functions/v1/console/api/logins/token", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code, code_verifier: verifier }),
    });
    if (!answer.ok) return null;
    return ((await answer.json()) as { access_token: string }).access_token;
  } catch {
    return null;
  }
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
