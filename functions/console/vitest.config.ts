import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source", "module", "browser", "development|production"] },
  ssr: { resolve: { conditions: ["source", "module", "node", "development|production"] } },
  test: {
    environment: "jsdom",
    include: ["react/test/**/*.test.{ts,tsx}", "page/test/**/*.test.{ts,tsx}", "example/*.test.ts"],
    // Whoever runs the tests lives somewhere; the dates here do not.
    env: { TZ: "Europe/Berlin" },
    restoreMocks: true,
  },
});
