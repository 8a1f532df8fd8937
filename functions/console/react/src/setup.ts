// What the browser brings back from Google's consent page.

/** How a user's way to Google ended. */
export type ConnectResult = { outcome: "connected" } | { outcome: "error"; code: string; reason: string };

/** Reads `?google=…` of an address, and the address without it. */
export function readResult(address: string): { result: ConnectResult | null; rest: string } {
  const url = new URL(address);
  const google = url.searchParams.get("google");
  const code = url.searchParams.get("code") ?? "";
  const reason = url.searchParams.get("reason") ?? "The calendar was not connected.";
  if (google !== "connected" && google !== "error") return { result: null, rest: address };
  for (const name of ["google", "code", "reason"]) url.searchParams.delete(name);
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
