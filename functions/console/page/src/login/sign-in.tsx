import { Alert, Button, Paper, Stack, Text, Title } from "@mantine/core";
import type { Config } from "@tandem/react";
import { loginAddress } from "./redirect";
import { setLogin } from "./session";

/** Who is there? As the deployment says that its users log in. */
export function SignIn({ config, problem }: { config: Config; problem: string | null }) {
  return (
    <main className="centre">
      <Paper className="card" withBorder>
        <Stack>
          <Title order={1} size="h3">
            Tandem
          </Title>
          {problem && <Alert color="red">{problem}</Alert>}
          <Ways login={config.login} />
        </Stack>
      </Paper>
    </main>
  );
}

function Ways({ login }: { login: Config["login"] }) {
  if (login.kind === "demo") {
    return (
      <>
        <Text>Pick a demo user. Each sees only their own calendars.</Text>
        {login.users.map((user) => (
          <Button
            key={user.email}
            variant="default"
            size="md"
            onClick={() => setLogin({ token: user.token, name: user.name })}
          >
            {`${user.name} (${user.email})`}
          </Button>
        ))}
      </>
    );
  }
  if (login.kind === "redirect") {
    return (
      <>
        <Text>Your CRM knows who you are. It sends you back here.</Text>
        <Button size="md" onClick={async () => window.location.assign(await loginAddress(login.url))}>
          Sign in with your CRM
        </Button>
      </>
    );
  }
  return (
    <Alert color="yellow" title="Nobody can sign in here yet">
      This deployment does not say where its users log in. Open this page from your CRM, or ask the operator
      to set the address of its login.
    </Alert>
  );
}
