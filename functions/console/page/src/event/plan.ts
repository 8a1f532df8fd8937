// What is sent for an edit, for each part of a series that can be meant. Pure.
import type { EventPatch, Occurrence, Scope, Target, Times } from "@tandem/react";
import { writeRepeat } from "./repeat";
import { fromWall, timesOf, timesPatch } from "./times";
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
  return { id: master.id, scope, originalStart };
}

/** An occurrence dragged or stretched. The server moves what else is meant along, as on the wall. */
export function planMove(occurrence: Occurrence, to: Times, scope: Scope): Plan {
  return { target: targetOf(occurrence, scope), patch: timesPatch(to), times: timesOf(occurrence) };
}

/** What was changed in the form. */
export function planEdit(
  occurrence: Occurrence,
  before: Values,
  values: Values,
  scope: Scope,
  mine: readonly string[],
): Plan {
  const { event, master } = occurrence;
  const patch: EventPatch = changedFields(before, values, event, mine);
  if (timesChanged(before, values)) Object.assign(patch, timesPatch(fromWall(values)));
  if (ruleChanged(before, values) && (scope !== "this" || !isPartOfSeries(occurrence))) {
    // The exceptions of a series stay with its first part.
    const known = scope === "following" ? null : (master ?? event).recurrence;
    patch.recurrence = writeRepeat(values.repeat, known, beginOf(values));
  }
  return { target: targetOf(occurrence, scope), patch, times: timesOf(occurrence) };
}

/** Which parts an edit can mean, the first being the usual one. */
export function scopesOf(occurrence: Occurrence, changesRule: boolean): Scope[] {
  if (!isPartOfSeries(occurrence)) return [];
  return changesRule ? ["following", "all"] : ["this", "following", "all"];
}
