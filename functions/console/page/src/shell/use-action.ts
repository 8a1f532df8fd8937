import { useCallback, useState } from "react";

/** Something that a button starts: whether it runs, and why it failed. */
export function useAction(): {
  isRunning: boolean;
  error: Error | null;
  run(action: () => Promise<unknown>): Promise<boolean>;
} {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const run = useCallback(async (action: () => Promise<unknown>) => {
    setRunning(true);
    setError(null);
    try {
      await action();
      return true;
    } catch (failed) {
      setError(failed instanceof Error ? failed : new Error(String(failed)));
      return false;
    } finally {
      setRunning(false);
    }
  }, []);
  return { isRunning, error, run };
}
