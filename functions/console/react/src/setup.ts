// What the browser brings back from Google's consent page.

/** How a user's way to Google ended. */
export type ConnectResult = { outcome: "connected" } | { outcome: "error"; code: string; reason: string };

/** What went wrong, by the word that comes back. Anybody can write an address, so no text is taken from it. */
const REASONS: Record<string, string> = {
  invalid_request: "This connection request is not valid; start again.",
  expired: "This connection request has expired; start again.",
  another_browser: "This connection request was begun in another browser, or by somebody else; start again.",
  ticket_of_another_browser: "That link works only in the browser that asked for it; start again here.",
  replayed: "This connection request was used before; start again.",
  denied: "Access to Google Calendar was not granted; nothing was connected.",
  declined: "You said no; nothing was connected.",
  policy: "Your organisation does not allow this application; ask its Google administrator.",
  reported: "Google reported an error; start again.",
  missing_scope: "Google Calendar needs every box ticked on Google's page; start again.",
  code_refused: "Google did not accept the answer of its own page; start again.",
  client_refused: "Google does not know this deployment; its administrator finds the reason in the log.",
  redirect_mismatch:
    "Google does not know this deployment's address; its administrator finds the reason in the log.",
  refused: "Google refused; this deployment's administrator finds the reason in the log.",
  google_unavailable: "Google is not answering at the moment; try again in a few minutes.",
  no_lasting_access:
    "Google gave no lasting access; remove this application in the Google account's settings, then connect again.",
  identity: "Google's answer does not belong to this request; start again.",
  another_account: "This is another Google account; choose the one that was connected before.",
  left: "You are not a user of this CRM any more; nothing was connected.",
  disconnecting: "This Google account is being disconnected; connect it again in a few minutes.",
  no_calendar: "This Google account has no primary calendar.",
  misconfigured: "This deployment cannot store tokens; its administrator finds the reason in the log.",
  database_unavailable: "The database cannot be reached; try again.",
};

/** Reads `?google=…` of an address, and the address without it. */
export function readResult(address: string): { result: ConnectResult | null; rest: string } {
  const url = new URL(address);
  const google = url.searchParams.get("google");
  const code = url.searchParams.get("code") ?? "";
  const reason = REASONS[code] ?? "The calendar was not connected.";
  if (google !== "connected" && google !== "error") return { result: null, rest: address };
  for (const name of ["google", "code"]) url.searchParams.delete(name);
  const result: ConnectResult =
    google === "connected" ? { outcome: "connected" } : { outcome: "error", code, reason };
  return { result, rest: url.toString() };
}

let taken: ConnectResult | null = null;

/** The result this page was opened with. It leaves the address at once, so that a reload does not repeat it. */
export function takeResult(): ConnectResult | null {
  if (typeof window === "undefined") return null;
  const { result, rest } = readResult(window.location.href);
  if (result) {
    window.history.replaceState(window.history.state, "", rest);
    taken = result;
  }
  return taken;
}

/** The result was shown and answered. */
export function dropResult(): void {
  taken = null;
}
