import { describe, expect, test } from "vitest";
import { sanitise, toText } from "../src/event/description";

describe("descriptions", () => {
  test("what could run, load or restyle is taken away", () => {
    const html = `<b onclick="x()">Hi</b><script>x()</script><img src="https://spy.test/p.gif"><p style="position:fixed">text</p><a href="javascript:x()">bad</a>`;
    expect(sanitise(html)).toBe(`<b>Hi</b><p>text</p><a target="_blank" rel="noopener noreferrer">bad</a>`);
  });

  test("links open elsewhere and tell nothing; line breaks show", () => {
    expect(sanitise(`one\n<a href="https://a.test/">two</a>`)).toBe(
      `one<br><a href="https://a.test/" target="_blank" rel="noopener noreferrer">two</a>`,
    );
  });

  test("as text it keeps its lines and signs", () => {
    expect(toText("<p>Fish &amp; chips</p>one<br>two<ul><li>three</li></ul>")).toBe(
      "Fish & chips\none\ntwo\nthree",
    );
  });
});
