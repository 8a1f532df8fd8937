// What is sent for an edit, for each part of a series that can be meant. Pure.
import type { EventPatch, Occurrence, Scope, Target, Times } from "@tandem/react";
import { writeRepeat } from "./repeat";
import { fromWall, moveFollowing, moveSeries, timesOf, timesPatch } from "./times";
import { beginOf, changedFields, ruleChanged, timesChanged, type Values } from "./values";

export interface Plan {
  target: Target;
  patch: EventPatch;
  /** Where an occurrence takes place without the edit, for what is shown meanwhile. */
  times?: Times;
}

/** Whether somebody has to say which part of a series is meant. */
export function isPartOfSeries(occurrence: Occurrence): boolean {
  return occurrence.master !== null && occurrence.originalStart !== null;
}

export function targetOf(occurrence: Occurrence, scope: Scope): Target {
  const { event, master, originalStart } = occurrence;
  if (!isPartOfSeries(occurrence) || !master || !originalStart) return { id: event.id };
  if (scope === "this" && occurrence.isException) return { id: event.id, scope };
  if (scope === "all") return { id: master.id, scope };
  return { id: master.id, scope, originalStart };
}

/** An occurrence dragged or stretched. Null where the series cannot go along. */
export function planMove(occurrence: Occurrence, to: Times, scope: Scope): Plan | null {
  const { master } = occurrence;
  const target = targetOf(occurrence, scope);
  const times = timesOf(occurrence);
  if (!isPartOfSeries(occurrence) || !master || scope === "this")
    return { target, patch: timesPatch(to), times };
  const patch = scope === "all" ? moveSeries(master, occurrence, to) : moveFollowing(master, occurrence, to);
  return patch && { target, patch, times };
}

/** What was changed in the form. Null where the series cannot go along. */
export function planEdit(
  occurrence: Occurrence,
  before: Values,
  values: Values,
  scope: Scope,
  mine: readonly string[],
): Plan | null {
  const { event, master } = occurrence;
  const fields = changedFields(before, values, event, mine);
  let plan: Plan = { target: targetOf(occurrence, scope), patch: {}, times: timesOf(occurrence) };
  if (timesChanged(before, values)) {
    // A zone that changes with the times is part of them.
    const moved = planMove(occurrence, fromWall(values), scope);
    if (!moved) return null;
    plan = moved;
  }
  const patch = { ...plan.patch, ...fields };
  if (ruleChanged(before, values) && (scope !== "this" || !isPartOfSeries(occurrence))) {
    // The exceptions of a series stay with its first part.
    const known = scope === "following" ? null : (master ?? event).recurrence;
    patch.recurrence = writeRepeat(values.repeat, known, beginOf(values));
  }
  return { ...plan, patch };
}

/** Which parts an edit can mean, the first being the usual one. */
export function scopesOf(occurrence: Occurrence, changesRule: boolean): Scope[] {
  if (!isPartOfSeries(occurrence)) return [];
  return changesRule ? ["following", "all"] : ["this", "following", "all"];
}
