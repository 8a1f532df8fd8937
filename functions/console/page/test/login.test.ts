import { beforeEach, describe, expect, test, vi } from "vitest";
import { arrive, loginAddress } from "../src/login/redirect";
import { auth, getLogin, setLogin } from "../src/login/session";

const CRM = "https://crm.example.com/login?app=1";
const asked = vi.fn<typeof fetch>();

beforeEach(() => {
  sessionStorage.clear();
  window.history.replaceState(null, "", "/");
  asked.mockReset();
  asked.mockImplementation(async () => Response.json({ access_token: "t1" }));
  vi.stubGlobal("fetch", asked);
});

async function begun(): Promise<URLSearchParams> {
  return new URL(await loginAddress(CRM)).searchParams;
}

async function comeBack(query: string): Promise<string | null | undefined> {
  window.history.replaceState(null, "", `/${query}`);
  const arriving = arrive();
  expect(window.location.search).not.toMatch(/code=|state=/);
  return arriving === null ? undefined : await arriving;
}

describe("the CRM's login", () => {
  test("a code with the state of this tab becomes the login, and leaves the address", async () => {
    const sent = await begun();
    expect(sent.get("return_to")).toBe(`${window.location.origin}/`);
    expect(sent.get("app")).toBe("1");
    expect(await comeBack(`?code=c1&state=${sent.get("state")}&week=9`)).toBeNull();
    expect(window.location.search).toBe("?week=9");
    expect(await auth.getToken()).toBe("t1");
    const [to, request] = asked.mock.calls[0] ?? [];
    expect(to).toBe("/functions/v1/console/api/logins/token");
    expect(JSON.parse(String(request?.body)).code).toBe("c1");
  });

  test("the challenge is the verifier's hash, and no two visits have the same", async () => {
    const first = await begun();
    const sent = await begun();
    expect(sent.get("code_challenge_method")).toBe("S256");
    for (const name of ["state", "code_challenge"]) {
      expect(sent.get(name)).toMatch(/^[\w-]{43}$/);
      expect(sent.get(name)).not.toBe(first.get(name));
    }
    await comeBack(`?code=c1&state=${sent.get("state")}`);
    const { code_verifier } = JSON.parse(String(asked.mock.calls[0]?.[1]?.body));
    expect(sent.toString()).not.toContain(code_verifier);
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code_verifier));
    const challenge = atob(String(sent.get("code_challenge")).replaceAll("-", "+").replaceAll("_", "/"));
    expect(challenge).toBe(String.fromCharCode(...new Uint8Array(hash)));
  });

  test("a code that this tab did not ask for is used up, and leaves the address all the same", async () => {
    for (const state of ["", "other"]) {
      await begun();
      expect(await comeBack(`?code=stolen&state=${state}`)).toContain("Sign in again");
      expect(getLogin()).toBeNull();
      expect(JSON.parse(String(asked.mock.lastCall?.[1]?.body)).code).toBe("stolen");
    }
    expect(asked).toHaveBeenCalledTimes(2);
  });

  test("a state is good once, and a tab that asked for nothing takes nothing", async () => {
    const query = `?code=c1&state=${(await begun()).get("state")}`;
    await comeBack(query);
    setLogin(null);
    expect(await comeBack(query)).toContain("Sign in again");
    expect(getLogin()).toBeNull();
  });

  test("a code that is refused, or that nobody answers for, is told", async () => {
    asked.mockResolvedValueOnce(Response.json({ code: "invalid_grant" }, { status: 400 }));
    asked.mockRejectedValueOnce(new TypeError("offline"));
    for (const _ of [1, 2]) {
      const sent = await begun();
      expect(await comeBack(`?code=c1&state=${sent.get("state")}`)).toContain("Sign in again");
      expect(getLogin()).toBeNull();
    }
  });

  test("what else is in an address is left alone", () => {
    for (const address of ["/?google=error&code=denied", "/?state=1", "/#access_token=t1&state=1"]) {
      window.history.replaceState(null, "", address);
      expect(arrive()).toBeNull();
      expect(window.location.pathname + window.location.search + window.location.hash).toBe(address);
    }
  });
});
