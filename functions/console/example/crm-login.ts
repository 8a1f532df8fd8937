/** Where the CRM's login page sends the browser of a signed-in user who came from Tandem, at its `app_url`. */
export async function backToTandem(appUrl: string, search: string, accessToken: string): Promise<string> {
  const asked = new URLSearchParams(search);
  const page = new URL("/", appUrl).href;
  // Compared whole, character for character, before anything is asked: Tandem's page and nothing like it.
  if (asked.get("return_to") !== page) throw new Error("This link does not come from Tandem.");
  const names = ["return_to", "state", "code_challenge", "code_challenge_method"];
  const answer = await fetch(`${appUrl.replace(/\/$/, "")}/functions/v1/console/api/logins`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(names.map((name) => [name, asked.get(name)]))),
  });
  const { url, error } = await answer.json();
  if (!answer.ok) throw new Error(error);
  return url;
}
