import { beforeEach, describe, expect, test } from "vitest";
import { arrive, loginAddress } from "../src/login/redirect";
import { auth, getLogin, setLogin } from "../src/login/session";

beforeEach(() => {
  sessionStorage.clear();
  window.history.replaceState(null, "", "/");
});

const stateOf = (address: string) => new URL(address).searchParams.get("state");

describe("the CRM's login", () => {
  test("a token with the nonce of this tab is the login, and leaves the address", async () => {
    const address = loginAddress("https://crm.example.com/login?app=1");
    expect(new URL(address).searchParams.get("return_to")).toBe(`${window.location.origin}/`);
    window.history.replaceState(null, "", `/?google=connected#access_token=t1&state=${stateOf(address)}`);
    arrive();
    expect(window.location.hash).toBe("");
    expect(window.location.search).toBe("?google=connected");
    expect(await auth.getToken()).toBe("t1");
  });

  test("a token that this tab did not ask for is dropped, and leaves the address all the same", () => {
    for (const state of ["", "&state=", "&state=other"]) {
      loginAddress("https://crm.example.com/login");
      window.history.replaceState(null, "", `/#access_token=stolen${state}`);
      arrive();
      expect(getLogin()).toBeNull();
      expect(window.location.hash).toBe("");
    }
  });

  test("a nonce is good once, and a tab that asked for nothing takes nothing", () => {
    const state = stateOf(loginAddress("https://crm.example.com/login"));
    window.history.replaceState(null, "", `/#access_token=t1&state=${state}`);
    arrive();
    setLogin(null);
    window.history.replaceState(null, "", `/#access_token=t2&state=${state}`);
    arrive();
    expect(getLogin()).toBeNull();
  });

  test("another anchor is left alone", () => {
    window.history.replaceState(null, "", "/#content");
    arrive();
    expect(window.location.hash).toBe("#content");
  });
});
