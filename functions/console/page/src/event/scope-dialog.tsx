import "./styles";
import { Button, Group, Modal, Radio, Stack } from "@mantine/core";
import type { Scope } from "@tandem/react";
import { useState } from "react";

const NAMES: Record<Scope, string> = {
  this: "This event",
  following: "This and the following events",
  all: "All events of the series",
};

interface Props {
  title: string;
  action: string;
  scopes: Scope[];
  isDangerous?: boolean;
  onChoose(scope: Scope): void;
  onClose(): void;
}

/** Which part of a series is meant? */
export function ScopeDialog({ title, action, scopes, isDangerous, onChoose, onClose }: Props) {
  const [scope, setScope] = useState<Scope>(scopes[0] ?? "all");
  return (
    <Modal opened onClose={onClose} title={title} size="sm">
      <Stack>
        <Radio.Group aria-label={title} value={scope} onChange={(value) => setScope(value as Scope)}>
          <Stack gap="sm">
            {scopes.map((name) => (
              <Radio
                key={name}
                value={name}
                label={NAMES[name]}
                data-autofocus={name === scope || undefined}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button color={isDangerous ? "red" : undefined} onClick={() => onChoose(scope)}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
