interface Browser {
  origin: string;
  go(url: string): void;
  submit(form: HTMLFormElement): void;
}

const thisBrowser = (): Browser => ({
  origin: window.location.origin,
  go: (url) => window.location.assign(url),
  submit: (form) => form.submit(),
});

/**
 * Sends the browser to Google by the address with its ticket. The deployment knows the browser that asked for the
 * ticket by a cookie, which only its own pages have; a page elsewhere, named in the deployment's `page_origins`,
 * posts the ticket, since a post says which origin it comes from.
 */
export function toGoogle(url: string, browser: Browser = thisBrowser()): void {
  const address = new URL(url);
  if (address.origin === browser.origin) {
    browser.go(url);
    return;
  }
  const form = document.createElement("form");
  form.method = "post";
  form.action = address.origin + address.pathname;
  for (const [name, value] of address.searchParams) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  browser.submit(form);
}
