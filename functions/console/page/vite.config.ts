import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Where `cargo dev` listens, for the development server.
const stack = process.env.TANDEM_URL ?? "http://127.0.0.1:3000";

export default defineConfig({
  base: "/",
  plugins: [react()],
  resolve: { conditions: ["source", "module", "browser", "development|production"] },
  build: {
    target: "es2022",
    // Whatever is inlined would need a policy that allows it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { proxy: { "/functions": stack } },
});
