import { Button, Group, Modal, Radio, Stack, Text } from "@mantine/core";
import type { CalendarSync, DisconnectChoice } from "@tandem/react";
import { useState } from "react";
import { Failure } from "../shell/failure";
import { useAction } from "../shell/use-action";
import { CHOICES } from "./words";

interface Props {
  name: string;
  which: { connection_id: string } | { account_id: string };
  sync: CalendarSync;
  onClose(): void;
}

/** What becomes of the events? Nothing is deleted that was not chosen here. */
export function DisconnectDialog({ name, which, sync, onClose }: Props) {
  const [choice, setChoice] = useState<DisconnectChoice>("keep");
  const { isRunning, error, run } = useAction();
  const disconnect = async () => {
    if (await run(() => sync.disconnect(which, choice))) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={`Disconnect ${name}`}>
      <Stack>
        <Text>What shall become of the events?</Text>
        <Radio.Group
          aria-label="What shall become of the events?"
          value={choice}
          onChange={(value) => setChoice(value as DisconnectChoice)}
        >
          <Stack gap="sm">
            {CHOICES.map(({ value, label, means }) => (
              <Radio key={value} value={value} label={label} description={means} />
            ))}
          </Stack>
        </Radio.Group>
        <Failure error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button color="red" loading={isRunning} onClick={() => void disconnect()}>
            Disconnect
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
