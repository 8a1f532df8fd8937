import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { backToTandem } from "./crm-login";

const APP = "https://app.example";
const asked = vi.fn<typeof fetch>();

beforeEach(() => {
  asked.mockReset();
  vi.stubGlobal("fetch", asked);
});

function search(returnTo: string | null): string {
  const query = new URLSearchParams({ state: "s", code_challenge: "c", code_challenge_method: "S256" });
  if (returnTo !== null) query.set("return_to", returnTo);
  return `?${query}`;
}

describe("the CRM's login page", () => {
  test("asks Tandem with the login of its user, and follows what it answers", async () => {
    const url = `${APP}/?code=1&state=s`;
    asked.mockResolvedValue(Response.json({ url }));
    expect(await backToTandem(APP, search(`${APP}/`), "jwt")).toBe(url);
    const [to, request] = asked.mock.calls[0] ?? [];
    expect(to).toBe(`${APP}/functions/v1/console/api/logins`);
    expect(request?.headers).toMatchObject({ authorization: "Bearer jwt" });
    expect(JSON.parse(String(request?.body))).toEqual({
      return_to: `${APP}/`,
      state: "s",
      code_challenge: "c",
      code_challenge_method: "S256",
    });
  });

  test.each([
    null,
    "",
    "https://evil.example/",
    "https://app.example.evil/",
    "https://app.example.evil.example/",
    "https://app.example@evil.example/",
    "https://ann@app.example/",
    "https://app.example\\@evil.example/",
    "https://app.example/other",
    "https://app.example",
    "https://app.example/?next=https://evil.example/",
    "https://app.example/#x",
    "https://app.example:8443/",
    "https://APP.example/",
    "http://app.example/",
    "//app.example/",
    " https://app.example/",
  ])("asks nothing for %j", async (returnTo) => {
    await expect(backToTandem(APP, search(returnTo), "jwt")).rejects.toThrow("does not come from Tandem");
    expect(asked).not.toHaveBeenCalled();
  });

  test("tells why Tandem refuses", async () => {
    asked.mockResolvedValue(Response.json({ error: "sign in again" }, { status: 401 }));
    await expect(backToTandem(APP, search(`${APP}/`), "jwt")).rejects.toThrow("sign in again");
  });

  test("is the one that the README shows", () => {
    const here = readFileSync("example/crm-login.ts", "utf8");
    expect(readFileSync("../../README.md", "utf8").includes(here)).toBe(true);
  });
});
