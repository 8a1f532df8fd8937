import { Button, Loader } from "@mantine/core";
import { useSession, useSetupCalendarSync } from "@tandem/react";
import { lazy, Suspense } from "react";
import { Link, Redirect, Route, Switch, useRoute } from "wouter";
import { setLogin } from "../login/session";
import { Banners } from "./banners";
import { ColorScheme } from "./color-scheme";
import { ErrorBoundary } from "./error-boundary";

const CalendarPage = lazy(() => import("../calendar/calendar-page"));
const ActivityPage = lazy(() => import("../activity/activity-page"));
const SettingsPage = lazy(() => import("../settings/settings-page"));

/** What is around every page: where one can go, and what needs attention wherever one is. */
export function Shell({ name, simulator }: { name: string; simulator: string | null }) {
  const sync = useSetupCalendarSync();
  const { session } = useSession();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="header">
        <span className="brand">Tandem</span>
        <nav className="nav" aria-label="Main">
          <NavLink href="/">Calendar</NavLink>
          <NavLink href="/activity">Activity</NavLink>
          <NavLink href="/settings">Settings</NavLink>
        </nav>
        <div className="header-end">
          {simulator && (
            <a className="quiet-link" href={simulator} target="_blank" rel="noreferrer">
              Simulated Google
            </a>
          )}
          <ColorScheme />
          <Button variant="subtle" size="compact-sm" onClick={() => setLogin(null)} title={name}>
            Sign out
          </Button>
        </div>
      </header>
      <Banners sync={sync} isExpired={session === "expired"} />
      <main id="content" className="content" tabIndex={-1}>
        <ErrorBoundary>
          <Suspense fallback={<Loader className="loading" role="status" aria-label="Loading" />}>
            <Switch>
              <Route path="/">
                <CalendarPage sync={sync} />
              </Route>
              <Route path="/events/:id">{({ id }) => <CalendarPage sync={sync} eventId={id} />}</Route>
              <Route path="/activity">
                <ActivityPage sync={sync} />
              </Route>
              <Route path="/settings">
                <SettingsPage sync={sync} />
              </Route>
              <Route>
                <Redirect to="/" replace />
              </Route>
            </Switch>
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

function NavLink({ href, children }: { href: string; children: string }) {
  const [isExact] = useRoute(href);
  const [isEvent] = useRoute("/events/:id");
  const isHere = isExact || (href === "/" && isEvent);
  return (
    <Link href={href} className="nav-link" aria-current={isHere ? "page" : undefined}>
      {children}
    </Link>
  );
}
