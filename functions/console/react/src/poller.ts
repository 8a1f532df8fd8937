/** What a poller needs of the browser; tests bring their own. */
export interface Surroundings {
  isHidden(): boolean;
  isOnline(): boolean;
  /** Calls back when the page is shown or hidden or the network comes or goes; answers how to stop. */
  onChange(callback: () => void): () => void;
}

export const browser: Surroundings = {
  isHidden: () => typeof document !== "undefined" && document.hidden,
  isOnline: () => typeof navigator === "undefined" || navigator.onLine !== false,
  onChange(callback) {
    if (typeof document === "undefined") return () => {};
    document.addEventListener("visibilitychange", callback);
    window.addEventListener("online", callback);
    window.addEventListener("offline", callback);
    return () => {
      document.removeEventListener("visibilitychange", callback);
      window.removeEventListener("online", callback);
      window.removeEventListener("offline", callback);
    };
  },
};

/** Waiting after errors in a row grows to this. */
const LONGEST = 60_000;

/** What a round asks for: the next one at the usual pace, at once, or never until it is woken. */
export type Next = "wait" | "again" | "sleep";

/**
 * Repeats something while the page is looked at and online: one round at a time, farther apart after errors.
 */
export class Poller {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private wanted = false;
  private failures = 0;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly round: () => Promise<Next>,
    private readonly pace: () => number,
    private readonly around: Surroundings = browser,
  ) {}

  get started(): boolean {
    return this.stopListening !== undefined;
  }

  start(): void {
    if (this.started) return;
    this.stopListening = this.around.onChange(() => this.surroundingsChanged());
    this.wake();
  }

  stop(): void {
    this.stopListening?.();
    this.stopListening = undefined;
    clearTimeout(this.timer);
    this.wanted = false;
  }

  /** A round at once; after the present one if there is one. */
  wake(): void {
    if (!this.started) return;
    clearTimeout(this.timer);
    if (this.running) {
      this.wanted = true;
      return;
    }
    if (this.around.isHidden() || !this.around.isOnline()) return;
    void this.run();
  }

  private surroundingsChanged(): void {
    if (this.around.isHidden() || !this.around.isOnline()) {
      clearTimeout(this.timer);
      return;
    }
    this.failures = 0;
    this.wake();
  }

  private async run(): Promise<void> {
    this.running = true;
    this.wanted = false;
    let next: Next = "wait";
    try {
      next = await this.round();
      this.failures = 0;
    } catch {
      this.failures += 1;
    }
    this.running = false;
    if (!this.started) return;
    if (this.wanted || next === "again") {
      this.wake();
    } else if (next === "wait") {
      const delay = Math.min(this.pace() * 2 ** this.failures, Math.max(LONGEST, this.pace()));
      this.timer = setTimeout(() => this.wake(), delay);
    }
  }
}
