import { afterEach, expect, test, vi } from "vitest";
import { toGoogle } from "../src/to-google";

afterEach(() => document.body.replaceChildren());

test("a page of the deployment itself follows the address", () => {
  const go = vi.fn();
  toGoogle("http://tandem.test/functions/v1/google-connect/start?ticket=t", {
    origin: "http://tandem.test",
    go,
    submit: vi.fn(),
  });
  expect(go).toHaveBeenCalledWith("http://tandem.test/functions/v1/google-connect/start?ticket=t");
});

test("a page elsewhere posts the ticket, so that the browser says where it comes from", () => {
  const [go, submit] = [vi.fn(), vi.fn()];
  toGoogle("http://tandem.test/functions/v1/google-connect/start?ticket=a%20b", {
    origin: "http://crm.test",
    go,
    submit,
  });
  expect(go).not.toHaveBeenCalled();
  const form = submit.mock.calls[0]?.[0] as HTMLFormElement;
  expect(form.method).toBe("post");
  expect(form.action).toBe("http://tandem.test/functions/v1/google-connect/start");
  expect([...new FormData(form)]).toEqual([["ticket", "a b"]]);
  expect(form.isConnected).toBe(true);
});
