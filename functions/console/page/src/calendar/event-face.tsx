import type { Occurrence } from "@tandem/react";
import { SourceMark, SyncMark } from "../event/sync-state";
import { titleOf } from "../event/words";
import { RepeatIcon } from "../shell/icons";

interface Props {
  occurrence: Occurrence;
  time: string;
  /** There is one line. */
  isShort: boolean;
}

/** An event in the grid: where it comes from and where it stands, without relying on colours. */
export function EventFace({ occurrence, time, isShort }: Props) {
  const { event } = occurrence;
  return (
    <span className={isShort ? "face face-short" : "face"}>
      <SourceMark source={event.source} />
      {time && <span className="face-time">{time}</span>}
      <span className="face-title">{titleOf(event)}</span>
      {occurrence.originalStart && (
        <span className="mark" title="Repeats">
          <RepeatIcon />
          <span className="hidden-text">Repeats</span>
        </span>
      )}
      <SyncMark state={event.sync_state} />
    </span>
  );
}
