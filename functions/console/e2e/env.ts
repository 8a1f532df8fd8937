/** What the test that starts the stack tells. */
export function env(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(
      `${name} is not set: run \`cargo test --package tests --test console\`, which starts the stack`,
    );
  }
  return value;
}
