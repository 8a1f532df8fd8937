import { Alert, Button } from "@mantine/core";
import { Component, type ReactNode } from "react";

/** A fault of one page leaves the others usable. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Alert color="red" title="This page could not be shown">
        Reload it. If a new version was installed meanwhile, that is all it takes.
        <div className="actions">
          <Button onClick={() => window.location.reload()}>Reload</Button>
        </div>
      </Alert>
    );
  }
}
