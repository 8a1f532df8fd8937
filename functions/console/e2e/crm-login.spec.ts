import { expect, type Page, test } from "@playwright/test";
import { backToTandem } from "../example/crm-login";
import { env } from "./env";
import { person } from "./people";
import { shot } from "./visitor";

/** The CRM, at an origin of its own. */
const CRM = "http://crm.localhost:4999";
const APP = new URL(env("E2E_APP")).origin;

/** This deployment's users log in at the CRM, whose login page has a session of this user. */
async function withCrm(page: Page, jwt: string): Promise<string[]> {
  const addresses: string[] = [];
  page.on("framenavigated", (frame) => addresses.push(frame.url()));
  await page.route("**/console/api/config", (route) =>
    route.fulfill({ json: { login: { kind: "redirect", url: `${CRM}/login` }, google_simulator: null } }),
  );
  const script = `${backToTandem}
    backToTandem("${APP}", location.search, "${jwt}").then(
      (url) => location.replace(url), (error) => { document.title = error.message; });`;
  await page.route(`${CRM}/**`, (route) =>
    route.fulfill({ contentType: "text/html", body: `<!doctype html><script>${script}</script>` }),
  );
  return addresses;
}

test("a user who is signed in at the CRM comes back with a code, and no address has the login", async ({
  page,
}) => {
  const { jwt } = person("Gwen");
  const addresses = await withCrm(page, jwt);
  await page.goto("/");
  await page.getByRole("button", { name: "Sign in with your CRM" }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  await expect(page).toHaveURL(/^[^?#]*$/);
  await expect(page.getByText("Connect Google Calendar to see and change")).toBeVisible();
  expect(addresses.some((address) => address.startsWith(`${CRM}/login?return_to=`))).toBe(true);
  expect(addresses.filter((address) => address.includes(jwt.slice(-40)))).toEqual([]);
});

test("a code of somebody else's visit signs nobody in", async ({ page }) => {
  await withCrm(page, person("Gwen").jwt);
  await page.goto(`/?code=${"c".repeat(43)}&state=${"s".repeat(43)}`);
  await expect(page.getByText("Your login did not arrive from the CRM")).toBeVisible();
  await expect(page).toHaveURL(/^[^?#]*$/);
  await shot(page, "06-login-did-not-arrive");
});

test("the CRM's page asks nothing for the sake of another page than Tandem's", async ({ page }) => {
  await withCrm(page, person("Gwen").jwt);
  await page.goto(`${CRM}/login?return_to=${encodeURIComponent(`${APP}.evil/`)}&state=s`);
  await expect(page).toHaveTitle("This link does not come from Tandem.");
});
