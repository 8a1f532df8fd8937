import { Button, Loader, MantineProvider, Paper, Stack, Text, Title } from "@mantine/core";
import { type Config, TandemProvider } from "@tandem/react";
import { Suspense, use, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { auth, getLogin, subscribe } from "./login/session";
import { SignIn } from "./login/sign-in";
import { Shell } from "./shell/shell";
import { theme } from "./theme";

/** The page is served by the deployment itself. */
const DEPLOYMENT = window.location.origin;

/** A login that is under way from the CRM: what to tell the user when it does not come. */
type Arriving = Promise<string | null> | null;

export function App({ arriving }: { arriving: Arriving }) {
  // No style sheet is made at run time: the page's policy forbids it.
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <Suspense fallback={<Waiting />}>
        <Entrance arriving={arriving} />
      </Suspense>
    </MantineProvider>
  );
}

function Waiting() {
  return (
    <main className="centre">
      <Loader role="status" aria-label="Loading" />
    </main>
  );
}

function Entrance({ arriving }: { arriving: Arriving }) {
  const { config, failed, ask } = useConfig();
  const problem = arriving && use(arriving);
  const login = useSyncExternalStore(subscribe, getLogin);
  if (login) {
    return (
      <TandemProvider url={DEPLOYMENT} auth={auth}>
        <Shell name={login.name} simulator={config?.google_simulator ?? null} />
      </TandemProvider>
    );
  }
  if (config) return <SignIn config={config} problem={problem} />;
  if (!failed) return <Waiting />;
  return (
    <main className="centre">
      <Paper className="card" withBorder>
        <Stack>
          <Title order={1} size="h3">
            Tandem cannot be reached
          </Title>
          <Text>Check the connection to the network, then try again.</Text>
          <Button onClick={ask}>Try again</Button>
        </Stack>
      </Paper>
    </main>
  );
}

function useConfig() {
  const [config, setConfig] = useState<Config | null>(null);
  const [failed, setFailed] = useState(false);
  const ask = useCallback(async () => {
    setFailed(false);
    try {
      const response = await fetch("/functions/v1/console/api/config");
      if (!response.ok) throw new Error(`status ${response.status}`);
      setConfig((await response.json()) as Config);
    } catch {
      setFailed(true);
    }
  }, []);
  useEffect(() => void ask(), [ask]);
  return { config, failed, ask };
}
