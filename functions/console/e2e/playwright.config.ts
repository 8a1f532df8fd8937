import { defineConfig } from "@playwright/test";
import { env } from "./env";

// Chromium would otherwise look for its maker's hosts at every start.
const QUIET = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // The CRM's page is a test's own answer: to Chromium it is a public page, which asks before it reaches this machine.
  "--disable-features=LocalNetworkAccessChecks",
];

export default defineConfig({
  testDir: ".",
  outputDir: `${env("E2E_SHOTS")}/failed`,
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: env("E2E_APP"),
    actionTimeout: 20_000,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 900 },
    screenshot: "only-on-failure",
    launchOptions: { executablePath: env("E2E_CHROMIUM"), args: QUIET },
  },
});
