// Fails when react/src/api.d.ts is not what openapi.json says.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "tandem-types-"));
const fresh = join(folder, "api.d.ts");
const run = (command, ...rest) =>
  execFileSync("npx", ["--no-install", command, ...rest], { stdio: ["ignore", "pipe", "inherit"] });
try {
  run("openapi-typescript", "openapi.json", "--output", fresh);
  if (readFileSync(fresh, "utf8") !== readFileSync("react/src/api.d.ts", "utf8")) {
    console.error("react/src/api.d.ts is older than openapi.json: run `npm run types` and commit it");
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
