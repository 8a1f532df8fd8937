// Drawn on a grid of 24; a name next to each says what it means, so they are hidden from readers.
import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const CheckIcon = () => (
  <Icon>
    <path d="M4 13l5 5L20 6" />
  </Icon>
);

export const ClockIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    <path d="M12 7v5l3 3" />
  </Icon>
);

export const WarningIcon = () => (
  <Icon>
    <path d="M12 3L2 20h20z" />
    <path d="M12 10v4M12 17v.01" />
  </Icon>
);

export const NotSyncedIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="9" />
    <path d="M6 18L18 6" />
  </Icon>
);

/** Born in the CRM: a person. */
export const CrmIcon = () => (
  <Icon>
    <circle cx="12" cy="8" r="4" />
    <path d="M4 21c0-5 4-7 8-7s8 2 8 7" />
  </Icon>
);

/** Born in Google Calendar: a calendar leaf. */
export const GoogleIcon = () => (
  <Icon>
    <rect x="3" y="5" width="18" height="16" rx="2" />
    <path d="M3 10h18M8 2v4M16 2v4" />
  </Icon>
);

export const RepeatIcon = () => (
  <Icon>
    <path d="M4 12V9a3 3 0 013-3h13M17 3l3 3-3 3M20 12v3a3 3 0 01-3 3H4M7 21l-3-3 3-3" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.500 17.500L19 19M5 19l1.500-1.500M17.500 6.500L19 5" />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M20 14A8 8 0 0110 4a8 8 0 1010 10z" />
  </Icon>
);

export const PlusIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
);
