import type { Occurrence, Scope, Times, UseEvents } from "@tandem/react";
import { useCallback, useState } from "react";
import { planMove, scopesOf } from "../event/plan";

interface Move {
  occurrence: Occurrence;
  to: Times;
}

/** Moving by hand: of a series, somebody says first what is meant. */
export function useDrag(events: UseEvents) {
  const [pending, setPending] = useState<Move | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const { update } = events;
  const send = useCallback(
    async ({ occurrence, to }: Move, scope: Scope) => {
      setError(null);
      const plan = planMove(occurrence, to, scope);
      try {
        await update(plan.target, plan.patch, plan.times);
      } catch (failed) {
        setError(failed instanceof Error ? failed : new Error(String(failed)));
      }
    },
    [update],
  );
  const move = useCallback(
    (occurrence: Occurrence, to: Times) => {
      if (scopesOf(occurrence, false).length === 0) void send({ occurrence, to }, "all");
      else setPending({ occurrence, to });
    },
    [send],
  );
  const answer = (scope: Scope) => {
    setPending(null);
    if (pending) void send(pending, scope);
  };
  return {
    move,
    answer,
    question: pending ? scopesOf(pending.occurrence, false) : null,
    error,
    forget: () => setPending(null),
    dismiss: () => setError(null),
  };
}
